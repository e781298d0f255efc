// SPDX-License-Identifier: Apache-2.0
// The flag in the order in which it is evaluated. A trace of the playground lights up where it went.
import { Anchor, Checkbox, MultiSelect, NumberInput, Select, Slider, Switch, TagsInput, TextInput, Textarea } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useMemo, type ReactNode } from 'react';
import { Link } from 'react-router';
import { allFlagsQuery, killSwitchesQuery, lintQuery, segmentsQuery } from '../api/queries';
import type { Explanation, Finding, Flag, TraceStep } from '../api/types';
import { useAccess } from '../app/Session';
import { pathOf } from '../app/environment';
import { useT } from '../i18n/i18n';
import { findingLabel, stepLabel } from '../shared/labels';
import { Card, IconButton, Notice, Tag, Time } from '../shared/ui';
import { killsOf } from '../kill/scope';
import { DateTimeInput } from './DateTimeInput';
import { Overrides } from './Overrides';
import { Variations } from './Variations';
import { variationNames, type Draft } from './draft';
import { isGroup, nodesOf } from './conditions';
import { RuleList } from './rules/RuleList';
import { SplitBar } from './rules/SplitEditor';
import { WHOLE } from './split';
import { isExpired } from './state';
import styles from './flag.module.css';

type Edit = (change: (old: Draft) => Draft) => void;
type Props = { env: string; draft: Draft; base: Flag; dirty: boolean; readOnly: boolean; edit: Edit; explanation: Explanation | null };

// Attributes offered by name: what every context has, and what this environment's rules ask for.
const COMMON_ATTRIBUTES = ['targetingKey', 'tenantId', 'email', 'plan', 'country'];

function attributesIn(flags: Flag[]): string[] {
  const found = new Set(COMMON_ATTRIBUTES);
  const walk = (group: NonNullable<NonNullable<Flag['targetingRules']>[number]['when']>) => {
    for (const node of nodesOf(group)) {
      if (isGroup(node)) walk(node);
      else if (node.attribute) found.add(node.attribute);
    }
  };
  for (const flag of flags) for (const rule of flag.targetingRules ?? []) if (rule.when) walk(rule.when);
  return [...found].sort();
}

export function Evaluation({ env, draft, base, dirty, readOnly, edit, explanation }: Props) {
  const t = useT();
  const { may } = useAccess();
  const flags = useQuery(allFlagsQuery(env)).data ?? [];
  const segments = useQuery({ ...segmentsQuery(env), enabled: may('segments:read') }).data ?? [];
  const findings = useQuery(lintQuery(env, base.flagKey)).data ?? [];
  const kills = killsOf(useQuery({ ...killSwitchesQuery(env), enabled: may('kill:read') }).data ?? [], base);
  const around = useMemo(() => ({ attributes: attributesIn(flags), segments: segments.map(({ segmentKey }) => segmentKey) }), [flags, segments]);
  const steps = explanation?.trace.steps ?? [];
  const decidedAt = steps.findIndex((step) => step.outcome === 'decided');
  const of = (...names: string[]) => steps.filter((step) => names.includes(step.step));
  const has = (prefix: string) => findings.filter(({ field, ruleId }) => !ruleId && field.startsWith(prefix));
  const set = <Name extends keyof Draft>(name: Name, value: Draft[Name] | undefined) =>
    edit((old) => {
      const next = { ...old };
      if (value === undefined) delete next[name];
      else next[name] = value;
      return next;
    });
  const stepProps = (...names: string[]) => ({ trace: of(...names), reached: steps.length === 0 || of(...names).length > 0, traced: steps.length > 0, decided: decidedAt >= 0 && names.includes(steps[decidedAt]?.step ?? '') });

  return (
    <div style={{ display: 'grid', gap: 16, minWidth: 0 }}>
      <Details draft={draft} readOnly={readOnly} set={set} findings={has('owner').concat(has('tags'))} />
      <Card title={t('variations.title')}>
        <Lint findings={findings.filter(({ field, ruleId }) => !ruleId && /^(variations|offVariation|killVariation|defaultVariation)/.test(field))} />
        <Variations draft={draft} base={base} readOnly={readOnly} edit={edit} />
      </Card>
      <h2 className="visually-hidden">{t('flag.order')}</h2>
      <ol className={styles.steps}>
        <Step n={1} title={t('step.killSwitch')} lead={kills.length > 0 ? undefined : t('kill.noneForFlag')} {...stepProps('killSwitch')}>
          {kills.map((kill) => (
            <Notice key={kill.scope} tone="bad" action={<Anchor component={Link} to={pathOf(env, 'kill-switches')} size="sm">{t('nav.killSwitches')}</Anchor>}>
              <p><strong>{t('kill.engagedScope', { scope: kill.scope })}</strong> · <Time at={kill.engagedAt} relative /></p>
              <p>{kill.reason}</p>
            </Notice>
          ))}
        </Step>
        <Step n={2} title={t('step.state')} lead={t('state.lead')} {...stepProps('lookup', 'state', 'expiry')} findings={has('expiresAt').concat(has('state'))}>
          <div className={styles.grid}>
            <Select size="xs" label={t('flags.state')} disabled={readOnly} data={(['ENABLED', 'DISABLED', 'ARCHIVED'] as const).map((value) => ({ value, label: t(`state.${value}`) }))} value={draft.state ?? 'ENABLED'} onChange={(value) => value && set('state', value as Flag['state'])} description={t(`stateText.${draft.state ?? 'ENABLED'}`)} />
            <fieldset disabled={readOnly} className={styles.fieldset}>
              <DateTimeInput label={t('attribute.expiresAt')} value={draft.expiresAt} onChange={(value) => set('expiresAt', value)} description={draft.expiresAt && isExpired(draft) ? t('flag.expiredText') : t('flag.expiresText')} />
            </fieldset>
          </div>
        </Step>
        <Step n={3} title={t('step.prerequisite')} lead={(draft.prerequisites ?? []).length > 0 ? t('prerequisites.lead') : t('prerequisites.none')} {...stepProps('prerequisite')} findings={has('prerequisites')}>
          <Prerequisites env={env} draft={draft} flags={flags} readOnly={readOnly} set={set} />
        </Step>
        <Step n={4} title={t('step.override')} lead={t('overrides.lead')} {...stepProps('override')} findings={has('tenantOverrides')}>
          <Overrides env={env} flag={base} />
        </Step>
        <Step n={5} title={t('step.rule')} lead={draft.targeting ? t('rules.jsonLogic') : t('rules.lead')} {...stepProps('rule', 'targeting')} findings={has('targetingRules').concat(has('targeting'))}>
          {draft.targeting ? (
            <pre className={styles.answer} style={{ whiteSpace: 'pre-wrap', fontSize: '0.8rem', margin: 0 }}>{JSON.stringify(draft.targeting, null, 2)}</pre>
          ) : (
            <RuleList draft={draft} around={around} readOnly={readOnly} findings={dirty ? [] : findings} trace={steps} onChange={(rules) => set('targetingRules', rules)} />
          )}
        </Step>
        <Step n={6} title={t('step.default')} lead={t('default.lead')} {...stepProps('default', 'split', 'rollout')} findings={has('rollout').concat(has('bucketBy'), has('defaultEnabled'))}>
          <Default draft={draft} readOnly={readOnly} set={set} attributes={around.attributes} />
        </Step>
      </ol>
    </div>
  );
}

function Lint({ findings }: { findings: Finding[] }) {
  const t = useT();
  return findings.map(({ code, field, message, severity }) => (
    <Notice key={`${code} ${field}`} tone={severity === 'error' ? 'bad' : 'warn'}>
      <p>{findingLabel(code, message, t)}</p>
      <small>{field}: {message}</small>
    </Notice>
  ));
}

function Step({ n, title, lead, children, trace, reached, traced, decided, findings = [] }: { n: number; title: string; lead?: ReactNode; children?: ReactNode; trace: TraceStep[]; reached: boolean; traced: boolean; decided: boolean; findings?: Finding[] }) {
  const t = useT();
  const outcome = !traced ? undefined : decided ? 'decided' : reached ? 'passed' : 'unreached';
  return (
    <li className={styles.step} data-outcome={outcome}>
      <span className={styles.mark} aria-hidden="true">{n}</span>
      <section className={styles.stepCard} aria-label={title}>
        <div className={styles.stepHead}>
          <h2>{title}</h2>
          {decided ? <Tag tone="ok">{t('trace.decidedHere')}</Tag> : null}
          {lead ? <p>{lead}</p> : null}
        </div>
        {children || findings.length > 0 ? (
          <div className={styles.stepBody}>
            <Lint findings={findings} />
            {children}
          </div>
        ) : null}
        {trace.filter((step) => step.step !== 'lookup' || trace.length === 1).map((step, index) => (
          <div key={index} className={styles.traceLine}>
            {stepLabel(step.step, t)}
            {step.subject && step.step === 'rule' ? ` ${step.subject}` : ''}: {step.detail}
            {step.bucket !== undefined ? ` · ${t('trace.bucket', { bucket: step.bucket, hash: step.hash ?? 0, unit: step.unit ?? '' })}` : ''}
            {step.conditions.length > 0 ? (
              <ul className={styles.conditions}>
                {step.conditions.map((condition, at) => (
                  <li key={at} style={{ paddingLeft: condition.depth * 14 }}>
                    <span aria-label={condition.result ? t('trace.true') : t('trace.false')}>{condition.result ? '✓' : '✗'}</span>
                    <span className="mono">
                      {[condition.attribute, condition.operator, condition.values].filter(Boolean).join(' ')}
                      {condition.missing ? ` — ${t('trace.missing')}` : condition.seen ? ` — ${t('trace.seen', { value: condition.seen })}` : ''}
                    </span>
                  </li>
                ))}
              </ul>
            ) : null}
          </div>
        ))}
      </section>
    </li>
  );
}

type Set = <Name extends keyof Draft>(name: Name, value: Draft[Name] | undefined) => void;

function Details({ draft, readOnly, set, findings }: { draft: Draft; readOnly: boolean; set: Set; findings: Finding[] }) {
  const t = useT();
  return (
    <Card title={t('flag.details')}>
      <fieldset className={styles.fieldset} disabled={readOnly}>
        <Lint findings={findings} />
        <Textarea size="xs" label={t('attribute.description')} autosize minRows={1} maxRows={5} value={draft.description ?? ''} onChange={(event) => set('description', event.currentTarget.value || undefined)} />
        <div className={styles.grid}>
          <TextInput size="xs" label={t('attribute.owner')} value={draft.owner ?? ''} onChange={(event) => set('owner', event.currentTarget.value || undefined)} maxLength={128} />
          <TagsInput size="xs" label={t('attribute.tags')} value={draft.tags ?? []} onChange={(tags) => set('tags', tags)} maxTags={50} acceptValueOnBlur disabled={readOnly} />
        </div>
        <Checkbox size="xs" label={t('attribute.clientVisible')} description={t('flag.clientVisibleText')} checked={draft.clientVisible ?? false} onChange={(event) => set('clientVisible', event.currentTarget.checked)} />
      </fieldset>
    </Card>
  );
}

function Prerequisites({ env, draft, flags, readOnly, set }: { env: string; draft: Draft; flags: Flag[]; readOnly: boolean; set: Set }) {
  const t = useT();
  const list = draft.prerequisites ?? [];
  const free = flags.filter(({ flagKey }) => flagKey !== draft.flagKey && !list.some((entry) => entry.flagKey === flagKey)).map(({ flagKey }) => flagKey);
  return (
    <>
      {list.map((entry, index) => {
        const other = flags.find(({ flagKey }) => flagKey === entry.flagKey);
        return (
          <div key={entry.flagKey} className={styles.grid} style={{ gridTemplateColumns: 'minmax(0, 1fr) minmax(0, 1fr) 34px' }}>
            <Anchor component={Link} to={pathOf(env, 'flags', entry.flagKey)} size="sm" className="mono" style={{ paddingTop: 5, overflowWrap: 'anywhere' }}>{entry.flagKey}</Anchor>
            <MultiSelect size="xs" aria-label={t('prerequisites.variations', { flag: entry.flagKey })} data={[...new Set([...Object.keys(other?.variations ?? {}), ...entry.variations])]} value={entry.variations} disabled={readOnly} onChange={(variations) => set('prerequisites', list.map((old, at) => (at === index ? { ...old, variations } : old)))} />
            {readOnly ? <span /> : <IconButton icon="close" label={t('prerequisites.remove', { flag: entry.flagKey })} onClick={() => set('prerequisites', list.filter((_, at) => at !== index))} />}
          </div>
        );
      })}
      {readOnly || list.length >= 20 ? null : (
        <Select
          size="xs"
          maw={340}
          searchable
          limit={50}
          aria-label={t('prerequisites.add')}
          placeholder={t('prerequisites.add')}
          nothingFoundMessage={t('palette.nothing')}
          data={free}
          value={null}
          onChange={(flagKey) => {
            const other = flags.find((flag) => flag.flagKey === flagKey);
            if (other) set('prerequisites', [...list, { flagKey: other.flagKey, variations: [other.defaultVariation ?? Object.keys(other.variations)[0] ?? 'on'] }]);
          }}
        />
      )}
    </>
  );
}

function Default({ draft, readOnly, set, attributes }: { draft: Draft; readOnly: boolean; set: Set; attributes: string[] }) {
  const t = useT();
  const names = variationNames(draft);
  const on = draft.defaultEnabled ?? false;
  const percent = draft.rolloutPercentage;
  const option = (label: string, name: 'defaultVariation' | 'offVariation' | 'killVariation', clearable: boolean) => (
    <Select size="xs" label={label} data={names} value={draft[name] ?? null} disabled={readOnly} clearable={clearable} allowDeselect={clearable} clearButtonProps={{ 'aria-label': t('common.clear') }} placeholder={clearable ? (name === 'killVariation' ? t('default.sameAsOff') : t('flags.codeDefault')) : ''} onChange={(value) => set(name, value ?? undefined)} />
  );
  return (
    <fieldset className={styles.fieldset} disabled={readOnly}>
      <Switch color="teal.9" label={on ? t('default.on') : t('default.off')} description={on ? t('default.onText', { variation: draft.defaultVariation ?? '–' }) : t('default.offText', { variation: draft.offVariation ?? '–' })} checked={on} disabled={readOnly} onChange={(event) => set('defaultEnabled', event.currentTarget.checked)} />
      <div className={styles.grid}>
        {option(t('attribute.defaultVariation'), 'defaultVariation', draft.codeDefault === true)}
        {option(t('attribute.offVariation'), 'offVariation', draft.codeDefault === true)}
        {option(t('attribute.killVariation'), 'killVariation', true)}
      </div>
      <Checkbox size="xs" label={t('default.gradual')} checked={percent !== undefined} onChange={(event) => set('rolloutPercentage', event.currentTarget.checked ? 10 : undefined)} />
      {percent === undefined ? null : (
        <>
          <div style={{ display: 'grid', gridTemplateColumns: 'minmax(0, 1fr) 120px', gap: 16, alignItems: 'center' }}>
            <Slider value={percent} onChange={(value) => set('rolloutPercentage', value)} min={0} max={100} step={1} label={null} disabled={readOnly} thumbLabel={t('attribute.rolloutPercentage')} thumbProps={{ 'aria-label': t('attribute.rolloutPercentage') }} />
            <NumberInput size="xs" aria-label={t('attribute.rolloutPercentage')} value={percent} min={0} max={100} decimalScale={3} step={1} suffix=" %" clampBehavior="strict" onChange={(value) => typeof value === 'number' && set('rolloutPercentage', value)} />
          </div>
          {draft.defaultVariation && draft.offVariation ? (
            <SplitBar split={[{ variation: draft.defaultVariation, weight: Math.round(percent * 1000) }, { variation: draft.offVariation, weight: WHOLE - Math.round(percent * 1000) }]} names={names} off={draft.offVariation} />
          ) : null}
          {on ? null : <Notice tone="warn">{t('default.rolloutWhileOff')}</Notice>}
        </>
      )}
      <details>
        <summary style={{ cursor: 'pointer', fontSize: '0.84rem', color: 'var(--g-dim)' }}>{t('default.bucketing')}</summary>
        <div className={styles.grid} style={{ marginTop: 10 }}>
          <Select size="xs" label={t('attribute.bucketBy')} description={t('default.bucketByText')} data={[...new Set(['targetingKey', 'tenantId', ...(draft.bucketBy ? [draft.bucketBy] : []), ...attributes])]} value={draft.bucketBy ?? 'targetingKey'} disabled={readOnly} searchable onChange={(value) => set('bucketBy', value === 'targetingKey' || value === null ? undefined : value)} />
          <TextInput size="xs" label={t('attribute.rolloutSalt')} description={t('default.saltText')} placeholder={draft.flagKey} value={draft.rolloutSalt ?? ''} onChange={(event) => set('rolloutSalt', event.currentTarget.value || undefined)} maxLength={128} />
        </div>
      </details>
    </fieldset>
  );
}
