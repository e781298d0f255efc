// SPDX-License-Identifier: Apache-2.0
import type { ConditionGroup, Flag } from '../api/types';
import { isGroup, nodesOf } from '../flags/conditions';

function names(group: ConditionGroup, segment: string): boolean {
  return nodesOf(group).some((node) => (isGroup(node) ? names(node, segment) : node.operator === 'inSegment' && (node.values ?? []).includes(segment)));
}

// Flags with a rule that asks for the segment.
export function flagsUsing(flags: Flag[], segment: string): Flag[] {
  return flags.filter((flag) => flag.targetingRules?.some((rule) => rule.when && names(rule.when, segment)));
}
