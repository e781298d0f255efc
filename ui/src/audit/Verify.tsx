// SPDX-License-Identifier: Apache-2.0
// Whether the audit is as it was written: portion by portion from the server, with what was found so far.
import { Button, Progress } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import { ask, client } from '../api/client';
import type { AuditChain, AuditProblem, AuditVerification } from '../api/types';
import { useT } from '../i18n/i18n';
import { Card, ErrorNotice, Notice, Tag, Time } from '../shared/ui';
import styles from './audit.module.css';

const PROBLEMS_SHOWN = 50;

export interface VerifyRange {
  environment?: string;
  from?: string;
  to?: string;
}

interface Run {
  report?: AuditVerification;
  problems: AuditProblem[];
  leftOut: number;
  error?: unknown;
  done: boolean;
}

// How far a run has come, in percent of the time that it looks at.
export function percentOf(report: Pick<AuditVerification, 'from' | 'to' | 'checkedTo'>): number {
  const from = Date.parse(report.from);
  const whole = Date.parse(report.to) - from;
  return whole <= 0 ? 100 : Math.min(100, Math.max(0, ((Date.parse(report.checkedTo) - from) / whole) * 100));
}

export function Verify({ range, onClose }: { range: VerifyRange; onClose: () => void }) {
  const t = useT();
  const [run, setRun] = useState<Run>({ problems: [], leftOut: 0, done: false });
  const [attempt, setAttempt] = useState(0);
  const heading = useRef<HTMLDivElement>(null);
  const { environment, from, to } = range;

  useEffect(() => heading.current?.focus(), []);
  useEffect(() => {
    const stop = new AbortController();
    const verify = async () => {
      let problems: AuditProblem[] = [];
      let leftOut = 0;
      let cursor: string | undefined;
      setRun({ problems, leftOut, done: false });
      try {
        do {
          const query = { environment, from, to, cursor };
          const report: AuditVerification = await ask(client.GET('/api/v1/audit/verify', { params: { query }, signal: stop.signal }));
          const listed = [...problems, ...report.problems];
          leftOut += (report.problemsLeftOut ?? 0) + Math.max(0, listed.length - PROBLEMS_SHOWN);
          problems = listed.slice(0, PROBLEMS_SHOWN);
          cursor = report.nextCursor;
          setRun({ report, problems, leftOut, done: cursor === undefined });
        } while (cursor !== undefined);
      } catch (error) {
        if (!stop.signal.aborted) setRun((old) => ({ ...old, error, done: true }));
      }
    };
    void verify();
    return () => stop.abort();
  }, [environment, from, to, attempt]);

  const chains = run.report?.chains ?? [];
  const broken = run.problems.length > 0;
  const unchained = chains.some((chain) => chain.state === 'unchained');
  return (
    <Card title={t('verify.title')} actions={<Button variant="default" size="xs" onClick={onClose}>{t('common.close')}</Button>}>
      <div className={styles.verify} ref={heading} tabIndex={-1} aria-busy={!run.done}>
        {run.error !== undefined ? <ErrorNotice error={run.error} retry={() => setAttempt(attempt + 1)} /> : null}
        {run.done ? null : (
          <div role="status">
            <p className={styles.verifyText}>{run.report ? t('verify.running', { entries: total(chains) }) : t('verify.starting')}</p>
            <Progress value={run.report ? percentOf(run.report) : 0} animated aria-label={t('verify.progress')} />
          </div>
        )}
        {run.done && run.error === undefined ? (
          <Notice tone={broken ? 'bad' : unchained ? 'warn' : 'ok'} live>
            <p>{broken ? t('verify.broken') : unchained ? t('verify.unchained') : t('verify.ok', { entries: total(chains) })}</p>
            <p className={styles.verifyNext}>{broken ? t('verify.brokenNext') : unchained ? t('verify.unchainedText') : t('verify.okText')}</p>
          </Notice>
        ) : null}
        {run.report ? (
          <>
            <p className={styles.verifyText}>
              {t('verify.range')} <Time at={run.report.from} /> – <Time at={run.report.to} />
            </p>
            <ul className={styles.chains}>
              {chains.map((chain) => <Chain key={`${chain.environment ?? ''} ${chain.kind}`} chain={chain} />)}
            </ul>
          </>
        ) : null}
        {broken ? (
          <>
            <h3 className={styles.verifyHead}>{t('verify.problems')}</h3>
            <ol className={styles.chains}>
              {run.problems.map((problem, index) => <Problem key={index} problem={problem} />)}
            </ol>
            {run.leftOut > 0 ? <p className={styles.verifyText}>{t('verify.more', { count: run.leftOut })}</p> : null}
          </>
        ) : null}
      </div>
    </Card>
  );
}

const total = (chains: AuditChain[]) => chains.reduce((sum, chain) => sum + chain.entries, 0);

function Chain({ chain }: { chain: AuditChain }) {
  const t = useT();
  const tone = chain.state === 'ok' ? 'ok' : chain.state === 'broken' ? 'bad' : 'warn';
  return (
    <li className={styles.chain}>
      <Tag tone={tone}>{t(`verify.state.${chain.state}`)}</Tag>
      <strong>{chain.environment ?? t('verify.system')}</strong>
      <span className={styles.verifyText}>{t(`verify.kind.${chain.kind}`)}</span>
      <span className={styles.verifyText}>{t('verify.entries', { count: chain.entries })}</span>
      {chain.unchained > 0 && chain.state !== 'unchained' ? <span className={styles.verifyText}>{t('verify.before', { count: chain.unchained })}</span> : null}
      {chain.first?.sequence && chain.last?.sequence ? <span className={styles.verifyText}>{t('verify.numbers', { first: chain.first.sequence, last: chain.last.sequence })}</span> : null}
    </li>
  );
}

function Problem({ problem }: { problem: AuditProblem }) {
  const t = useT();
  const numbers = problem.first === undefined ? '' : problem.first === problem.last ? `${problem.first}` : `${problem.first}–${problem.last}`;
  return (
    <li className={styles.chain}>
      <Tag tone="bad">{t(`verify.problem.${problem.kind}`)}</Tag>
      <strong>{problem.environment ?? t('verify.system')}</strong>
      {numbers ? <span>{problem.run ? t('verify.refusalNumber', { numbers }) : t('verify.changeNumber', { numbers })}</span> : null}
      {problem.at ? <Time at={problem.at} /> : null}
      {problem.requestId ? <span className={`mono ${styles.verifyText}`}>{problem.requestId}</span> : null}
    </li>
  );
}
