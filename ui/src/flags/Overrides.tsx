// SPDX-License-Identifier: Apache-2.0
// What single tenants get whatever the rules say. Each is its own change on the server, so they are saved at once.
import { Button, Group, Modal, Select, TextInput, Textarea, Autocomplete } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { Link } from 'react-router';
import { ask, client } from '../api/client';
import { overridesQuery, queryClient, tenantsQuery } from '../api/queries';
import type { Flag } from '../api/types';
import { useAccess } from '../app/Session';
import { pathOf } from '../app/environment';
import { useT } from '../i18n/i18n';
import { useConfirm, useTell } from '../shared/confirm';
import { Icon } from '../shared/icons';
import { ErrorNotice, IconButton, Notice, Time, sharedStyles } from '../shared/ui';
import { parseOverrides } from './overrideText';
import { VariationChip } from './Variation';
import { isProduction } from '../app/environment';

const SHOWN_MAX = 8;

export function Overrides({ env, flag }: { env: string; flag: Flag }) {
  const t = useT();
  const { may } = useAccess();
  const confirm = useConfirm();
  const tell = useTell();
  const { data: list = [], error } = useQuery({ ...overridesQuery(env, flag.flagKey), enabled: may('overrides:read') });
  const tenants = useQuery({ ...tenantsQuery, enabled: may('tenants:read') }).data ?? [];
  const [search, setSearch] = useState('');
  const [all, setAll] = useState(false);
  const [adding, setAdding] = useState(false);
  const [bulk, setBulk] = useState(false);
  const writes = may('overrides:write');
  const names = Object.keys(flag.variations);
  const nameOf = (id: string) => tenants.find(({ tenantId }) => tenantId === id)?.name;
  const found = useMemo(() => {
    const wanted = search.trim().toLowerCase();
    return list.filter(({ tenantId, variation }) => `${tenantId} ${nameOf(tenantId) ?? ''} ${variation}`.toLowerCase().includes(wanted));
  }, [list, search, tenants]);
  const shown = all ? found : found.slice(0, SHOWN_MAX);
  const fresh = () => void queryClient.invalidateQueries({ queryKey: ['env', env] });

  const set = async (tenantId: string, variation: string) => {
    if (isProduction(env)) {
      const yes = await confirm({ title: t('overrides.askSet', { tenant: tenantId, variation }), env, confirmLabel: t('overrides.set') });
      if (!yes) return;
    }
    const before = list.find((entry) => entry.tenantId === tenantId)?.variation;
    try {
      await put(env, flag.flagKey, tenantId, variation);
      tell.done(t('overrides.done', { tenant: tenantId, variation }), () => void (before === undefined ? unset(tenantId) : put(env, flag.flagKey, tenantId, before)).then(fresh, tell.failed));
      setAdding(false);
    } catch (failure) {
      tell.failed(failure);
    }
    fresh();
  };
  const unset = (tenantId: string) =>
    ask(client.DELETE('/api/v1/environments/{env}/flags/{key}/overrides/{tenantId}', { params: { path: { env, key: flag.flagKey, tenantId } } }));
  const remove = async (tenantId: string, variation: string) => {
    const yes = !isProduction(env) || (await confirm({ title: t('overrides.askUnset', { tenant: tenantId }), env, confirmLabel: t('overrides.unset') }));
    if (!yes) return;
    try {
      await unset(tenantId);
      tell.done(t('overrides.unsetDone', { tenant: tenantId }), () => void put(env, flag.flagKey, tenantId, variation).then(fresh, tell.failed));
    } catch (failure) {
      tell.failed(failure);
    }
    fresh();
  };

  if (error) return <ErrorNotice error={error} />;
  return (
    <>
      {flag.tenantOverrides && Object.keys(flag.tenantOverrides).length > 0 ? <Notice>{t('overrides.foreign', { n: Object.keys(flag.tenantOverrides).length })}</Notice> : null}
      {list.length > SHOWN_MAX ? <TextInput size="xs" maw={320} aria-label={t('overrides.search')} placeholder={t('overrides.search')} value={search} onChange={(event) => setSearch(event.currentTarget.value)} leftSection={<Icon name="search" size={14} />} /> : null}
      {shown.length > 0 ? (
        <div className={sharedStyles.scroll}>
          <table className={sharedStyles.table}>
            <thead>
              <tr>
                <th scope="col">{t('attribute.tenantId')}</th>
                <th scope="col">{t('overrides.gets')}</th>
                <th scope="col">{t('flags.updated')}</th>
                <th scope="col"><span className="visually-hidden">{t('common.actions')}</span></th>
              </tr>
            </thead>
            <tbody>
              {shown.map((entry) => (
                <tr key={entry.tenantId}>
                  <td>
                    {may('tenants:read') ? <Link to={pathOf(env, 'tenants', entry.tenantId)}>{entry.tenantId}</Link> : entry.tenantId}
                    {nameOf(entry.tenantId) ? <div style={{ color: 'var(--g-dim)', fontSize: '0.8rem' }}>{nameOf(entry.tenantId)}</div> : null}
                  </td>
                  <td>
                    {writes ? (
                      <Select size="xs" maw={180} aria-label={t('overrides.variationOf', { tenant: entry.tenantId })} data={[...new Set([...names, entry.variation])]} value={entry.variation} onChange={(variation) => variation !== null && variation !== entry.variation && void set(entry.tenantId, variation)} />
                    ) : (
                      <VariationChip name={entry.variation} names={names} off={flag.offVariation} />
                    )}
                  </td>
                  <td style={{ color: 'var(--g-dim)' }}><Time at={entry.updatedAt} relative /></td>
                  <td style={{ textAlign: 'right' }}>{writes ? <IconButton icon="close" label={t('overrides.remove', { tenant: entry.tenantId })} onClick={() => void remove(entry.tenantId, entry.variation)} /> : null}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : null}
      <Group gap="xs">
        {writes ? (
          <>
            <Button size="compact-sm" variant="subtle" leftSection={<Icon name="plus" size={15} />} onClick={() => setAdding(true)}>{t('overrides.add')}</Button>
            <Button size="compact-sm" variant="subtle" leftSection={<Icon name="copy" size={15} />} onClick={() => setBulk(true)}>{t('overrides.paste')}</Button>
          </>
        ) : null}
        {found.length > shown.length ? <Button size="compact-sm" variant="subtle" onClick={() => setAll(true)}>{t('overrides.showAll', { n: found.length })}</Button> : null}
      </Group>
      {adding ? <AddDialog names={names} tenants={tenants.map(({ tenantId }) => tenantId)} onClose={() => setAdding(false)} onSet={(tenant, variation) => void set(tenant, variation)} /> : null}
      {bulk ? <PasteDialog env={env} flag={flag} onClose={() => setBulk(false)} onDone={fresh} /> : null}
    </>
  );
}

const put = (env: string, key: string, tenantId: string, variation: string) =>
  ask(client.PUT('/api/v1/environments/{env}/flags/{key}/overrides/{tenantId}', { params: { path: { env, key, tenantId } }, body: { variation } }));

function AddDialog({ names, tenants, onClose, onSet }: { names: string[]; tenants: string[]; onClose: () => void; onSet: (tenant: string, variation: string) => void }) {
  const t = useT();
  const [tenant, setTenant] = useState('');
  const [variation, setVariation] = useState(names[0] ?? '');
  return (
    <Modal opened onClose={onClose} title={t('overrides.add')} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          onSet(tenant.trim(), variation);
        }}
        style={{ display: 'grid', gap: 12 }}
      >
        <Autocomplete data-autofocus label={t('attribute.tenantId')} data={tenants} value={tenant} onChange={setTenant} limit={30} />
        <Select label={t('overrides.gets')} data={names} value={variation} onChange={(value) => value !== null && setVariation(value)} />
        <Group justify="flex-end"><Button type="submit" disabled={!tenant.trim()}>{t('overrides.set')}</Button></Group>
      </form>
    </Modal>
  );
}

// Lines of "tenant, variation"; nothing is sent until all of them make sense.
function PasteDialog({ env, flag, onClose, onDone }: { env: string; flag: Flag; onClose: () => void; onDone: () => void }) {
  const t = useT();
  const tell = useTell();
  const [text, setText] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const { overrides, problems } = parseOverrides(text, Object.keys(flag.variations));
  const send = async () => {
    setBusy(true);
    setError(null);
    try {
      const { applied } = await ask(client.PUT('/api/v1/environments/{env}/flags/{key}/overrides', { params: { path: { env, key: flag.flagKey } }, body: { overrides } }));
      tell.done(t('overrides.pasted', { n: applied }));
      onDone();
      onClose();
    } catch (failure) {
      setError(failure);
    }
    setBusy(false);
  };
  return (
    <Modal opened onClose={onClose} title={t('overrides.paste')} size="lg" closeButtonProps={{ 'aria-label': t('common.close') }}>
      <div style={{ display: 'grid', gap: 12 }}>
        {isProduction(env) ? <Notice tone="bad"><strong>{t('confirm.production', { env })}</strong></Notice> : null}
        <Textarea data-autofocus label={t('overrides.pasteLabel')} description={t('overrides.pasteText', { variations: Object.keys(flag.variations).join(', ') })} autosize minRows={6} maxRows={16} value={text} onChange={(event) => setText(event.currentTarget.value)} placeholder={'acme, on\nglobex, off'} styles={{ input: { fontFamily: 'var(--g-mono)' } }} />
        {problems.length > 0 ? (
          <Notice tone="bad">
            {problems.slice(0, 5).map(({ line, text: content, reason }) => <p key={line}>{t(`overrides.${reason}`, { line, text: content })}</p>)}
            {problems.length > 5 ? <p>{t('overrides.moreProblems', { n: problems.length - 5 })}</p> : null}
          </Notice>
        ) : null}
        {error ? <ErrorNotice error={error} /> : null}
        <Group justify="flex-end">
          <Button color={isProduction(env) ? 'red' : 'blue'} loading={busy} disabled={overrides.length === 0 || problems.length > 0} onClick={() => void send()}>{t('overrides.pasteDo', { n: overrides.length })}</Button>
        </Group>
      </div>
    </Modal>
  );
}
