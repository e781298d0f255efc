// SPDX-License-Identifier: Apache-2.0
import { ActionIcon, Button, Drawer, Kbd, Menu, Tooltip } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { Suspense, lazy, useEffect, useState } from 'react';
import { NavLink, Outlet, useLocation, useNavigate } from 'react-router';
import { killSwitchesQuery } from '../api/queries';
import { useLiveEnvironment } from '../api/live';
import { useT } from '../i18n/i18n';
import { Icon } from '../shared/icons';
import { Loading, Notice } from '../shared/ui';
import { useAccess } from './Session';
import { LanguageMenu, ThemeButton } from './Preferences';
import { DESTINATIONS } from './navigation';
import { NotFound } from './RouteError';
import { pathOf, toneOf, useEnvironment } from './environment';
import styles from './shell.module.css';

const Palette = lazy(async () => ({ default: (await import('./Palette')).Palette }));
const SEQUENCE_MS_MAX = 1_200;

// The same view in another environment; a single thing's page may not exist there, so from there to its list.
function siblingPath(pathname: string, env: string) {
  const [, , , section = 'flags', key, ...rest] = pathname.split('/');
  if (section === 'flags' && key) return [pathOf(env, 'flags'), key, ...rest].join('/');
  return [pathOf(env), section, ...(section === 'tenants' && key ? [key] : [])].join('/');
}

function EnvironmentSwitcher() {
  const t = useT();
  const env = useEnvironment();
  const { environments } = useAccess();
  const navigate = useNavigate();
  const { pathname } = useLocation();
  return (
    <Menu position="bottom-start" width={260}>
      <Menu.Target>
        <button type="button" className={styles.env} data-tone={toneOf(env)} aria-label={t('shell.environment', { env })}>
          <span className={styles.envDot} />
          <span className={styles.envName}>{env}</span>
          {toneOf(env) === 'production' ? <span className={styles.envWord}>{t('shell.production')}</span> : null}
          <Icon name="down" size={16} />
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{t('shell.environments')}</Menu.Label>
        {environments.map((name) => (
          <Menu.Item
            key={name}
            onClick={() => void navigate(siblingPath(pathname, name))}
            leftSection={<span className={styles.envDot} data-tone={toneOf(name)} />}
            rightSection={name === env ? <Icon name="check" /> : null}
          >
            {name}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

function Navigation({ onNavigate }: { onNavigate?: () => void }) {
  const t = useT();
  const env = useEnvironment();
  const { may } = useAccess();
  const kills = useQuery({ ...killSwitchesQuery(env), enabled: may('kill:read') }).data?.length ?? 0;
  return (
    <nav className={styles.nav} aria-label={t('shell.navigation')}>
      {DESTINATIONS.filter(({ needs }) => may(needs)).map(({ path, label, icon }) => (
        <NavLink key={path} to={pathOf(env, path)} className={styles.navLink ?? ''} onClick={onNavigate}>
          <Icon name={icon} />
          <span>{t(label)}</span>
          {path === 'kill-switches' && kills > 0 ? (
            <span className={styles.navCount} aria-label={t('kill.engagedCount', { n: kills })}>
              {kills}
            </span>
          ) : null}
        </NavLink>
      ))}
    </nav>
  );
}

// `g` and then a letter leads to a page; `/` to the search of a list. Not while somebody writes.
function useShortcuts(openPalette: () => void) {
  const env = useEnvironment();
  const navigate = useNavigate();
  const { may } = useAccess();
  useEffect(() => {
    let pressedAt = 0;
    const listen = (event: KeyboardEvent) => {
      if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault();
        openPalette();
        return;
      }
      const target = event.target as HTMLElement;
      const writes = target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName);
      if (writes || event.metaKey || event.ctrlKey || event.altKey || document.querySelector('[role="dialog"]')) return;
      if (event.key === '/') {
        const search = document.querySelector<HTMLInputElement>('[data-page-search]');
        if (search) {
          event.preventDefault();
          search.focus();
        }
      } else if (event.key === 'g') {
        pressedAt = event.timeStamp;
      } else if (event.timeStamp - pressedAt < SEQUENCE_MS_MAX) {
        pressedAt = 0;
        const to = DESTINATIONS.find(({ hotkey, needs }) => hotkey === event.key && may(needs));
        if (to) void navigate(pathOf(env, to.path));
      }
    };
    window.addEventListener('keydown', listen);
    return () => window.removeEventListener('keydown', listen);
  }, [env, navigate, may, openPalette]);
}

function WithEnvironment() {
  const t = useT();
  const env = useEnvironment();
  const { signedIn, signOut, id, tenantId } = useAccess();
  const [menu, menuActions] = useDisclosure(false);
  const [palette, setPalette] = useState(false);
  const [openPalette] = useState(() => () => setPalette(true));
  const connection = useLiveEnvironment(env);
  useShortcuts(openPalette);
  useEffect(() => sessionStorage.setItem('guidon.environment', env), [env]);
  const tone = toneOf(env);

  return (
    <div className={styles.frame} data-tone={tone}>
      <a className={styles.skip} href="#main">
        {t('shell.skip')}
      </a>
      <header className={styles.bar} data-tone={tone}>
        <ActionIcon variant="subtle" size="lg" className={`${styles.barButton} ${styles.burger}`} onClick={menuActions.open} aria-label={t('shell.menu')}>
          <Icon name="menu" />
        </ActionIcon>
        <NavLink to={pathOf(env, 'flags')} className={styles.brand ?? ''} aria-label="Guidon">
          <Icon name="flag" size={22} /> <span>Guidon</span>
        </NavLink>
        <EnvironmentSwitcher />
        <span className={styles.spring} />
        <button type="button" className={styles.search} onClick={openPalette} aria-label={t('palette.open')}>
          <Icon name="search" size={16} />
          <span>{t('palette.open')}</span>
          <Kbd size="xs">Ctrl K</Kbd>
        </button>
        <LanguageMenu />
        <ThemeButton />
        {signedIn ? (
          <Tooltip label={`${t('shell.signOut')}: ${id ?? ''}`}>
            <ActionIcon variant="subtle" size="lg" className={styles.barButton} onClick={signOut} aria-label={t('shell.signOut')}>
              <Icon name="logout" />
            </ActionIcon>
          </Tooltip>
        ) : null}
      </header>
      <aside className={styles.side}>
        <Navigation />
        {tenantId ? <p className={styles.bound}>{t('shell.tenantBound', { tenant: tenantId })}</p> : null}
      </aside>
      <main id="main" className={styles.main} tabIndex={-1}>
        {connection === 'offline' ? (
          <div className={styles.offline}>
            <Notice tone="warn" live>
              {t('shell.offline')}
            </Notice>
          </div>
        ) : null}
        <Suspense fallback={<Loading lines={9} />}>
          <Outlet />
        </Suspense>
      </main>
      <Drawer opened={menu} onClose={menuActions.close} size={260} title="Guidon" closeButtonProps={{ 'aria-label': t('common.close') }}>
        <Navigation onNavigate={menuActions.close} />
        {signedIn ? (
          <Button variant="default" mt="md" fullWidth onClick={signOut} leftSection={<Icon name="logout" />}>
            {t('shell.signOut')}
          </Button>
        ) : null}
      </Drawer>
      {palette ? (
        <Suspense fallback={null}>
          <Palette onClose={() => setPalette(false)} />
        </Suspense>
      ) : null}
    </div>
  );
}

export function Shell() {
  const env = useEnvironment();
  const { environments } = useAccess();
  return environments.includes(env) ? <WithEnvironment /> : <NotFound />;
}
