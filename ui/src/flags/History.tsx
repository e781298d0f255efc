// SPDX-License-Identifier: Apache-2.0
// Who changed the flag, when and how, from the audit log; an earlier state becomes a draft that is looked at before it counts.
import { Button } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { auditQuery } from '../api/queries';
import type { AuditEntry, Flag } from '../api/types';
import { useT } from '../i18n/i18n';
import { DiffList } from '../shared/DiffList';
import { differences, withoutBookkeeping } from '../shared/diff';
import { Icon } from '../shared/icons';
import { actionLabel } from '../shared/labels';
import { Card, Empty, ErrorNotice, Loading, Time } from '../shared/ui';
import { draftOf, type Draft } from './draft';
import styles from './flag.module.css';

const isFlag = (value: unknown): value is Flag => typeof value === 'object' && value !== null && 'flagKey' in value && 'variations' in value;

export function History({ env, flag, writes, onRestore }: { env: string; flag: Flag; writes: boolean; onRestore: (draft: Draft) => void }) {
  const t = useT();
  const query = useInfiniteQuery(auditQuery({ environment: env, resource: flag.flagKey }));
  const entries = query.data?.pages.flatMap((page) => page.items) ?? [];
  if (query.error && !query.data) return <ErrorNotice error={query.error} retry={() => void query.refetch()} />;
  if (query.isPending) return <Loading />;
  if (entries.length === 0) return <Empty icon="audit" title={t('history.none')}>{t('history.noneText')}</Empty>;
  return (
    <Card title={t('history.title')} flush>
      <ol className={styles.timeline}>
        {entries.map((entry) => (
          <Entry key={`${entry.at}${entry.requestId}${entry.action}`} entry={entry} current={flag.version} onRestore={writes ? onRestore : undefined} />
        ))}
      </ol>
      {query.hasNextPage ? (
        <div style={{ padding: 12, textAlign: 'center' }}>
          <Button variant="default" size="xs" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>{t('common.more')}</Button>
        </div>
      ) : null}
    </Card>
  );
}

function Entry({ entry, current, onRestore }: { entry: AuditEntry; current: number; onRestore: ((draft: Draft) => void) | undefined }) {
  const t = useT();
  const before = isObject(entry.before) ? withoutBookkeeping(entry.before) : {};
  const after = isObject(entry.after) ? withoutBookkeeping(entry.after) : {};
  const changes = entry.before === undefined && isFlag(entry.after) ? [] : differences(before, after);
  const version = isFlag(entry.after) ? entry.after.version : undefined;
  return (
    <li className={styles.entry}>
      <div className={styles.entryHead}>
        <strong>{actionLabel(entry.action, t)}</strong>
        {version === undefined ? null : <span className="mono">v{version}</span>}
        <span>{t('history.by', { who: entry.actor.id })}</span>
        <span><Time at={entry.at} /></span>
        <span style={{ flex: 1 }} />
        {onRestore && isFlag(entry.after) && version !== current ? (
          <Button size="compact-xs" variant="default" leftSection={<Icon name="undo" size={14} />} onClick={() => onRestore(draftOf(entry.after as Flag))}>{t('history.restore', { n: version ?? 0 })}</Button>
        ) : null}
      </div>
      {changes.length > 0 ? <DiffList changes={changes} /> : null}
    </li>
  );
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
