// SPDX-License-Identifier: Apache-2.0
// A condition tree as one line of text.
import type { Condition, ConditionGroup } from '../../api/types';
import type { Translate } from '../../i18n/i18n';
import { operatorLabel } from '../../shared/labels';
import { isGroup, modeOf, nodesOf, textOfValue } from '../conditions';

const VALUES_SHOWN_MAX = 3;

function describeCondition(condition: Condition, t: Translate): string {
  const values = (condition.values ?? []).map((value) => textOfValue(value, condition.operator));
  const shown = values.slice(0, VALUES_SHOWN_MAX).join(', ') + (values.length > VALUES_SHOWN_MAX ? ` +${values.length - VALUES_SHOWN_MAX}` : '');
  return [condition.attribute ?? '', operatorLabel(condition.operator, t), shown].filter(Boolean).join(' ');
}

export function describeGroup(group: ConditionGroup, t: Translate, depth = 0): string {
  const parts = nodesOf(group).map((node) => (isGroup(node) ? describeGroup(node, t, depth + 1) : describeCondition(node, t)));
  if (parts.length === 0) return t('group.empty');
  const mode = modeOf(group);
  const joined = parts.join(mode === 'all' ? t('group.and') : t('group.or'));
  if (mode === 'none') return t('group.not', { text: joined });
  return depth > 0 && parts.length > 1 ? `(${joined})` : joined;
}
