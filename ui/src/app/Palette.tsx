// SPDX-License-Identifier: Apache-2.0
// Everything by its name: pages, flags (searched by the server), environments. A combobox over a list, as ARIA has it.
import { Modal } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useEffect, useId, useRef, useState, type ReactNode } from 'react';
import { useNavigate } from 'react-router';
import { ask, client } from '../api/client';
import { useT } from '../i18n/i18n';
import { Icon } from '../shared/icons';
import { useAccess } from './Session';
import { DESTINATIONS } from './navigation';
import { pathOf, toneOf, useEnvironment } from './environment';
import styles from './shell.module.css';

const SHOWN_MAX = 8;
const DELAY_MS = 120;

type Entry = { id: string; path: string; icon: ReactNode; label: string; note?: string; group: string };

export function Palette({ onClose }: { onClose: () => void }) {
  const t = useT();
  const env = useEnvironment();
  const navigate = useNavigate();
  const { may, environments } = useAccess();
  const listId = useId();
  const active = useRef<HTMLLIElement>(null);
  const [query, setQuery] = useState('');
  const [at, setAt] = useState(0);
  const [asked] = useDebouncedValue(query.trim(), DELAY_MS);
  const flags = useQuery({
    queryKey: ['env', env, 'palette', asked],
    enabled: asked !== '',
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      ask(client.GET('/api/v1/environments/{env}/flags', { params: { path: { env }, query: { q: asked, limit: 50 } }, signal })),
  });
  const wanted = query.trim().toLowerCase();
  const fits = (...texts: string[]) => texts.some((text) => text.toLowerCase().includes(wanted));
  const entries: Entry[] = [];
  if (wanted !== '') {
    for (const flag of (flags.data?.items ?? []).slice(0, SHOWN_MAX))
      entries.push({ id: `flag-${flag.flagKey}`, path: pathOf(env, 'flags', flag.flagKey), icon: <Icon name="flag" />, label: flag.flagKey, note: flag.description, group: t('nav.flags') });
  }
  for (const { path, label, icon, needs, hotkey } of DESTINATIONS)
    if (may(needs) && fits(t(label), path)) entries.push({ id: path, path: pathOf(env, path), icon: <Icon name={icon} />, label: t(label), note: `g ${hotkey}`, group: t('palette.pages') });
  if (may('flags:write') && fits(t('flags.new'))) entries.push({ id: 'new-flag', path: pathOf(env, 'new-flag'), icon: <Icon name="plus" />, label: t('flags.new'), group: t('palette.pages') });
  for (const name of environments)
    if (name !== env && fits(name)) entries.push({ id: `env-${name}`, path: pathOf(name, 'flags'), icon: <span className={styles.envDot} data-tone={toneOf(name)} />, label: name, group: t('shell.environments') });
  const selected = Math.min(at, entries.length - 1);
  // In braces: newer browsers answer with a promise, which is no cleanup of an effect.
  useEffect(() => {
    active.current?.scrollIntoView({ block: 'nearest' });
  }, [selected]);

  const go = (entry: Entry | undefined) => {
    if (!entry) return;
    onClose();
    void navigate(entry.path);
  };
  const press = (event: React.KeyboardEvent) => {
    // Enter that ends a conversion of kana is not meant for us.
    if (event.nativeEvent.isComposing) return;
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (move !== undefined && entries.length > 0) {
      event.preventDefault();
      setAt((selected + move + entries.length) % entries.length);
    } else if (event.key === 'Enter') {
      event.preventDefault();
      go(entries[selected]);
    }
  };
  return (
    <Modal opened onClose={onClose} withCloseButton={false} size={560} yOffset="12vh" centered={false} padding={0} aria-label={t('palette.open')}>
      <div className={styles.paletteSearch}>
        <Icon name="search" />
        <input
          role="combobox"
          aria-label={t('palette.placeholder')}
          aria-expanded={entries.length > 0}
          aria-controls={listId}
          aria-activedescendant={entries[selected] ? `${listId}-${selected}` : undefined}
          placeholder={t('palette.placeholder')}
          value={query}
          data-autofocus
          autoComplete="off"
          spellCheck={false}
          onKeyDown={press}
          onChange={(event) => {
            setQuery(event.currentTarget.value);
            setAt(0);
          }}
        />
      </div>
      <ul className={styles.paletteList} role="listbox" id={listId} aria-label={t('palette.open')}>
        {entries.map((entry, index) => (
          <li
            key={entry.id}
            id={`${listId}-${index}`}
            ref={index === selected ? active : undefined}
            role="option"
            aria-selected={index === selected}
            data-group={entry.group === entries[index - 1]?.group ? undefined : entry.group}
            onMouseMove={() => setAt(index)}
            onClick={() => go(entry)}
          >
            {entry.icon}
            <span>{entry.label}</span>
            <small>{entry.note}</small>
          </li>
        ))}
      </ul>
      {entries.length === 0 ? <p className={styles.paletteNone}>{flags.isFetching ? t('common.loading') : t('palette.nothing')}</p> : null}
    </Modal>
  );
}
