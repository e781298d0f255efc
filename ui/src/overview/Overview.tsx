// SPDX-License-Identifier: Apache-2.0
// What matters now in this environment.
import { useQuery, useInfiniteQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { Link } from 'react-router';
import { allFlagsQuery, auditQuery, killSwitchesQuery, latestPropagationQuery, readinessQuery, usageQuery } from '../api/queries';
import { useAccess } from '../app/Session';
import { pathOf, useEnvironment } from '../app/environment';
import { StateTag } from '../flags/state';
import { useT } from '../i18n/i18n';
import { actionLabel } from '../shared/labels';
import { Card, ErrorNotice, Page, Tag, Time } from '../shared/ui';
import { duration } from '../system/System';
import { metricsQuery, quantile, sum, type Measured } from '../system/metrics';
import { cleanupCandidates } from './cleanup';
import styles from './overview.module.css';

const POLL_MS = 2_000;
const POINTS_MAX = 60;
const LISTED_MAX = 8;

// Health targets of the operations guide: warning and critical.
const LATENCY_S = { warning: 0.2, critical: 0.5 };
const ERRORS = { warning: 0.01, critical: 0.05 };

const tone = (value: number | undefined, limits: { warning: number; critical: number }) => (value === undefined ? undefined : value > limits.critical ? 'bad' : value > limits.warning ? 'warn' : 'ok');

function useRate(measured: Measured | undefined): number[] {
  const [rates, setRates] = useState<number[]>([]);
  const last = useRef<Measured>(undefined);
  useEffect(() => {
    if (!measured || measured === last.current) return;
    const before = last.current;
    last.current = measured;
    if (!before || measured.at <= before.at) return;
    const made = sum(measured.samples, 'guidon_evaluations_total') - sum(before.samples, 'guidon_evaluations_total');
    setRates((old) => [...old, Math.max(0, (made * 1000) / (measured.at - before.at))].slice(-POINTS_MAX));
  }, [measured]);
  return rates;
}

function Spark({ values, label }: { values: number[]; label: string }) {
  const top = Math.max(1, ...values);
  const points = values.map((value, index) => `${(index / Math.max(1, POINTS_MAX - 1)) * 200},${34 - (value / top) * 30}`).join(' ');
  return (
    <svg className={styles.spark} viewBox="0 0 200 36" preserveAspectRatio="none" role="img" aria-label={label}>
      <polyline points={points} fill="none" stroke="var(--g-accent)" strokeWidth="1.8" vectorEffect="non-scaling-stroke" />
    </svg>
  );
}

export function Overview() {
  const t = useT();
  const env = useEnvironment();
  const { may } = useAccess();
  const ready = useQuery(readinessQuery);
  const flags = useQuery(allFlagsQuery(env));
  const kills = useQuery({ ...killSwitchesQuery(env), enabled: may('kill:read') });
  const audit = useInfiniteQuery({ ...auditQuery({ environment: env, from: new Date().toISOString().slice(0, 10) }), enabled: may('audit:read') });
  const metrics = useQuery({ ...metricsQuery, refetchInterval: POLL_MS, enabled: may('system:read') });
  const rates = useRate(metrics.data);
  const samples = metrics.data?.samples ?? [];
  const list = flags.data ?? [];
  const usage = useQuery(usageQuery(env));
  const newest = useQuery(latestPropagationQuery(env, 1)).data?.items[0];
  const nodes = newest?.nodes ?? [];
  const serving = nodes.filter(({ state }) => state === 'serving').length;
  const cleanup = cleanupCandidates(list, usage.data);
  const changes = audit.data?.pages.flatMap((page) => page.items) ?? [];
  const p95 = quantile(samples, 'guidon_http_request_duration_seconds', 0.95);
  const requests = sum(samples, 'guidon_http_requests_total');
  const errors = requests > 0 ? sum(samples, 'guidon_http_requests_total', ({ status }) => status === '5xx') / requests : undefined;
  const entry = ready.data?.environments?.find(({ environment }) => environment === env);
  const engaged = kills.data?.length ?? 0;
  return (
    <Page title={t('nav.overview')} lead={t('overview.lead', { env })}>
      {flags.error ? <ErrorNotice error={flags.error} retry={() => void flags.refetch()} /> : null}
      <div className={styles.grid}>
        <div className={styles.figures}>
          {may('kill:read') ? (
            <Link to={pathOf(env, 'kill-switches')} className={styles.figure} data-tone={engaged > 0 ? 'bad' : 'ok'}>
              <span>{t('nav.killSwitches')}</span>
              <strong>{engaged === 0 ? t('overview.noKills') : engaged}</strong>
              <small>{engaged === 0 ? t('overview.noKillsText') : t('kill.engagedCount', { n: engaged })}</small>
            </Link>
          ) : null}
          <Link to={pathOf(env, 'flags')} className={styles.figure}>
            <span>{t('nav.flags')}</span>
            <strong>{flags.data ? list.length.toLocaleString() : '…'}</strong>
            <small>{t('overview.flagsOn', { n: list.filter((flag) => flag.state === 'ENABLED' && flag.defaultEnabled).length })}</small>
          </Link>
          {may('system:read') ? (
            <>
              <div className={styles.figure} data-tone={tone(p95, LATENCY_S)}>
                <span>{t('overview.latency')}</span>
                <strong>{duration(p95)}</strong>
                <small>{t('overview.latencyTarget')}</small>
              </div>
              <div className={styles.figure} data-tone={tone(errors, ERRORS)}>
                <span>{t('overview.errors')}</span>
                <strong>{errors === undefined ? '–' : `${(errors * 100).toFixed(2)} %`}</strong>
                <small>{t('overview.errorsTarget')}</small>
              </div>
              <div className={styles.figure}>
                <span>{t('overview.rate')}</span>
                <strong>{rates.length === 0 ? '–' : Math.round(rates.at(-1) ?? 0).toLocaleString()}</strong>
                <Spark values={rates} label={t('overview.rate')} />
              </div>
              <Link to={pathOf(env, 'system')} className={styles.figure} data-tone={entry && entry.problems.length > 0 ? 'bad' : ready.data?.ready ? 'ok' : 'warn'}>
                <span>{t('overview.node')}</span>
                <strong>{ready.data?.ready ? t('overview.nodeReady') : t('overview.nodeNotReady')}</strong>
                <small>{newest && nodes.length > 1 ? t('overview.nodes', { n: serving, all: nodes.length, sequence: newest.sequence }) : entry ? t('overview.sequence', { n: entry.sequence }) : ''}</small>
                {newest && newest.clients.waiting > 0 ? <small>{t('overview.clientsWaiting', { n: newest.clients.waiting })}</small> : null}
              </Link>
            </>
          ) : null}
        </div>
        {may('audit:read') ? (
          <Card title={t('overview.today')} flush actions={<Link to={pathOf(env, 'audit')} style={{ fontSize: '0.84rem' }}>{t('nav.audit')}</Link>}>
            {changes.length === 0 ? <p className={styles.none}>{t('overview.noChanges')}</p> : (
              <ul className={styles.list}>
                {changes.slice(0, LISTED_MAX).map((change) => (
                  <li key={`${change.at}${change.requestId}${change.resource}${change.sequence}`}>
                    <span>{actionLabel(change.action, t)}</span>
                    <strong style={{ overflowWrap: 'anywhere' }}>{change.resource}</strong>
                    <span style={{ color: 'var(--g-dim)', fontSize: '0.8rem' }}>{change.actor.id}</span>
                    <Time at={change.at} relative />
                  </li>
                ))}
              </ul>
            )}
          </Card>
        ) : null}
        <Card title={t('overview.cleanup')} flush actions={<Tag>{cleanup.length}</Tag>}>
          {cleanup.length === 0 ? <p className={styles.none}>{t('overview.cleanupNone')}</p> : (
            <ul className={styles.list}>
              {cleanup.slice(0, LISTED_MAX).map(({ flag, reason }) => (
                <li key={flag.flagKey}>
                  <Link to={pathOf(env, 'flags', flag.flagKey)} style={{ fontWeight: 600 }}>{flag.flagKey}</Link>
                  <StateTag flag={flag} />
                  <span style={{ color: 'var(--g-dim)', fontSize: '0.8rem' }}>{t(`overview.reason.${reason}`)}</span>
                </li>
              ))}
            </ul>
          )}
        </Card>
        {kills.data && kills.data.length > 0 ? (
          <Card title={t('nav.killSwitches')} flush>
            <ul className={styles.list}>
              {kills.data.map((kill) => (
                <li key={kill.scope}>
                  <Tag tone="bad">{kill.scope}</Tag>
                  <span>{kill.reason}</span>
                  <Time at={kill.engagedAt} relative />
                </li>
              ))}
            </ul>
          </Card>
        ) : null}
      </div>
    </Page>
  );
}
