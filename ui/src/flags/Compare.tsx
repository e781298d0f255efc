// SPDX-License-Identifier: Apache-2.0
// The same flag in all environments side by side, and from one to another with the difference shown first.
import { Button, Group, Select } from '@mantine/core';
import { useQueries } from '@tanstack/react-query';
import { useState } from 'react';
import { ApiError, ask, client, ifMatch } from '../api/client';
import { flagQuery, queryClient } from '../api/queries';
import type { Flag, Json } from '../api/types';
import { useAccess } from '../app/Session';
import { toneOf } from '../app/environment';
import { useT } from '../i18n/i18n';
import { DiffList } from '../shared/DiffList';
import { useConfirm, useTell } from '../shared/confirm';
import { differences, equal } from '../shared/diff';
import { attributeLabel } from '../shared/labels';
import { Card, ErrorNotice, Loading, Tag, Time, sharedStyles } from '../shared/ui';
import { draftOf, type Draft } from './draft';
import styles from './flag.module.css';

const ATTRIBUTES = ['state', 'defaultEnabled', 'rolloutPercentage', 'defaultVariation', 'offVariation', 'killVariation', 'variations', 'targetingRules', 'targeting', 'prerequisites', 'expiresAt', 'bucketBy', 'rolloutSalt', 'clientVisible', 'owner', 'tags', 'description'] as const;

const textOf = (value: Json | undefined) => (value === undefined ? '–' : typeof value === 'string' ? value : JSON.stringify(value, null, 2));

// What a promotion carries over: everything but where it lives.
function portable(flag: Flag): Draft {
  const draft = draftOf(flag);
  delete draft.environment;
  return draft;
}

export function Compare({ env, flag }: { env: string; flag: Flag }) {
  const t = useT();
  const { environments, may } = useAccess();
  const confirm = useConfirm();
  const tell = useTell();
  const results = useQueries({ queries: environments.map((name) => flagQuery(name, flag.flagKey)) });
  const [target, setTarget] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const versions = environments.map((name, index) => {
    const { data, error } = results[index] ?? {};
    return { name, flag: data, missing: error instanceof ApiError && error.status === 404, error };
  });
  if (versions.some((entry) => !entry.flag && !entry.error)) return <Loading />;
  const others = versions.filter((entry) => entry.name !== env);
  const to = others.find((entry) => entry.name === target);

  const promote = async () => {
    if (!to) return;
    const body = portable(flag);
    const changes = to.flag ? differences(portable(to.flag), body) : [];
    if (to.flag && changes.length === 0) {
      tell.done(t('compare.same', { from: env, to: to.name }));
      return;
    }
    const yes = await confirm({
      title: t('compare.askTitle', { flag: flag.flagKey, from: env, to: to.name }),
      env: to.name,
      wide: true,
      body: to.flag ? <DiffList changes={changes} /> : <p style={{ margin: 0 }}>{t('compare.willCreate', { to: to.name })}</p>,
      confirmLabel: t('compare.promote'),
    });
    if (!yes) return;
    setBusy(true);
    try {
      if (to.flag)
        await ask(client.PUT('/api/v1/environments/{env}/flags/{key}', { params: { path: { env: to.name, key: flag.flagKey }, header: ifMatch(to.flag.version) }, body }));
      else await ask(client.POST('/api/v1/environments/{env}/flags', { params: { path: { env: to.name } }, body }));
      tell.done(t('compare.done', { flag: flag.flagKey, to: to.name }));
    } catch (error) {
      tell.failed(error);
    }
    void queryClient.invalidateQueries({ queryKey: ['env', to.name] });
    setBusy(false);
  };

  const value = (entry: (typeof versions)[number], name: (typeof ATTRIBUTES)[number]) => entry.flag?.[name] as Json | undefined;
  const shown = ATTRIBUTES.filter((name) => versions.some((entry) => value(entry, name) !== undefined && !equal(value(entry, name), [])));
  return (
    <div style={{ display: 'grid', gap: 16 }}>
      {may('flags:write') && others.length > 0 ? (
        <Card title={t('compare.promoteTitle')}>
          <Group align="flex-end" gap="sm">
            <Select label={t('compare.to')} placeholder={t('compare.choose')} data={others.map((entry) => entry.name)} value={target} onChange={setTarget} />
            <Button onClick={() => void promote()} disabled={!to} loading={busy}>{t('compare.preview', { from: env })}</Button>
          </Group>
          <p style={{ margin: '10px 0 0', fontSize: '0.84rem', color: 'var(--g-dim)' }}>{t('compare.note')}</p>
        </Card>
      ) : null}
      {versions.filter((entry) => entry.error && !entry.missing).map((entry) => <ErrorNotice key={entry.name} error={entry.error} />)}
      <Card flush>
        <div className={sharedStyles.scroll} tabIndex={0} role="region" aria-label={t('flag.tabCompare')}>
          <table className={styles.compare}>
            <thead>
              <tr>
                <th scope="col" style={{ width: 170 }}>{t('compare.attribute')}</th>
                {versions.map((entry) => (
                  <th key={entry.name} scope="col">
                    {entry.name} {toneOf(entry.name) === 'production' ? <Tag tone="bad">{t('shell.production')}</Tag> : null}
                    <div style={{ fontWeight: 400, color: 'var(--g-dim)', fontSize: '0.78rem' }}>
                      {entry.missing ? t('compare.missing') : entry.flag ? <>v{entry.flag.version} · <Time at={entry.flag.updatedAt} relative /></> : null}
                    </div>
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {shown.map((name) => {
                const present = versions.filter((entry) => entry.flag);
                const differs = present.some((entry) => !equal(value(entry, name), value(present[0] ?? entry, name)));
                return (
                  <tr key={name} data-differs={differs}>
                    <th scope="row">
                      {attributeLabel(name, t)}
                      {differs ? <div><Tag tone="warn">{t('compare.differs')}</Tag></div> : null}
                    </th>
                    {versions.map((entry) => (
                      <td key={entry.name}><pre>{entry.flag ? textOf(value(entry, name)) : '–'}</pre></td>
                    ))}
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      </Card>
    </div>
  );
}
