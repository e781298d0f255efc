// SPDX-License-Identifier: Apache-2.0
// API keys: made once shown, rotated with an overlap, revoked; old ones are pointed out.
import { Button, Group, Menu, Modal, Radio, Select, TextInput, ActionIcon } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { ask, client } from '../api/client';
import { keysQuery, queryClient } from '../api/queries';
import type { ApiKey } from '../api/types';
import { useAccess } from '../app/Session';
import { isProduction } from '../app/environment';
import { DateTimeInput } from '../flags/DateTimeInput';
import { useT } from '../i18n/i18n';
import { useConfirm, useTell } from '../shared/confirm';
import { Icon } from '../shared/icons';
import { Card, CopyButton, Empty, ErrorNotice, Loading, Notice, Page, Tag, Time, sharedStyles } from '../shared/ui';

// Rotation age that is usual; after it a key is pointed out, not refused.
const OLD_MS = 90 * 86_400_000;
const OVERLAPS = { '0': 0, hour: 3_600, day: 86_400, week: 604_800, month: 2_592_000 } as const;

type State = 'active' | 'expiring' | 'expired' | 'revoked' | 'old';

export function stateOf(key: ApiKey, now = Date.now()): State {
  if (key.revokedAt) return 'revoked';
  if (key.expiresAt && Date.parse(key.expiresAt) <= now) return 'expired';
  if (key.replacedBy) return 'expiring';
  return now - Date.parse(key.createdAt) > OLD_MS ? 'old' : 'active';
}

export function Keys() {
  const t = useT();
  const { may, environments, tenantId, id } = useAccess();
  const query = useQuery(keysQuery);
  const confirm = useConfirm();
  const tell = useTell();
  const [adding, setAdding] = useState(false);
  const [rotating, setRotating] = useState<ApiKey | null>(null);
  const [token, setToken] = useState<string | null>(null);
  const [gone, setGone] = useState(false);
  const fresh = () => void queryClient.invalidateQueries({ queryKey: ['keys'] });
  const keys = query.data ?? [];
  const shown = keys.filter((key) => gone || !['revoked', 'expired'].includes(stateOf(key)));

  const revoke = async (key: ApiKey) => {
    const yes = await confirm({ title: t('keys.askRevoke', { key: key.name || key.keyId }), env: key.environment, danger: true, body: <p style={{ margin: 0 }}>{key.keyId === id ? t('keys.revokeOwn') : t('keys.revokeText')}</p>, confirmLabel: t('keys.revoke') });
    if (!yes) return;
    try {
      await ask(client.DELETE('/api/v1/keys/{keyId}', { params: { path: { keyId: key.keyId } } }));
      tell.done(t('keys.revoked', { key: key.name || key.keyId }));
    } catch (error) {
      tell.failed(error);
    }
    fresh();
  };
  return (
    <Page title={t('nav.keys')} lead={t('keys.lead')} actions={may('keys:write') ? <Button leftSection={<Icon name="plus" size={16} />} onClick={() => setAdding(true)}>{t('keys.new')}</Button> : null}>
      <Card flush>
        {query.error && !query.data ? <div style={{ padding: 12 }}><ErrorNotice error={query.error} retry={() => void query.refetch()} /></div> : query.isPending ? <Loading /> : shown.length === 0 ? (
          <Empty icon="key" title={t('keys.none')}>{t('keys.noneText')}</Empty>
        ) : (
          <div className={sharedStyles.scroll}>
            <table className={sharedStyles.table} style={{ minWidth: 820 }}>
              <thead>
                <tr><th scope="col">{t('keys.key')}</th><th scope="col">{t('keys.kind')}</th><th scope="col">{t('keys.reach')}</th><th scope="col">{t('keys.lastUsed')}</th><th scope="col">{t('keys.created')}</th><th scope="col">{t('attribute.expiresAt')}</th><th scope="col"><span className="visually-hidden">{t('common.actions')}</span></th></tr>
              </thead>
              <tbody>
                {shown.map((key) => {
                  const state = stateOf(key);
                  return (
                    <tr key={key.keyId}>
                      <td>
                        <strong>{key.name || t('keys.unnamed')}</strong> {key.keyId === id ? <Tag tone="accent">{t('keys.mine')}</Tag> : null}
                        <div className="mono" style={{ color: 'var(--g-dim)' }}>{key.keyId}</div>
                      </td>
                      <td><Tag tone={key.kind === 'admin' ? 'warn' : 'plain'}>{t(`keyKind.${key.kind}`)}</Tag></td>
                      <td>
                        {key.environment ? <Tag tone={isProduction(key.environment) ? 'bad' : 'plain'}>{key.environment}</Tag> : <Tag>{t('keys.everywhere')}</Tag>} {key.tenantId ? <Tag tone="accent">{key.tenantId}</Tag> : null}
                      </td>
                      <td>{key.lastUsedAt ? <Time at={key.lastUsedAt} relative /> : <span style={{ color: 'var(--g-dim)' }}>{t('keys.never')}</span>}</td>
                      <td>
                        <Time at={key.createdAt} relative />
                        {state === 'old' ? <div><Tag tone="warn">{t('keys.old')}</Tag></div> : null}
                      </td>
                      <td>
                        {state === 'revoked' ? <Tag tone="bad">{t('keys.stateRevoked')}</Tag> : state === 'expired' ? <Tag tone="bad">{t('keys.stateExpired')}</Tag> : key.expiresAt ? <Time at={key.expiresAt} /> : t('keys.noExpiry')}
                        {key.replacedBy ? <div className="mono" style={{ color: 'var(--g-dim)', fontSize: '0.78rem' }}>→ {key.replacedBy}</div> : null}
                      </td>
                      <td style={{ textAlign: 'right' }}>
                        {may('keys:write') && state !== 'revoked' ? (
                          <Menu position="bottom-end">
                            <Menu.Target><ActionIcon variant="subtle" color="gray" aria-label={t('keys.actionsOf', { key: key.name || key.keyId })}><Icon name="more" /></ActionIcon></Menu.Target>
                            <Menu.Dropdown>
                              <Menu.Item leftSection={<Icon name="refresh" size={16} />} disabled={state === 'expired' || key.replacedBy !== undefined} onClick={() => setRotating(key)}>{t('keys.rotate')}…</Menu.Item>
                              <Menu.Item color="red" leftSection={<Icon name="close" size={16} />} onClick={() => void revoke(key)}>{t('keys.revoke')}…</Menu.Item>
                            </Menu.Dropdown>
                          </Menu>
                        ) : null}
                      </td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
          </div>
        )}
        {keys.length > shown.length || gone ? <div style={{ padding: 10 }}><Button variant="subtle" size="compact-sm" onClick={() => setGone(!gone)}>{gone ? t('keys.hideGone') : t('keys.showGone', { n: keys.length - shown.length })}</Button></div> : null}
      </Card>
      {adding ? <NewKey environments={environments} tenantId={tenantId} onClose={() => setAdding(false)} onToken={(text) => { setAdding(false); setToken(text); fresh(); }} /> : null}
      {rotating ? <Rotate apiKey={rotating} onClose={() => setRotating(null)} onToken={(text) => { setRotating(null); setToken(text); fresh(); }} /> : null}
      <Modal opened={token !== null} onClose={() => setToken(null)} title={t('keys.tokenTitle')} closeOnClickOutside={false} size="lg" closeButtonProps={{ 'aria-label': t('common.close') }}>
        <div style={{ display: 'grid', gap: 12 }}>
          <Notice tone="warn"><strong>{t('keys.tokenOnce')}</strong></Notice>
          <div className={sharedStyles.copyLine}>
            <pre className={sharedStyles.code} style={{ flex: 1, minWidth: 0, whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }} data-testid="token">{token}</pre>
            <CopyButton text={token ?? ''} />
          </div>
          <Group justify="flex-end"><Button onClick={() => setToken(null)}>{t('keys.tokenKept')}</Button></Group>
        </div>
      </Modal>
    </Page>
  );
}

function NewKey({ environments, tenantId, onClose, onToken }: { environments: string[]; tenantId: string | undefined; onClose: () => void; onToken: (token: string) => void }) {
  const t = useT();
  const [kind, setKind] = useState<ApiKey['kind']>('server');
  const [name, setName] = useState('');
  const [environment, setEnvironment] = useState<string | null>(environments.find((env) => !isProduction(env)) ?? environments[0] ?? null);
  const [tenant, setTenant] = useState(tenantId ?? '');
  const [expiresAt, setExpiresAt] = useState<string | undefined>();
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const create = async () => {
    setBusy(true);
    try {
      const issued = await ask(client.POST('/api/v1/keys', { body: { kind, ...(name ? { name } : {}), ...(environment ? { environment } : {}), ...(tenant ? { tenantId: tenant } : {}), ...(expiresAt ? { expiresAt } : {}) } }));
      onToken(issued.token ?? '');
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return (
    <Modal opened onClose={onClose} title={t('keys.new')} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <form style={{ display: 'grid', gap: 14 }} onSubmit={(event) => { event.preventDefault(); void create(); }}>
        <Radio.Group label={t('keys.kind')} value={kind} onChange={(value) => setKind(value as ApiKey['kind'])}>
          <div style={{ display: 'grid', gap: 8, marginTop: 6 }}>
            {(['server', 'client', 'admin'] as const).map((value) => <Radio key={value} value={value} label={t(`keyKind.${value}`)} description={t(`keyKindText.${value}`)} />)}
          </div>
        </Radio.Group>
        <TextInput data-autofocus label={t('keys.name')} description={t('keys.nameText')} value={name} onChange={(event) => setName(event.currentTarget.value)} maxLength={128} />
        <Select label={t('keys.environment')} data={environments} value={environment} onChange={setEnvironment} clearable={kind === 'admin'} allowDeselect={kind === 'admin'} placeholder={t('keys.everywhere')} required={kind !== 'admin'} clearButtonProps={{ 'aria-label': t('common.clear') }} />
        <TextInput label={t('keys.tenant')} description={t('keys.tenantText')} value={tenant} disabled={tenantId !== undefined} onChange={(event) => setTenant(event.currentTarget.value)} />
        <DateTimeInput label={t('attribute.expiresAt')} value={expiresAt} onChange={setExpiresAt} />
        {kind === 'admin' && environment === null && tenant === '' ? <Notice tone="warn">{t('keys.powerful')}</Notice> : null}
        {error ? <ErrorNotice error={error} /> : null}
        <Button type="submit" loading={busy} disabled={kind !== 'admin' && environment === null}>{t('keys.create')}</Button>
      </form>
    </Modal>
  );
}

function Rotate({ apiKey, onClose, onToken }: { apiKey: ApiKey; onClose: () => void; onToken: (token: string) => void }) {
  const t = useT();
  const [overlap, setOverlap] = useState<keyof typeof OVERLAPS>('day');
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const rotate = async () => {
    setBusy(true);
    try {
      const issued = await ask(client.POST('/api/v1/keys/{keyId}/rotate', { params: { path: { keyId: apiKey.keyId } }, body: { overlapSeconds: OVERLAPS[overlap] } }));
      onToken(issued.token ?? '');
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return (
    <Modal opened onClose={onClose} title={t('keys.askRotate', { key: apiKey.name || apiKey.keyId })} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <form style={{ display: 'grid', gap: 14 }} onSubmit={(event) => { event.preventDefault(); void rotate(); }}>
        <p style={{ margin: 0 }}>{t('keys.rotateText')}</p>
        <Select label={t('keys.overlap')} data={(Object.keys(OVERLAPS) as (keyof typeof OVERLAPS)[]).map((value) => ({ value, label: t(`overlap.${value}`) }))} value={overlap} onChange={(value) => value !== null && setOverlap(value as keyof typeof OVERLAPS)} />
        {error ? <ErrorNotice error={error} /> : null}
        <Button type="submit" loading={busy}>{t('keys.rotate')}</Button>
      </form>
    </Modal>
  );
}
