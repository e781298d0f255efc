// SPDX-License-Identifier: Apache-2.0
// The rules of a flag in the order of evaluation; dragged, or moved with the keyboard (space, arrows, space).
import { Button, Checkbox, Group, SegmentedControl, Select, TextInput } from '@mantine/core';
import { DndContext, KeyboardSensor, PointerSensor, closestCenter, useSensor, useSensors, type DragEndEvent } from '@dnd-kit/core';
import { SortableContext, sortableKeyboardCoordinates, useSortable, verticalListSortingStrategy, arrayMove } from '@dnd-kit/sortable';
import { CSS } from '@dnd-kit/utilities';
import { useEffect, useRef, useState } from 'react';
import type { Finding, Rule, TraceStep } from '../../api/types';
import { useT } from '../../i18n/i18n';
import { Icon } from '../../shared/icons';
import { findingLabel } from '../../shared/labels';
import { IconButton, Notice, Tag } from '../../shared/ui';
import { keyed, newRule, variationNames, type Draft, type KeyedRule } from '../draft';
import { evenly, partsOf } from '../split';
import { VariationChip } from '../Variation';
import { DateTimeInput } from '../DateTimeInput';
import { GroupEditor, type Surroundings } from './ConditionEditor';
import { SplitBar, SplitEditor } from './SplitEditor';
import { describeGroup } from './describe';
import styles from './rules.module.css';

type Props = {
  draft: Draft;
  around: Surroundings;
  readOnly: boolean;
  findings: Finding[];
  trace: TraceStep[];
  onChange: (rules: Rule[]) => void;
};

const RULE_ID = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$/;

export function RuleList({ draft, around, readOnly, findings, trace, onChange }: Props) {
  const t = useT();
  const rules = draft.targetingRules ?? [];
  const [list, setList] = useState<KeyedRule[]>(() => rules.map(keyed));
  const [open, setOpen] = useState<Set<string>>(new Set());
  const sent = useRef(rules);
  // Rules that came from elsewhere (restored, merged, changed by somebody) take the place of what is shown.
  useEffect(() => {
    if (sent.current === rules) return;
    sent.current = rules;
    setList((old) => rules.map((rule) => old.find((entry) => entry.rule === rule) ?? keyed(rule)));
  }, [rules]);
  const send = (next: KeyedRule[]) => {
    setList(next);
    sent.current = next.map((entry) => entry.rule);
    onChange(sent.current);
  };
  const toggle = (key: string) =>
    setOpen((old) => {
      const next = new Set(old);
      if (!next.delete(key)) next.add(key);
      return next;
    });
  const sensors = useSensors(useSensor(PointerSensor, { activationConstraint: { distance: 4 } }), useSensor(KeyboardSensor, { coordinateGetter: sortableKeyboardCoordinates }));
  const place = (key: string | number) => list.findIndex((entry) => entry.key === key);
  const dropped = ({ active, over }: DragEndEvent) => {
    if (over && active.id !== over.id) send(arrayMove(list, place(active.id), place(over.id)));
  };
  const name = (key: string | number) => list[place(key)]?.rule.id ?? '';
  return (
    <div>
      <DndContext
        sensors={sensors}
        collisionDetection={closestCenter}
        onDragEnd={dropped}
        accessibility={{
          screenReaderInstructions: { draggable: t('rules.dragHelp') },
          announcements: {
            onDragStart: ({ active }) => t('rules.dragStart', { rule: name(active.id), n: place(active.id) + 1 }),
            onDragOver: ({ active, over }) => (over ? t('rules.dragOver', { rule: name(active.id), n: place(over.id) + 1 }) : ''),
            onDragEnd: ({ active, over }) => (over ? t('rules.dragEnd', { rule: name(active.id), n: place(over.id) + 1 }) : ''),
            onDragCancel: ({ active }) => t('rules.dragCancel', { rule: name(active.id) }),
          },
        }}
      >
        <SortableContext items={list.map((entry) => entry.key)} strategy={verticalListSortingStrategy}>
          <ol className={styles.rules}>
            {list.map((entry, index) => (
              <RuleCard
                key={entry.key}
                entry={entry}
                index={index}
                draft={draft}
                around={around}
                readOnly={readOnly}
                open={open.has(entry.key)}
                onToggle={() => toggle(entry.key)}
                findings={findings.filter((finding) => finding.ruleId === entry.rule.id)}
                step={trace.find((step) => step.step === 'rule' && step.subject === entry.rule.id)}
                onChange={(rule) => send(list.map((old) => (old.key === entry.key ? { ...old, rule } : old)))}
                onRemove={() => send(list.filter((old) => old.key !== entry.key))}
              />
            ))}
          </ol>
        </SortableContext>
      </DndContext>
      {readOnly ? null : (
        <Button
          mt={list.length > 0 ? 'sm' : 0}
          variant="default"
          leftSection={<Icon name="plus" size={16} />}
          onClick={() => {
            const entry = keyed(newRule(draft));
            setOpen((old) => new Set(old).add(entry.key));
            send([...list, entry]);
          }}
        >
          {t('rules.add')}
        </Button>
      )}
    </div>
  );
}

function RuleCard({ entry, index, draft, around, readOnly, open, onToggle, findings, step, onChange, onRemove }: {
  entry: KeyedRule;
  index: number;
  draft: Draft;
  around: Surroundings;
  readOnly: boolean;
  open: boolean;
  onToggle: () => void;
  findings: Finding[];
  step: TraceStep | undefined;
  onChange: (rule: Rule) => void;
  onRemove: () => void;
}) {
  const t = useT();
  const { rule } = entry;
  const names = variationNames(draft);
  const { attributes, listeners, setNodeRef, setActivatorNodeRef, transform, transition, isDragging } = useSortable({ id: entry.key, disabled: readOnly });
  const decided = step?.outcome === 'decided' || step?.outcome === 'matched';
  return (
    <li ref={setNodeRef} style={{ transform: CSS.Translate.toString(transform), transition }} className={styles.rule} data-decided={decided} data-dragging={isDragging}>
      <div className={styles.ruleHead}>
        {readOnly ? null : (
          <button type="button" ref={setActivatorNodeRef} className={styles.handle} aria-label={t('rules.drag', { rule: rule.id })} {...attributes} {...listeners}>
            <Icon name="drag" size={16} />
          </button>
        )}
        <span className={styles.number}>{index + 1}</span>
        <button type="button" className={styles.summary} onClick={onToggle} aria-expanded={open}>
          <span className={styles.summaryId}>{rule.id}</span>
          <span className={styles.summaryText}>{rule.everyone ? t('rules.everyone') : rule.when ? describeGroup(rule.when, t) : t('group.empty')}</span>
        </button>
        {step ? <Tag tone={decided ? 'ok' : 'plain'}>{decided ? t('trace.decided') : t('trace.notMatched')}</Tag> : null}
        {findings.length > 0 ? <Tag tone="warn" title={findings.map(({ code, message }) => findingLabel(code, message, t)).join('\n')}>{t('lint.count', { n: findings.length })}</Tag> : null}
        <span className={styles.serves}>
          {rule.split ? <Tag><Icon name="split" size={13} />{t('rules.split')}</Tag> : <VariationChip name={rule.variation ?? ''} names={names} off={draft.offVariation} />}
        </span>
        <IconButton icon={open ? 'up' : 'down'} label={open ? t('rules.collapse') : t('rules.expand')} onClick={onToggle} />
      </div>
      {rule.split && !open ? (
        <div style={{ padding: '0 12px 12px' }}>
          <SplitBar split={rule.split} names={names} off={draft.offVariation} />
        </div>
      ) : null}
      {open ? (
        <fieldset className={styles.ruleBody} disabled={readOnly} style={{ border: 0, borderTop: '1px solid var(--g-border)', margin: 0 }}>
          {findings.map(({ code, message, field }) => (
            <Notice key={`${code}${field}`} tone="warn">
              <p>{findingLabel(code, message, t)}</p>
              <small>{message}</small>
            </Notice>
          ))}
          <div className={styles.row}>
            <TextInput size="xs" label={t('rules.id')} value={rule.id} onChange={(event) => onChange({ ...rule, id: event.currentTarget.value })} error={RULE_ID.test(rule.id) ? undefined : t('rules.idWrong')} />
            <TextInput size="xs" label={t('rules.description')} value={rule.description ?? ''} onChange={(event) => onChange(withText(rule, 'description', event.currentTarget.value))} />
          </div>
          <RuleAudience rule={rule} around={around} onChange={onChange} />
          <RuleServes rule={rule} draft={draft} onChange={onChange} />
          <div className={styles.row}>
            <DateTimeInput label={t('rules.startsAt')} value={rule.startsAt} onChange={(value) => onChange(withText(rule, 'startsAt', value))} />
            <DateTimeInput label={t('rules.endsAt')} value={rule.endsAt} onChange={(value) => onChange(withText(rule, 'endsAt', value))} />
          </div>
          {readOnly ? null : (
            <Group justify="flex-end">
              <Button size="compact-sm" variant="subtle" color="red" leftSection={<Icon name="trash" size={15} />} onClick={onRemove}>
                {t('rules.remove')}
              </Button>
            </Group>
          )}
        </fieldset>
      ) : null}
    </li>
  );
}

function withText(rule: Rule, name: 'description' | 'startsAt' | 'endsAt', value: string | undefined): Rule {
  const next = { ...rule };
  if (value) next[name] = value;
  else delete next[name];
  return next;
}

function RuleAudience({ rule, around, onChange }: { rule: Rule; around: Surroundings; onChange: (rule: Rule) => void }) {
  const t = useT();
  // The tree stays while "everyone" is tried out.
  const kept = useRef(rule.when);
  if (rule.when) kept.current = rule.when;
  return (
    <div style={{ display: 'grid', gap: 8 }}>
      <Checkbox
        size="xs"
        label={t('rules.everyoneLabel')}
        checked={rule.everyone === true}
        onChange={(event) => {
          const next = { ...rule };
          if (event.currentTarget.checked) {
            next.everyone = true;
            delete next.when;
          } else {
            delete next.everyone;
            next.when = kept.current ?? { all: [{ attribute: '', operator: 'in', values: [] }] };
          }
          onChange(next);
        }}
      />
      {rule.when ? <GroupEditor group={rule.when} around={around} onChange={(when) => onChange({ ...rule, when })} /> : null}
    </div>
  );
}

function RuleServes({ rule, draft, onChange }: { rule: Rule; draft: Draft; onChange: (rule: Rule) => void }) {
  const t = useT();
  const names = variationNames(draft);
  return (
    <div style={{ display: 'grid', gap: 10 }}>
      <Group gap="sm">
        <span style={{ fontSize: '0.84rem', fontWeight: 550 }}>{t('rules.serves')}</span>
        <SegmentedControl
          size="xs"
          aria-label={t('rules.serves')}
          value={rule.split ? 'split' : 'variation'}
          data={[
            { value: 'variation', label: t('rules.oneVariation') },
            { value: 'split', label: t('rules.split') },
          ]}
          onChange={(kind) => {
            const next = { ...rule };
            if (kind === 'split' && !rule.split) {
              delete next.variation;
              next.split = partsOf(names.map((variation) => ({ variation, weight: 0 })), evenly(names.length));
            } else if (kind === 'variation' && rule.split) {
              delete next.split;
              next.variation = rule.split[0]?.variation ?? names[0] ?? '';
            }
            onChange(next);
          }}
        />
      </Group>
      {rule.split ? (
        <SplitEditor split={rule.split} names={names} off={draft.offVariation} onChange={(split) => onChange({ ...rule, split })} />
      ) : (
        <Select size="xs" aria-label={t('rules.variation')} data={names} value={rule.variation ?? null} onChange={(variation) => variation !== null && onChange({ ...rule, variation })} maw={320} />
      )}
    </div>
  );
}
