// SPDX-License-Identifier: Apache-2.0
// A tree of groups and conditions, edited as it is read: all / any / none of …
import { Autocomplete, Button, MultiSelect, SegmentedControl, Select, TagsInput } from '@mantine/core';
import type { Condition, ConditionGroup, Operator } from '../../api/types';
import { useT } from '../../i18n/i18n';
import { Icon } from '../../shared/icons';
import { operatorLabel } from '../../shared/labels';
import { IconButton } from '../../shared/ui';
import { OPERATOR_GROUPS, groupOf, isGroup, kindOf, modeOf, nodesOf, problemOf, textOfValue, valueOfText, withOperator, type Mode, type Node } from '../conditions';
import styles from './rules.module.css';

// Deeper trees are legal and shown; the builder offers no deeper ones, because nobody reads them.
const OFFERED_DEPTH_MAX = 3;

export type Surroundings = { attributes: string[]; segments: string[] };

function Values({ condition, segments, onChange }: { condition: Condition; segments: string[]; onChange: (condition: Condition) => void }) {
  const t = useT();
  const { operator } = condition;
  const values = condition.values ?? [];
  if (kindOf(operator) === 'none') return null;
  if (kindOf(operator) === 'segment') {
    return (
      <MultiSelect
        size="xs"
        aria-label={t('condition.segments')}
        placeholder={values.length === 0 ? t('condition.segmentsHint') : ''}
        data={[...new Set([...segments, ...values.map(String)])]}
        value={values.map(String)}
        onChange={(next) => onChange({ ...condition, values: next })}
        searchable
        hidePickedOptions
        comboboxProps={{ withinPortal: true }}
      />
    );
  }
  const wrong = values.map((value) => problemOf(value, operator)).find((problem) => problem !== undefined);
  const hint = { any: 'condition.hintAny', text: 'condition.hintText', number: 'condition.hintNumber', time: 'condition.hintTime', version: 'condition.hintVersion', network: 'condition.hintNetwork' } as const;
  const kind = kindOf(operator) as keyof typeof hint;
  return (
    <TagsInput
      size="xs"
      aria-label={t('condition.values')}
      placeholder={values.length === 0 ? t(hint[kind]) : ''}
      value={values.map((value) => textOfValue(value, operator))}
      onChange={(texts) => onChange({ ...condition, values: texts.map((text) => valueOfText(text, operator)) })}
      error={wrong ? t(`condition.wrong.${wrong}`) : values.length === 0 ? t('condition.noValues') : undefined}
      splitChars={kind === 'text' ? [] : [',']}
      acceptValueOnBlur
      comboboxProps={{ withinPortal: true }}
    />
  );
}

function ConditionRow({ condition, around, onChange, onRemove }: { condition: Condition; around: Surroundings; onChange: (condition: Condition) => void; onRemove: () => void }) {
  const t = useT();
  const kind = kindOf(condition.operator);
  return (
    <div className={styles.condition} data-kind={kind}>
      {kind === 'segment' ? null : (
        <Autocomplete
          size="xs"
          aria-label={t('condition.attribute')}
          placeholder={t('condition.attributeHint')}
          data={around.attributes}
          value={condition.attribute ?? ''}
          onChange={(attribute) => onChange({ ...condition, attribute })}
          error={condition.attribute ? undefined : t('condition.noAttribute')}
        />
      )}
      <Select
        size="xs"
        aria-label={t('condition.operator')}
        data={OPERATOR_GROUPS.map(({ kind: group, operators }) => ({
          group: t(`operatorGroup.${group}`),
          items: operators.map((operator) => ({ value: operator, label: operatorLabel(operator, t) })),
        }))}
        value={condition.operator}
        onChange={(operator) => operator !== null && onChange(withOperator(condition, operator as Operator))}
        searchable
        maxDropdownHeight={340}
      />
      <Values condition={condition} segments={around.segments} onChange={onChange} />
      <IconButton icon="close" label={t('condition.remove')} onClick={onRemove} />
    </div>
  );
}

export function GroupEditor({ group, around, onChange, onRemove, depth = 1 }: { group: ConditionGroup; around: Surroundings; onChange: (group: ConditionGroup) => void; onRemove?: () => void; depth?: number }) {
  const t = useT();
  const mode = modeOf(group);
  const nodes = nodesOf(group);
  const set = (next: Node[]) => onChange(groupOf(mode, next));
  const replace = (index: number, node: Node) => set(nodes.map((old, at) => (at === index ? node : old)));
  const remove = (index: number) => set(nodes.filter((_, at) => at !== index));
  return (
    <div className={styles.group} data-mode={mode} role="group" aria-label={t(`group.${mode}`)}>
      <div className={styles.groupHead}>
        <SegmentedControl
          size="xs"
          aria-label={t('group.mode')}
          value={mode}
          onChange={(next) => onChange(groupOf(next as Mode, nodes))}
          data={(['all', 'any', 'none'] as const).map((value) => ({ value, label: t(`group.${value}Short`) }))}
        />
        <span style={{ flex: 1 }}>{t(`group.${mode}`)}</span>
        {onRemove ? <IconButton icon="trash" label={t('group.remove')} onClick={onRemove} /> : null}
      </div>
      {nodes.map((node, index) =>
        isGroup(node) ? (
          <GroupEditor key={index} group={node} around={around} depth={depth + 1} onChange={(next) => replace(index, next)} onRemove={() => remove(index)} />
        ) : (
          <ConditionRow key={index} condition={node} around={around} onChange={(next) => replace(index, next)} onRemove={() => remove(index)} />
        ),
      )}
      <div className={styles.groupFoot}>
        <Button size="compact-sm" variant="subtle" leftSection={<Icon name="plus" size={15} />} onClick={() => set([...nodes, { attribute: '', operator: 'in', values: [] }])}>
          {t('group.addCondition')}
        </Button>
        {around.segments.length > 0 ? (
          <Button size="compact-sm" variant="subtle" leftSection={<Icon name="segment" size={15} />} onClick={() => set([...nodes, { operator: 'inSegment', values: [] }])}>
            {t('group.addSegment')}
          </Button>
        ) : null}
        {depth < OFFERED_DEPTH_MAX ? (
          <Button size="compact-sm" variant="subtle" leftSection={<Icon name="group" size={15} />} onClick={() => set([...nodes, groupOf(mode === 'any' ? 'all' : 'any', [{ attribute: '', operator: 'in', values: [] }])])}>
            {t('group.addGroup')}
          </Button>
        ) : null}
      </div>
    </div>
  );
}
