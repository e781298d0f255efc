// SPDX-License-Identifier: Apache-2.0
import { Button, Modal, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link, useSearchParams } from 'react-router';
import { ask, client } from '../api/client';
import { queryClient, tenantsQuery } from '../api/queries';
import { useAccess } from '../app/Session';
import { pathOf, useEnvironment } from '../app/environment';
import { useT } from '../i18n/i18n';
import { useTell } from '../shared/confirm';
import { Icon } from '../shared/icons';
import { Card, Empty, ErrorNotice, Loading, Page, Tag, Time, sharedStyles } from '../shared/ui';

const ID = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$/;
// More rows than anybody reads; the search finds the others.
const SHOWN_MAX = 200;

export function Tenants() {
  const t = useT();
  const env = useEnvironment();
  const { may, tenantId } = useAccess();
  const query = useQuery(tenantsQuery);
  const [parameters, setParameters] = useSearchParams();
  const [adding, setAdding] = useState(false);
  const wanted = (parameters.get('q') ?? '').toLowerCase();
  const found = query.data?.filter((tenant) => `${tenant.tenantId} ${tenant.name ?? ''} ${tenant.plan ?? ''}`.toLowerCase().includes(wanted)) ?? [];
  return (
    <Page title={t('nav.tenants')} lead={t('tenants.lead')} actions={may('tenants:write') && !tenantId ? <Button leftSection={<Icon name="plus" size={16} />} onClick={() => setAdding(true)}>{t('tenants.new')}</Button> : null}>
      <Card flush>
        <div style={{ padding: 12, borderBottom: '1px solid var(--g-border)' }}>
          <TextInput data-page-search type="search" maw={420} aria-label={t('tenants.search')} placeholder={t('tenants.search')} leftSection={<Icon name="search" size={16} />} defaultValue={parameters.get('q') ?? ''} onChange={(event) => setParameters(event.currentTarget.value ? { q: event.currentTarget.value } : {}, { replace: true })} />
        </div>
        {query.error && !query.data ? <ErrorNotice error={query.error} retry={() => void query.refetch()} /> : query.isPending ? <Loading /> : found.length === 0 ? (
          <Empty icon="tenant" title={t('tenants.none')}>{t('tenants.noneText')}</Empty>
        ) : (
          <div className={sharedStyles.scroll}>
            <table className={sharedStyles.table} style={{ minWidth: 480 }}>
              <thead><tr><th scope="col">{t('tenants.tenant')}</th><th scope="col">{t('tenants.plan')}</th><th scope="col">{t('tenants.created')}</th></tr></thead>
              <tbody>
                {found.slice(0, SHOWN_MAX).map((tenant) => (
                  <tr key={tenant.tenantId}>
                    <td>
                      <Link to={pathOf(env, 'tenants', tenant.tenantId)} style={{ fontWeight: 600 }}>{tenant.name || tenant.tenantId}</Link>
                      <div className="mono" style={{ color: 'var(--g-dim)' }}>{tenant.tenantId}</div>
                    </td>
                    <td>{tenant.plan ? <Tag>{tenant.plan}</Tag> : '–'}</td>
                    <td style={{ color: 'var(--g-dim)' }}><Time at={tenant.createdAt} /></td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
        {found.length > SHOWN_MAX ? <p style={{ padding: '10px 14px', margin: 0, color: 'var(--g-dim)', fontSize: '0.84rem' }}>{t('tenants.tooMany', { shown: SHOWN_MAX, all: found.length })}</p> : null}
      </Card>
      {adding ? <NewTenant onClose={() => setAdding(false)} /> : null}
    </Page>
  );
}

function NewTenant({ onClose }: { onClose: () => void }) {
  const t = useT();
  const tell = useTell();
  const [id, setId] = useState('');
  const [name, setName] = useState('');
  const [plan, setPlan] = useState('');
  const [error, setError] = useState<unknown>(null);
  const create = async () => {
    try {
      await ask(client.POST('/api/v1/tenants', { body: { tenantId: id, ...(name ? { name } : {}), ...(plan ? { plan } : {}) } }));
      void queryClient.invalidateQueries({ queryKey: ['tenants'] });
      tell.done(t('tenants.done', { tenant: id }));
      onClose();
    } catch (failure) {
      setError(failure);
    }
  };
  return (
    <Modal opened onClose={onClose} title={t('tenants.new')} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <form style={{ display: 'grid', gap: 12 }} onSubmit={(event) => { event.preventDefault(); if (ID.test(id)) void create(); }}>
        <TextInput data-autofocus label={t('attribute.tenantId')} value={id} error={id !== '' && !ID.test(id) ? t('newFlag.keyWrong') : undefined} onChange={(event) => setId(event.currentTarget.value)} required />
        <TextInput label={t('tenants.name')} value={name} onChange={(event) => setName(event.currentTarget.value)} maxLength={256} />
        <TextInput label={t('tenants.plan')} value={plan} onChange={(event) => setPlan(event.currentTarget.value)} maxLength={128} />
        {error ? <ErrorNotice error={error} /> : null}
        <Button type="submit" disabled={!ID.test(id)}>{t('tenants.create')}</Button>
      </form>
    </Modal>
  );
}
