// SPDX-License-Identifier: Apache-2.0
// Turning things off at once. Calm to look at, impossible to mistake, and it says what it will hit before it does.
import { Autocomplete, Button, Modal, Textarea } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { Link, useSearchParams } from 'react-router';
import { ask, client } from '../api/client';
import { allFlagsQuery, killSwitchesQuery, queryClient, tenantsQuery } from '../api/queries';
import type { KillSwitch } from '../api/types';
import { useAccess } from '../app/Session';
import { pathOf, useEnvironment } from '../app/environment';
import { useT } from '../i18n/i18n';
import { ChangeOnItsWay } from '../propagation/Propagation';
import { useConfirm, useTell } from '../shared/confirm';
import { Icon } from '../shared/icons';
import { Card, DangerButton, ErrorNotice, Loading, Notice, Page, Tag, Time } from '../shared/ui';
import { parseScope, reachOf, scopeText, type ScopeKind } from './scope';
import styles from './kill.module.css';

const KINDS: ScopeKind[] = ['flag', 'tenant', 'owner', 'global'];
const NAMED_MAX = 8;

export function KillSwitches() {
  const t = useT();
  const env = useEnvironment();
  const { may } = useAccess();
  const query = useQuery(killSwitchesQuery(env));
  const flags = useQuery(allFlagsQuery(env)).data ?? [];
  const [releasing, setReleasing] = useState<KillSwitch | null>(null);
  const [sequence, setSequence] = useState<number | null>(null);
  return (
    <Page title={t('nav.killSwitches')} lead={t('kill.lead', { env })}>
      <div style={{ display: 'grid', gap: 16 }}>
        {query.error && !query.data ? <ErrorNotice error={query.error} retry={() => void query.refetch()} /> : null}
        {query.isPending ? <Loading lines={3} /> : null}
        {query.data?.length === 0 ? (
          <div className={styles.calm}>
            <Icon name="check" size={30} />
            <div>
              <h2>{t('kill.calm')}</h2>
              <p>{t('kill.calmText', { env })}</p>
            </div>
          </div>
        ) : null}
        {query.data?.map((kill) => {
          const { kind, name } = parseScope(kill.scope);
          return (
            <section key={kill.scope} className={styles.engaged} aria-label={kill.scope}>
              <div className={styles.engagedHead}>
                <Icon name="power" size={24} />
                <h2>{t(`kill.engaged.${kind}`, { name })}</h2>
                {may('kill:release') ? <Button variant="white" color="red" onClick={() => setReleasing(kill)}>{t('kill.release')}</Button> : null}
              </div>
              <div className={styles.engagedBody}>
                <p className={styles.reason}>{kill.reason}</p>
                <div style={{ display: 'flex', flexWrap: 'wrap', gap: '4px 16px', fontSize: '0.84rem', color: 'var(--g-dim)' }}>
                  <span>{t('kill.since')} <Time at={kill.engagedAt} /> (<Time at={kill.engagedAt} relative />)</span>
                  {kill.engagedBy ? <span>{t('history.by', { who: kill.engagedBy })}</span> : null}
                  <span>{t('kill.affects', { n: reachOf(kind, name, flags).length })}</span>
                </div>
              </div>
            </section>
          );
        })}
        {sequence === null ? null : <ChangeOnItsWay env={env} sequence={sequence} />}
        {may('kill:engage') ? <Engage env={env} engaged={query.data ?? []} onDone={setSequence} /> : null}
      </div>
      {releasing ? <Release env={env} kill={releasing} onClose={() => setReleasing(null)} onDone={setSequence} /> : null}
    </Page>
  );
}

function Engage({ env, engaged, onDone }: { env: string; engaged: KillSwitch[]; onDone: (sequence: number) => void }) {
  const t = useT();
  const confirm = useConfirm();
  const tell = useTell();
  const { may, tenantId } = useAccess();
  const [parameters] = useSearchParams();
  const given = parseScope(parameters.get('scope') ?? 'flag:');
  const [kind, setKind] = useState<ScopeKind>(KINDS.includes(given.kind) ? given.kind : 'flag');
  const [name, setName] = useState(given.name);
  const [reason, setReason] = useState('');
  const [busy, setBusy] = useState(false);
  const flags = useQuery(allFlagsQuery(env)).data ?? [];
  const tenants = useQuery({ ...tenantsQuery, enabled: may('tenants:read') }).data ?? [];
  const owners = useMemo(() => [...new Set(flags.map(({ owner }) => owner).filter((owner) => owner !== undefined && owner !== ''))] as string[], [flags]);
  const scope = scopeText(kind, name.trim());
  const complete = kind === 'global' || name.trim() !== '';
  const reach = complete ? reachOf(kind, name.trim(), flags) : [];
  const people = kind === 'tenant' ? 1 : tenants.length;
  const already = engaged.some((kill) => kill.scope === scope);
  const options: Record<ScopeKind, string[]> = { global: [], flag: flags.map(({ flagKey }) => flagKey), tenant: tenants.map((tenant) => tenant.tenantId), owner: owners };

  const engage = async () => {
    const yes = await confirm({
      title: t(`kill.ask.${kind}`, { name }),
      env,
      danger: true,
      typed: kind === 'global' ? env : undefined,
      body: (
        <>
          <Reach flags={reach.map(({ flagKey }) => flagKey)} tenants={people} kind={kind} />
          <p style={{ margin: 0 }}><strong>{t('kill.reason')}:</strong> {reason}</p>
        </>
      ),
      confirmLabel: t('kill.engage'),
    });
    if (!yes) return;
    setBusy(true);
    try {
      const { data, error, response } = await client.PUT('/api/v1/environments/{env}/kill-switches/{scope}', { params: { path: { env, scope } }, body: { reason } });
      await ask(Promise.resolve({ data, error, response }));
      onDone(Number(response.headers.get('Guidon-Sequence') ?? 0));
      tell.done(t('kill.done', { scope }));
      setReason('');
      setName('');
    } catch (error) {
      tell.failed(error);
    }
    void queryClient.invalidateQueries({ queryKey: ['env', env] });
    setBusy(false);
  };

  return (
    <Card title={t('kill.new')}>
      <form
        style={{ display: 'grid', gap: 16 }}
        onSubmit={(event) => {
          event.preventDefault();
          if (complete && reason.trim()) void engage();
        }}
      >
        <div className={styles.scopes} role="group" aria-label={t('kill.scope')}>
          {KINDS.filter((value) => !(tenantId && (value === 'global' || value === 'owner'))).map((value) => (
            <button key={value} type="button" className={styles.scope} aria-pressed={kind === value} onClick={() => { setKind(value); setName(''); }}>
              <strong>{t(`kill.kind.${value}`)}</strong>
              <span>{t(`kill.kindText.${value}`)}</span>
            </button>
          ))}
        </div>
        {kind === 'global' ? null : <Autocomplete label={t(`kill.name.${kind}`)} data={options[kind]} limit={50} value={name} onChange={setName} maw={480} required />}
        {complete ? <Reach flags={reach.map(({ flagKey }) => flagKey)} tenants={people} kind={kind} env={env} /> : null}
        {already ? <Notice tone="warn">{t('kill.already')}</Notice> : null}
        {complete && kind !== 'global' && flags.length > 0 && reach.length === 0 ? <Notice tone="warn">{t('kill.reachesNothing')}</Notice> : null}
        <Textarea label={t('kill.reason')} description={t('kill.reasonText')} required autosize minRows={2} maxLength={1024} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
        <DangerButton type="submit" className={styles.big} loading={busy} disabled={!complete || !reason.trim() || already} leftSection={<Icon name="power" size={20} />}>
          {t('kill.engageIn', { env })}
        </DangerButton>
      </form>
    </Card>
  );
}

function Reach({ flags, tenants, kind, env }: { flags: string[]; tenants: number; kind: ScopeKind; env?: string }) {
  const t = useT();
  return (
    <div style={{ display: 'grid', gap: 8 }}>
      <div className={styles.reach}>
        <div className={styles.figure}><strong>{flags.length}</strong><span>{t('kill.flagsHit', { n: flags.length })}</span></div>
        {tenants > 0 ? <div className={styles.figure}><strong>{tenants}</strong><span>{kind === 'tenant' ? t('kill.tenantHit') : t('kill.tenantsHit', { n: tenants })}</span></div> : null}
      </div>
      <div style={{ display: 'flex', flexWrap: 'wrap', gap: 4 }}>
        {flags.slice(0, NAMED_MAX).map((key) => (env ? <Link key={key} to={pathOf(env, 'flags', key)}><Tag>{key}</Tag></Link> : <Tag key={key}>{key}</Tag>))}
        {flags.length > NAMED_MAX ? <Tag>+{flags.length - NAMED_MAX}</Tag> : null}
      </div>
    </div>
  );
}

function Release({ env, kill, onClose, onDone }: { env: string; kill: KillSwitch; onClose: () => void; onDone: (sequence: number) => void }) {
  const t = useT();
  const tell = useTell();
  const [reason, setReason] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const release = async () => {
    setBusy(true);
    try {
      const { error: problem, response } = await client.DELETE('/api/v1/environments/{env}/kill-switches/{scope}', { params: { path: { env, scope: kill.scope }, query: { reason } } });
      await ask(Promise.resolve({ error: problem, response }));
      onDone(Number(response.headers.get('Guidon-Sequence') ?? 0));
      tell.done(t('kill.released', { scope: kill.scope }));
      onClose();
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
    void queryClient.invalidateQueries({ queryKey: ['env', env] });
  };
  return (
    <Modal opened onClose={onClose} title={t('kill.askRelease', { scope: kill.scope })} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <form
        style={{ display: 'grid', gap: 14 }}
        onSubmit={(event) => {
          event.preventDefault();
          if (reason.trim()) void release();
        }}
      >
        <Notice tone="warn">{t('kill.releaseText')}</Notice>
        <Textarea data-autofocus label={t('kill.releaseReason')} required autosize minRows={2} maxLength={1024} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
        {error ? <ErrorNotice error={error} /> : null}
        <div style={{ display: 'flex', gap: 8, justifyContent: 'flex-end' }}>
          <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
          <Button type="submit" loading={busy} disabled={!reason.trim()}>{t('kill.release')}</Button>
        </div>
      </form>
    </Modal>
  );
}
