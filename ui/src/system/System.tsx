// SPDX-License-Identifier: Apache-2.0
// The state of this node as it sees itself.
import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { ask, client } from '../api/client';
import { queryClient, readinessQuery } from '../api/queries';
import { useAccess } from '../app/Session';
import { useEnvironment } from '../app/environment';
import { useT } from '../i18n/i18n';
import { LatestChanges } from '../propagation/Propagation';
import { useTell } from '../shared/confirm';
import { Icon } from '../shared/icons';
import { Card, ErrorNotice, Loading, Notice, Page, Tag, Time, sharedStyles } from '../shared/ui';
import { Configuration } from './Configuration';
import { metricsQuery, quantile, sum } from './metrics';

const POLL_MS = 5_000;

export function duration(seconds: number | undefined): string {
  if (seconds === undefined) return '–';
  if (seconds < 0.001) return `${Math.round(seconds * 1_000_000)} µs`;
  return seconds < 1 ? `${(seconds * 1000).toFixed(1)} ms` : `${seconds.toFixed(2)} s`;
}

export function System() {
  const t = useT();
  const env = useEnvironment();
  const { may } = useAccess();
  const tell = useTell();
  const [busy, setBusy] = useState(false);
  const ready = useQuery(readinessQuery);
  const metrics = useQuery({ ...metricsQuery, refetchInterval: POLL_MS });
  const samples = metrics.data?.samples ?? [];
  const reload = async () => {
    setBusy(true);
    try {
      const { differences } = await ask(client.POST('/api/v1/refresh'));
      tell.done(differences === 0 ? t('system.refreshSame') : t('system.refreshDiffers', { n: differences }));
      void queryClient.invalidateQueries();
    } catch (error) {
      tell.failed(error);
    }
    setBusy(false);
  };
  const requests = sum(samples, 'guidon_http_requests_total');
  const failures = sum(samples, 'guidon_http_requests_total', ({ status }) => status === '5xx');
  const figures: [string, string][] = [
    [t('system.uptime'), uptime(sum(samples, 'process_start_time_seconds'), t)],
    [t('system.memory'), `${(sum(samples, 'process_resident_memory_bytes') / 1_048_576).toFixed(0)} MiB`],
    [t('system.requests'), requests.toLocaleString()],
    [t('system.failures'), `${failures.toLocaleString()} (${requests > 0 ? ((failures / requests) * 100).toFixed(2) : '0'} %)`],
    [t('system.latency'), `${duration(quantile(samples, 'guidon_http_request_duration_seconds', 0.5))} / ${duration(quantile(samples, 'guidon_http_request_duration_seconds', 0.95))} / ${duration(quantile(samples, 'guidon_http_request_duration_seconds', 0.99))}`],
    [t('system.evaluations'), sum(samples, 'guidon_evaluations_total').toLocaleString()],
    [t('system.changes'), sum(samples, 'guidon_changes_total').toLocaleString()],
  ];
  return (
    <Page
      title={t('nav.system')}
      lead={t('system.lead')}
      actions={may('system:write') ? <Button variant="default" loading={busy} leftSection={<Icon name="refresh" size={16} />} onClick={() => void reload()}>{t('system.refresh')}</Button> : null}
    >
      <div style={{ display: 'grid', gap: 16 }}>
        {ready.error ? <ErrorNotice error={ready.error} /> : ready.isPending ? <Loading lines={3} /> : (
          <Notice tone={ready.data.ready ? 'ok' : 'bad'}>
            <strong>{ready.data.ready ? t('system.ready') : t('system.notReady')}</strong>
            {ready.data.store?.error ? <p>{ready.data.store.error}</p> : null}
          </Notice>
        )}
        <div style={{ display: 'grid', gap: 16, gridTemplateColumns: 'repeat(auto-fit, minmax(min(320px, 100%), 1fr))' }}>
          <Card title={t('system.node')}>
            <dl className={sharedStyles.kv}>
              <dt>{t('system.version')}</dt><dd>{ready.data?.version ?? '–'}</dd>
              <dt>{t('system.store')}</dt><dd>{ready.data?.store?.ok ? <Tag tone="ok">{t('system.storeOk')}</Tag> : <Tag tone="bad">{t('system.storeBad')}</Tag>}</dd>
              {figures.map(([label, value]) => [<dt key={`${label}-t`}>{label}</dt>, <dd key={`${label}-d`}>{value}</dd>])}
            </dl>
            {metrics.error ? <ErrorNotice error={metrics.error} /> : null}
          </Card>
          <Card title={t('system.contract')}>
            <p style={{ margin: '0 0 10px', fontSize: '0.875rem' }}>{t('system.contractText')}</p>
            <div style={{ display: 'flex', gap: 16, flexWrap: 'wrap' }}>
              <a href="/openapi.json" target="_blank" rel="noreferrer">/openapi.json</a>
              <a href="/readyz" target="_blank" rel="noreferrer">/readyz</a>
              <a href="/metrics" target="_blank" rel="noreferrer">/metrics</a>
            </div>
          </Card>
        </div>
        <Card title={t('shell.environments')} flush>
          <div className={sharedStyles.scroll} tabIndex={0} role="region" aria-label={t('shell.environments')}>
            <table className={sharedStyles.table} style={{ minWidth: 560 }}>
              <thead><tr><th scope="col">{t('keys.environment')}</th><th scope="col" className="num">{t('system.flags')}</th><th scope="col">{t('system.sequence')}</th><th scope="col">{t('system.loaded')}</th><th scope="col">{t('system.problems')}</th></tr></thead>
              <tbody>
                {ready.data?.environments?.map((entry) => (
                  <tr key={entry.environment}>
                    <td><strong>{entry.environment}</strong></td>
                    <td>{entry.flags.toLocaleString()}</td>
                    <td className="mono">{entry.sequence}</td>
                    <td><Time at={entry.loadedAt} relative /></td>
                    <td>
                      {entry.problems.length === 0 ? <Tag tone="ok">{t('system.noProblems')}</Tag> : entry.problems.map((problem) => <div key={problem.flagKey}><Tag tone="bad">{problem.flagKey}</Tag> <span style={{ fontSize: '0.82rem' }}>{problem.detail}</span></div>)}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </Card>
        <LatestChanges env={env} />
        {may('system:read') ? <Configuration /> : null}
      </div>
    </Page>
  );
}

function uptime(start: number, t: ReturnType<typeof useT>): string {
  if (start === 0) return '–';
  const minutes = Math.max(0, Math.floor((Date.now() / 1000 - start) / 60));
  return t('system.uptimeText', { days: Math.floor(minutes / 1440), hours: Math.floor((minutes % 1440) / 60), minutes: minutes % 60 });
}
