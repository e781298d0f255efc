// SPDX-License-Identifier: Apache-2.0
// Everything by its name: pages, flags (searched by the server), environments.
import { Spotlight, createSpotlight } from '@mantine/spotlight';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useNavigate } from 'react-router';
import { ask, client } from '../api/client';
import { useT } from '../i18n/i18n';
import { Icon } from '../shared/icons';
import { useAccess } from './Session';
import { DESTINATIONS } from './navigation';
import { pathOf, toneOf, useEnvironment } from './environment';
import styles from './shell.module.css';

const SHOWN_MAX = 8;
const [store, spotlight] = createSpotlight();

export function Palette({ onClose }: { onClose: () => void }) {
  const t = useT();
  const env = useEnvironment();
  const navigate = useNavigate();
  const { may, environments } = useAccess();
  const [query, setQuery] = useState('');
  const [asked] = useDebouncedValue(query.trim(), 120);
  useEffect(() => spotlight.open(), []);
  const flags = useQuery({
    queryKey: ['env', env, 'palette', asked],
    enabled: asked !== '',
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      ask(client.GET('/api/v1/environments/{env}/flags', { params: { path: { env }, query: { q: asked, limit: 50 } }, signal })),
  });
  const wanted = query.trim().toLowerCase();
  const fits = (text: string) => text.toLowerCase().includes(wanted);
  const pages = DESTINATIONS.filter(({ needs, label, path }) => may(needs) && (fits(t(label)) || fits(path)));
  const others = environments.filter((name) => name !== env && fits(name));
  const found = wanted ? (flags.data?.items ?? []).slice(0, SHOWN_MAX) : [];
  const go = (path: string) => () => void navigate(path);

  return (
    <Spotlight.Root store={store} query={query} onQueryChange={setQuery} onSpotlightClose={onClose} shortcut={null} scrollable maxHeight="60vh" aria-label={t('palette.open')}>
      <Spotlight.Search placeholder={t('palette.placeholder')} aria-label={t('palette.placeholder')} leftSection={<Icon name="search" />} />
      <Spotlight.ActionsList>
        {found.length > 0 ? (
          <Spotlight.ActionsGroup label={t('nav.flags')}>
            {found.map((flag) => (
              <Spotlight.Action key={flag.flagKey} onClick={go(pathOf(env, 'flags', flag.flagKey))} leftSection={<Icon name="flag" />} label={flag.flagKey} description={flag.description} />
            ))}
          </Spotlight.ActionsGroup>
        ) : null}
        {pages.length > 0 ? (
          <Spotlight.ActionsGroup label={t('palette.pages')}>
            {pages.map(({ path, label, icon, hotkey }) => (
              <Spotlight.Action key={path} onClick={go(pathOf(env, path))} leftSection={<Icon name={icon} />} rightSection={<code>g {hotkey}</code>} label={t(label)} />
            ))}
            {may('flags:write') && (wanted === '' || fits(t('flags.new'))) ? (
              <Spotlight.Action onClick={go(pathOf(env, 'new-flag'))} leftSection={<Icon name="plus" />} label={t('flags.new')} />
            ) : null}
          </Spotlight.ActionsGroup>
        ) : null}
        {others.length > 0 ? (
          <Spotlight.ActionsGroup label={t('shell.environments')}>
            {others.map((name) => (
              <Spotlight.Action key={name} onClick={go(pathOf(name, 'flags'))} leftSection={<span className={styles.envDot} data-tone={toneOf(name)} />} label={name} />
            ))}
          </Spotlight.ActionsGroup>
        ) : null}
        {found.length + pages.length + others.length === 0 ? <Spotlight.Empty>{flags.isFetching ? t('common.loading') : t('palette.nothing')}</Spotlight.Empty> : null}
      </Spotlight.ActionsList>
    </Spotlight.Root>
  );
}
