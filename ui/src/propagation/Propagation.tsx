// SPDX-License-Identifier: Apache-2.0
// Who has a change: nodes and clients, and who does not.
import { useQuery } from '@tanstack/react-query';
import { ApiError } from '../api/client';
import { latestPropagationQuery, propagationQuery } from '../api/queries';
import type { ConvergenceFigures, Propagation, PropagationNode, WaitingClients } from '../api/types';
import { useLanguage, useT, type Translate } from '../i18n/i18n';
import { Icon } from '../shared/icons';
import { actionLabel } from '../shared/labels';
import { Card, ErrorNotice, Loading, Notice, Tag, Time, sharedStyles } from '../shared/ui';
import styles from './propagation.module.css';

const NODE_TONES = { serving: 'ok', behind: 'warn', outOfTouch: 'bad' } as const;

function useMilliseconds() {
  const { language } = useLanguage();
  const format = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
  return (ms: number | undefined) => (ms === undefined ? '–' : `${format.format(ms)} ms`);
}

function Curve({ clients }: { clients: ConvergenceFigures }) {
  const t = useT();
  const ms = useMilliseconds();
  if (clients.connected === 0) return <p className={styles.none}>{t('propagation.noClients')}</p>;
  return (
    <>
      <div className={styles.bar} role="progressbar" aria-label={t('propagation.clients')} aria-valuemin={0} aria-valuemax={clients.connected} aria-valuenow={clients.converged}>
        <span style={{ width: `${(clients.converged / clients.connected) * 100}%` }} />
      </div>
      <dl className={styles.figures}>
        <div><dt>{t('propagation.clients')}</dt><dd>{t('propagation.of', { n: clients.converged, all: clients.connected })}</dd></div>
        <div><dt>p50</dt><dd>{ms(clients.p50Ms)}</dd></div>
        <div><dt>p99</dt><dd>{ms(clients.p99Ms)}</dd></div>
        <div><dt>{t('propagation.last')}</dt><dd>{ms(clients.lastMs)}</dd></div>
      </dl>
    </>
  );
}

function Node({ node }: { node: PropagationNode }) {
  const t = useT();
  const ms = useMilliseconds();
  return (
    <li>
      <Icon name={node.state === 'serving' ? 'check' : node.state === 'behind' ? 'clock' : 'warning'} size={16} />
      <strong className="mono">{node.node}</strong>
      {node.self ? <Tag>{t('propagation.self')}</Tag> : null}
      <Tag tone={NODE_TONES[node.state]}>{t(`propagation.state.${node.state}`)}</Tag>
      <span className={styles.dim}>
        {node.state === 'serving' && node.servedAfterMs !== undefined ? t('propagation.after', { ms: ms(node.servedAfterMs) }) : null}
        {node.state !== 'serving' && node.sequence !== undefined ? t('propagation.at', { n: node.sequence }) : null}
      </span>
    </li>
  );
}

function whoOf(one: WaitingClients, t: Translate): string {
  const parts = [one.client, one.address, one.keyId && t('propagation.key', { key: one.keyId }), one.tenantId && t('propagation.tenant', { tenant: one.tenantId })];
  return parts.filter(Boolean).join(' · ');
}

function Waiting({ all, others }: { all: WaitingClients[]; others: number | undefined }) {
  const t = useT();
  if (all.length === 0) return null;
  return (
    <Notice tone="warn">
      <strong>{t('propagation.waiting')}</strong>
      <ul className={styles.waiting}>
        {all.map((one) => (
          <li key={`${one.node}${one.kind}${one.client ?? ''}${one.address ?? ''}${one.keyId ?? ''}${one.tenantId ?? ''}`}>
            {t('propagation.of', { n: one.waiting, all: one.connected })} {t(`propagation.kind.${one.kind}`)} <span className={styles.dim}>{whoOf(one, t)} · {one.node}</span>
          </li>
        ))}
        {others ? <li>{t('propagation.others', { n: others })}</li> : null}
      </ul>
    </Notice>
  );
}

// The way of one change, until everybody has it.
export function ChangeOnItsWay({ env, sequence }: { env: string; sequence: number }) {
  const t = useT();
  const { data, error } = useQuery(propagationQuery(env, sequence));
  // A node that was restarted has forgotten; the change is served all the same.
  if (error instanceof ApiError && error.status === 404) return null;
  return (
    <section className={styles.card} role="status" aria-label={t('propagation.title', { n: sequence })}>
      <div className={styles.head}>
        <strong>{t('propagation.title', { n: sequence })}</strong>
        {data ? <Tag tone={data.complete ? 'ok' : 'warn'}>{t(data.complete ? 'propagation.complete' : 'propagation.onItsWay')}</Tag> : null}
      </div>
      {error ? <ErrorNotice error={error} /> : null}
      {data ? (
        <>
          <ul className={styles.nodes}>{data.nodes.map((node) => <Node key={node.node} node={node} />)}</ul>
          <Curve clients={data.clients} />
          <Waiting all={data.waiting} others={data.waitingOthers} />
        </>
      ) : error ? null : <Loading lines={2} />}
    </section>
  );
}

const serving = (one: Propagation) => one.nodes.filter(({ state }) => state === 'serving').length;

// What happened lately, for operators.
export function LatestChanges({ env }: { env: string }) {
  const t = useT();
  const ms = useMilliseconds();
  const { data, error } = useQuery(latestPropagationQuery(env));
  return (
    <Card title={t('propagation.latest', { env })} flush>
      {error ? <ErrorNotice error={error} /> : null}
      {!data && !error ? <Loading lines={3} /> : null}
      {data?.items.length === 0 ? <p className={styles.none} style={{ padding: '0 16px 16px' }}>{t('propagation.nothing')}</p> : null}
      {data && data.items.length > 0 ? (
        <div className={sharedStyles.scroll} tabIndex={0} role="region" aria-label={t('propagation.latest', { env })}>
          <table className={sharedStyles.table} style={{ minWidth: 640 }}>
            <thead>
              <tr>
                <th scope="col">{t('system.sequence')}</th>
                <th scope="col">{t('propagation.what')}</th>
                <th scope="col">{t('propagation.when')}</th>
                <th scope="col">{t('propagation.nodes')}</th>
                <th scope="col">{t('propagation.clients')}</th>
                <th scope="col">p50 / p99 / {t('propagation.last')}</th>
              </tr>
            </thead>
            <tbody>
              {data.items.map((one) => (
                <tr key={one.sequence}>
                  <td className="mono">{one.sequence}</td>
                  <td>{one.change ? <>{actionLabel(one.change.action, t)} <strong style={{ overflowWrap: 'anywhere' }}>{one.change.resource}</strong></> : '–'}</td>
                  <td><Time at={one.committedAt} relative /></td>
                  <td><Tag tone={serving(one) === one.nodes.length ? 'ok' : 'warn'}>{t('propagation.of', { n: serving(one), all: one.nodes.length })}</Tag></td>
                  <td>{one.clients.connected === 0 ? '–' : <Tag tone={one.clients.waiting === 0 ? 'ok' : 'warn'}>{t('propagation.of', { n: one.clients.converged, all: one.clients.connected })}</Tag>}</td>
                  <td>{one.clients.converged === 0 ? '–' : `${ms(one.clients.p50Ms)} / ${ms(one.clients.p99Ms)} / ${ms(one.clients.lastMs)}`}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : null}
    </Card>
  );
}
