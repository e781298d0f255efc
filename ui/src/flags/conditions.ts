// SPDX-License-Identifier: Apache-2.0
// Condition trees as the rule builder sees them: operators by the type they compare, values as text that a person types.
import type { Condition, ConditionGroup, Operator } from '../api/types';

export type Scalar = string | number | boolean;
export type Node = Condition | ConditionGroup;
export type Mode = 'all' | 'any' | 'none';
// What an operator compares, and so what its values are.
export type ValueKind = 'any' | 'text' | 'number' | 'time' | 'version' | 'network' | 'segment' | 'none';

export const OPERATOR_GROUPS: { kind: 'text' | 'number' | 'time' | 'version' | 'network' | 'presence' | 'segment'; operators: Operator[] }[] = [
  { kind: 'text', operators: ['in', 'notIn', 'contains', 'startsWith', 'endsWith', 'matches'] },
  { kind: 'number', operators: ['eq', 'lt', 'lte', 'gt', 'gte'] },
  { kind: 'time', operators: ['before', 'after'] },
  { kind: 'version', operators: ['semverEq', 'semverLt', 'semverLte', 'semverGt', 'semverGte'] },
  { kind: 'network', operators: ['inCidr'] },
  { kind: 'presence', operators: ['exists'] },
  { kind: 'segment', operators: ['inSegment'] },
];

const KINDS: Record<Operator, ValueKind> = {
  in: 'any', notIn: 'any', contains: 'text', startsWith: 'text', endsWith: 'text', matches: 'text',
  eq: 'number', lt: 'number', lte: 'number', gt: 'number', gte: 'number',
  before: 'time', after: 'time',
  semverEq: 'version', semverLt: 'version', semverLte: 'version', semverGt: 'version', semverGte: 'version',
  inCidr: 'network', exists: 'none', inSegment: 'segment',
};

export const kindOf = (operator: Operator): ValueKind => KINDS[operator];

export const isGroup = (node: Node): node is ConditionGroup => !('operator' in node);

export function modeOf(group: ConditionGroup): Mode {
  return group.all ? 'all' : group.any ? 'any' : 'none';
}

export function nodesOf(group: ConditionGroup): Node[] {
  return (group.all ?? group.any ?? group.none ?? []) as Node[];
}

export function groupOf(mode: Mode, nodes: Node[]): ConditionGroup {
  return { [mode]: nodes } as ConditionGroup;
}

// Numbers and booleans are written as themselves. Text that looks like one of them, or begins with a quotation mark, is
// written as a JSON string, so that "42" and 42 stay apart.
export function textOfValue(value: Scalar, operator: Operator): string {
  if (typeof value !== 'string') return String(value);
  if (kindOf(operator) !== 'any' && kindOf(operator) !== 'number') return value;
  return typeof literal(value) !== 'string' || value.startsWith('"') ? JSON.stringify(value) : value;
}

export function valueOfText(text: string, operator: Operator): Scalar {
  return kindOf(operator) === 'any' || kindOf(operator) === 'number' ? literal(text) : text;
}

function literal(text: string): Scalar {
  if (text === 'true') return true;
  if (text === 'false') return false;
  if (/^-?\d/.test(text)) {
    const number = Number(text);
    // Only what is written the way it would be shown again: "007" and "1.0" are text.
    if (Number.isFinite(number) && String(number) === text) return number;
  }
  if (text.startsWith('"')) {
    try {
      const parsed: unknown = JSON.parse(text);
      if (typeof parsed === 'string') return parsed;
    } catch {
      // a quotation mark that opens nothing is text
    }
  }
  return text;
}

export type ValueProblem = 'number' | 'time' | 'version' | 'network' | 'pattern';

const VERSION = /^v?\d+(\.\d+){0,2}(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/;
const NETWORK = /^([0-9]{1,3}(\.[0-9]{1,3}){3}(\/\d{1,2})?|[0-9a-fA-F:]*:[0-9a-fA-F:.]*(\/\d{1,3})?)$/;

// What is wrong with a value before the server says so; the server's word counts.
export function problemOf(value: Scalar, operator: Operator): ValueProblem | undefined {
  switch (kindOf(operator)) {
    case 'number':
      return typeof value === 'number' ? undefined : 'number';
    case 'time':
      return typeof value === 'string' && /^\d{4}-\d{2}-\d{2}/.test(value) && !Number.isNaN(Date.parse(value)) ? undefined : 'time';
    case 'version':
      return VERSION.test(String(value)) ? undefined : 'version';
    case 'network':
      return NETWORK.test(String(value)) ? undefined : 'network';
    default:
      return undefined;
  }
}

// The condition with another operator: what can be kept is kept.
export function withOperator(condition: Condition, operator: Operator): Condition {
  const kind = kindOf(operator);
  if (kind === kindOf(condition.operator)) return { ...condition, operator };
  const next: Condition = { operator };
  if (kind !== 'segment') next.attribute = condition.attribute ?? '';
  if (kind === 'none') return next;
  const bothAttributes = kindOf(condition.operator) !== 'segment' && kind !== 'segment';
  const values = bothAttributes ? (condition.values ?? []) : [];
  next.values = values.map((value) => valueOfText(textOfValue(value, condition.operator), operator)).filter((value) => kind === 'any' || problemOf(value, operator) === undefined);
  if (kind === 'text') next.values = next.values.map(String);
  return next;
}

export function countConditions(group: ConditionGroup): number {
  return nodesOf(group).reduce((sum, node) => sum + (isGroup(node) ? countConditions(node) : 1), 0);
}
