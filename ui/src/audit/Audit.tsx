// SPDX-License-Identifier: Apache-2.0
// Who did what, with what it changed; filters live in the address, exports come from the server whole.
import { Button, Menu, Select, TextInput } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useSearchParams } from 'react-router';
import { ApiError, UnreachableError, client } from '../api/client';
import { auditQuery, type AuditFilter } from '../api/queries';
import type { AuditEntry, Problem } from '../api/types';
import { useAccess } from '../app/Session';
import { isProduction, useEnvironment } from '../app/environment';
import { useT } from '../i18n/i18n';
import { DiffList } from '../shared/DiffList';
import { useTell } from '../shared/confirm';
import { differences, withoutBookkeeping } from '../shared/diff';
import { Icon } from '../shared/icons';
import { actionLabel } from '../shared/labels';
import { Card, Empty, ErrorNotice, Loading, Page, Tag, Time, sharedStyles } from '../shared/ui';
import { Verify, type VerifyRange } from './Verify';
import styles from './audit.module.css';

const FIELDS = ['resource', 'actor', 'tenantId', 'from', 'to'] as const;

export function Audit() {
  const t = useT();
  const env = useEnvironment();
  const { environments, tenantId } = useAccess();
  const tell = useTell();
  const [parameters, setParameters] = useSearchParams();
  // This environment unless the address says another, or all.
  const scope = parameters.get('environment') ?? env;
  const filter: AuditFilter = scope === 'all' ? {} : { environment: scope };
  for (const name of FIELDS) {
    const value = parameters.get(name);
    if (value) filter[name] = value;
  }
  const set = (name: string, value: string | null) =>
    setParameters(
      (old) => {
        if (value) old.set(name, value);
        else old.delete(name);
        return old;
      },
      { replace: true },
    );
  const query = useInfiniteQuery(auditQuery(filter));
  // What was asked for when the button was pressed: filters may change meanwhile. Chains know no resource or actor.
  const [verifying, setVerifying] = useState<VerifyRange>();
  const verify = () => setVerifying(Object.fromEntries((['environment', 'from', 'to'] as const).flatMap((name) => (filter[name] ? [[name, filter[name]]] : []))));
  const entries = query.data?.pages.flatMap((page) => page.items) ?? [];
  const field = (name: (typeof FIELDS)[number], type = 'text') => (
    <TextInput
      key={`${name}-${parameters.get(name) ?? ''}`}
      size="xs"
      type={type}
      label={t(`audit.${name}`)}
      defaultValue={parameters.get(name) ?? ''}
      onBlur={(event) => event.currentTarget.value.trim() !== (parameters.get(name) ?? '') && set(name, event.currentTarget.value.trim())}
      onKeyDown={(event) => event.key === 'Enter' && set(name, event.currentTarget.value.trim())}
    />
  );

  const download = async (format: 'csv' | 'jsonl') => {
    try {
      const { data, error, response } = await client.GET('/api/v1/audit/export', { params: { query: { ...filter, format } }, parseAs: 'blob' });
      if (!response.ok || !data) throw new ApiError(response.status, (error ?? {}) as Partial<Problem>);
      const link = document.createElement('a');
      const url = URL.createObjectURL(data as unknown as Blob);
      link.href = url;
      link.download = `guidon-audit-${new Date().toISOString().slice(0, 10)}.${format}`;
      link.click();
      URL.revokeObjectURL(url);
      tell.done(response.headers.get('Guidon-Next-Cursor') ? t('audit.exportedPart') : t('audit.exported'));
    } catch (error) {
      tell.failed(error instanceof UnreachableError || error instanceof ApiError ? error : new Error(String(error)));
    }
  };

  return (
    <Page
      title={t('nav.audit')}
      lead={t('audit.lead')}
      actions={
        <>
          {tenantId === undefined ? <Button variant="default" leftSection={<Icon name="check" size={16} />} disabled={verifying !== undefined} onClick={verify}>{t('verify.button')}</Button> : null}
          <Menu position="bottom-end">
          <Menu.Target><Button variant="default" leftSection={<Icon name="download" size={16} />}>{t('audit.export')}</Button></Menu.Target>
          <Menu.Dropdown>
            <Menu.Item onClick={() => void download('csv')}>CSV</Menu.Item>
            <Menu.Item onClick={() => void download('jsonl')}>JSON Lines</Menu.Item>
          </Menu.Dropdown>
          </Menu>
        </>
      }
    >
      {verifying ? <div className={styles.above}><Verify range={verifying} onClose={() => setVerifying(undefined)} /></div> : null}
      <Card flush>
        <div className={styles.filters}>
          <Select size="xs" label={t('keys.environment')} data={[...environments.map((name) => ({ value: name, label: name })), { value: 'all', label: t('audit.all') }]} value={scope} onChange={(value) => set('environment', value === env ? null : value)} />
          {field('resource')}
          {field('actor')}
          {field('tenantId')}
          {field('from', 'date')}
          {field('to', 'date')}
        </div>
        {query.error && !query.data ? <div style={{ padding: 12 }}><ErrorNotice error={query.error} retry={() => void query.refetch()} /></div> : query.isPending ? <Loading lines={8} /> : entries.length === 0 ? (
          <Empty icon="audit" title={t('audit.none')}>{t('audit.noneText')}</Empty>
        ) : (
          <ol className={styles.list}>
            {entries.map((entry) => <Entry key={`${entry.at}${entry.requestId}${entry.action}${entry.resource}${entry.sequence}`} entry={entry} onFilter={set} />)}
          </ol>
        )}
        {query.hasNextPage ? <div style={{ padding: 12, textAlign: 'center' }}><Button variant="default" size="xs" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>{t('common.more')}</Button></div> : null}
      </Card>
    </Page>
  );
}

function Entry({ entry, onFilter }: { entry: AuditEntry; onFilter: (name: string, value: string) => void }) {
  const t = useT();
  const [open, setOpen] = useState(false);
  const refused = entry.action.includes('refuse') || entry.action.includes('denied');
  const shape = (value: unknown) => (typeof value === 'object' && value !== null ? withoutBookkeeping(value) : value === undefined ? {} : { value });
  return (
    <li className={styles.entry}>
      <div className={styles.row}>
        <span className={styles.when}><Time at={entry.at} /></span>
        <Tag tone={refused ? 'bad' : entry.action.startsWith('kill') ? 'warn' : 'plain'}>{actionLabel(entry.action, t)}</Tag>
        <button type="button" className={styles.link} onClick={() => onFilter('resource', entry.resource)} title={t('audit.filterBy')}>{entry.resource}</button>
        {entry.environment ? <Tag tone={isProduction(entry.environment) ? 'bad' : 'plain'}>{entry.environment}</Tag> : null}
        {entry.tenantId ? <Tag tone="accent">{entry.tenantId}</Tag> : null}
        <button type="button" className={styles.actor} onClick={() => onFilter('actor', entry.actor.id)} title={t('audit.filterBy')}>{entry.actor.id}</button>
        <button type="button" className={styles.more} aria-expanded={open} onClick={() => setOpen(!open)}>
          {t('audit.details')} <Icon name={open ? 'up' : 'down'} size={14} />
        </button>
      </div>
      {open ? (
        <div className={styles.details}>
          <DiffList changes={differences(shape(entry.before), shape(entry.after))} />
          <dl className={sharedStyles.kv}>
            <dt>{t('error.requestId')}</dt><dd className="mono">{entry.requestId}</dd>
            <dt>{t('audit.sequence')}</dt><dd>{entry.sequence || '–'}</dd>
            <dt>{t('audit.kind')}</dt><dd>{entry.actor.kind}{entry.actor.tenantId ? ` (${entry.actor.tenantId})` : ''}</dd>
            <dt>{t('audit.address')}</dt><dd className="mono">{entry.address || '–'}</dd>
            <dt>{t('audit.userAgent')}</dt><dd>{entry.userAgent || '–'}</dd>
            <dt>UTC</dt><dd className="mono">{entry.at}</dd>
          </dl>
        </div>
      ) : null}
    </li>
  );
}
