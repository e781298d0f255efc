// SPDX-License-Identifier: Apache-2.0
// Asks the server what the saved flag serves to a context, and why. The trace lights up the page's steps.
import { Autocomplete, Button, JsonInput, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { ask, client } from '../api/client';
import { tenantsQuery } from '../api/queries';
import type { Explanation, Flag, Json } from '../api/types';
import { useAccess } from '../app/Session';
import { useT } from '../i18n/i18n';
import { Icon } from '../shared/icons';
import { reasonLabel } from '../shared/labels';
import { Card, ErrorNotice, Notice, Tag } from '../shared/ui';
import { VariationChip } from './Variation';
import styles from './flag.module.css';

// The context survives a change of the flag, for as long as the tab lives.
const STORAGE_KEY = 'guidon.playground';
type Kept = { targetingKey: string; tenantId: string; attributes: string };
const EXAMPLE: Kept = { targetingKey: 'user-7', tenantId: '', attributes: '{\n  "plan": "enterprise",\n  "email": "kana@guidon.example"\n}' };

function kept(): Kept {
  try {
    return { ...EXAMPLE, ...(JSON.parse(sessionStorage.getItem(STORAGE_KEY) ?? '{}') as Partial<Kept>) };
  } catch {
    return EXAMPLE;
  }
}

export function Playground({ env, flag, dirty, explanation, onExplanation }: { env: string; flag: Flag; dirty: boolean; explanation: Explanation | null; onExplanation: (explanation: Explanation | null) => void }) {
  const t = useT();
  const { may, tenantId: boundTenant } = useAccess();
  const [context, setContext] = useState(kept);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const tenants = useQuery({ ...tenantsQuery, enabled: may('tenants:read') }).data ?? [];
  useEffect(() => sessionStorage.setItem(STORAGE_KEY, JSON.stringify(context)), [context]);
  // An answer about another version would lie.
  useEffect(() => onExplanation(null), [flag.version, env, onExplanation]);
  const set = (name: keyof Kept) => (value: string) => setContext((old) => ({ ...old, [name]: value }));

  let attributes: Record<string, Json> | null = null;
  let wrong: string | undefined;
  try {
    const parsed = JSON.parse(context.attributes.trim() || '{}') as Json;
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) attributes = parsed;
    else wrong = t('variations.notObject');
  } catch (failure) {
    wrong = `${t('variations.jsonWrong')} ${failure instanceof Error ? failure.message : ''}`;
  }

  const run = async () => {
    if (!attributes) return;
    setBusy(true);
    setError(null);
    const whole: Record<string, Json> = { ...attributes };
    if (context.targetingKey.trim()) whole.targetingKey = context.targetingKey.trim();
    const tenant = boundTenant ?? context.tenantId.trim();
    if (tenant) whole.tenantId = tenant;
    try {
      onExplanation(
        await ask(
          client.POST('/api/v1/environments/{env}/flags/{key}/explain', { params: { path: { env, key: flag.flagKey } }, body: { context: whole as Record<string, never> } }),
        ),
      );
    } catch (failure) {
      onExplanation(null);
      setError(failure);
    }
    setBusy(false);
  };

  return (
    <Card title={t('playground.title')}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void run();
        }}
        style={{ display: 'grid', gap: 10 }}
      >
        <TextInput size="xs" label="targetingKey" description={t('playground.targetingKey')} value={context.targetingKey} onChange={(event) => set('targetingKey')(event.currentTarget.value)} />
        {boundTenant ? null : <Autocomplete size="xs" label="tenantId" data={tenants.map(({ tenantId }) => tenantId)} limit={30} value={context.tenantId} onChange={set('tenantId')} />}
        <JsonInput size="xs" label={t('playground.attributes')} autosize minRows={4} maxRows={14} value={context.attributes} onChange={set('attributes')} error={wrong} styles={{ input: { fontFamily: 'var(--g-mono)' } }} />
        {dirty ? <Notice tone="warn">{t('playground.dirty')}</Notice> : null}
        <Button type="submit" size="sm" loading={busy} disabled={!attributes} leftSection={<Icon name="play" size={15} />}>{t('playground.run')}</Button>
      </form>
      <div aria-live="polite" style={{ marginTop: 12, display: 'grid', gap: 10 }}>
        {error ? <ErrorNotice error={error} /> : null}
        {explanation ? <Answer explanation={explanation} flag={flag} onClear={() => onExplanation(null)} /> : null}
      </div>
    </Card>
  );
}

function Answer({ explanation, flag, onClear }: { explanation: Explanation; flag: Flag; onClear: () => void }) {
  const t = useT();
  const last = explanation.trace.steps.findLast((step) => step.outcome === 'decided' || step.outcome === 'matched' || step.outcome === 'missing');
  return (
    <div className={styles.answer}>
      <div style={{ display: 'flex', justifyContent: 'space-between', gap: 8, flexWrap: 'wrap' }}>
        {explanation.variation ? <VariationChip name={explanation.variation} names={Object.keys(flag.variations)} off={flag.offVariation} /> : <strong>{t('playground.noValue')}</strong>}
        <Tag tone={explanation.errorCode ? 'bad' : 'accent'} title={explanation.reason}>{reasonLabel(explanation.errorCode ?? explanation.reason, t)}</Tag>
      </div>
      {explanation.value === undefined ? null : <div className={styles.answerValue}>{JSON.stringify(explanation.value, null, 2)}</div>}
      {last ? <div style={{ fontSize: '0.82rem' }}>{t(`trace.by.${last.step as 'rule'}`, { subject: last.subject })}</div> : null}
      <div style={{ fontSize: '0.78rem', color: 'var(--g-dim)', display: 'flex', justifyContent: 'space-between', alignItems: 'center' }}>
        <span>{t('playground.sequence', { n: explanation.trace.sequence })}</span>
        <Button size="compact-xs" variant="subtle" onClick={onClear}>{t('playground.clear')}</Button>
      </div>
    </div>
  );
}
