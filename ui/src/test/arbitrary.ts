// SPDX-License-Identifier: Apache-2.0
// Rules as the contract allows them.
import fc from 'fast-check';
import type { Condition, ConditionGroup, Operator, Rule } from '../api/types';
import { OPERATOR_GROUPS, kindOf, type Scalar } from '../flags/conditions';

const operators: Operator[] = OPERATOR_GROUPS.flatMap((group) => group.operators);

const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (Object.is(value, -0) ? 0 : value));
// Text that could be taken for something else is as likely as any other.
const text = fc.oneof(fc.string(), fc.constantFrom('true', 'false', '42', '-1.5', '1e3', '007', '1.0', '"', '"42"', '"a', 'null', ' ', '日本語', ''), number.map(String), fc.string().map((value) => JSON.stringify(value)));

const valueOf = (operator: Operator): fc.Arbitrary<Scalar> => {
  switch (kindOf(operator)) {
    case 'any':
      return fc.oneof(text, number, fc.boolean());
    case 'number':
      return number;
    default:
      return text;
  }
};

export const anyCondition: fc.Arbitrary<Condition> = fc.constantFrom(...operators).chain((operator) =>
  fc.record({ attribute: fc.stringMatching(/^[a-z]{1,8}(\.[a-z]{1,8})?$/), values: fc.array(valueOf(operator), { maxLength: 5 }) }).map(({ attribute, values }) => {
    const condition: Condition = { operator };
    if (operator !== 'inSegment') condition.attribute = attribute;
    if (operator !== 'exists') condition.values = values;
    return condition;
  }),
);

export const anyGroup: fc.Arbitrary<ConditionGroup> = fc.letrec<{ group: ConditionGroup; node: Condition | ConditionGroup }>((tie) => ({
  group: fc.tuple(fc.constantFrom('all', 'any', 'none'), fc.array(tie('node'), { minLength: 1, maxLength: 3 })).map(([mode, nodes]) => ({ [mode]: nodes }) as ConditionGroup),
  node: fc.oneof({ maxDepth: 2, depthSize: 'small' }, anyCondition, tie('group')),
})).group;

export const variations = ['on', 'off', 'third'];

export const anyRule: fc.Arbitrary<Rule> = fc
  .record({
    id: fc.stringMatching(/^[a-z][a-z0-9-]{0,10}$/),
    description: fc.option(fc.string({ minLength: 1, maxLength: 20 }), { nil: undefined }),
    audience: fc.option(anyGroup, { nil: undefined }),
    split: fc.option(fc.uniqueArray(fc.constantFrom(...variations), { minLength: 1 }), { nil: undefined }),
    weights: fc.array(fc.nat({ max: 1000 }), { minLength: 3, maxLength: 3 }),
    variation: fc.constantFrom(...variations),
    startsAt: fc.option(fc.constant('2026-04-01T00:00:00.000Z'), { nil: undefined }),
  })
  .map(({ id, description, audience, split, weights, variation, startsAt }) => {
    const rule: Rule = { id };
    if (description !== undefined) rule.description = description;
    if (audience) rule.when = audience;
    else rule.everyone = true;
    if (split) rule.split = split.map((name, index) => ({ variation: name, weight: (weights[index] ?? 0) + 1 }));
    else rule.variation = variation;
    if (startsAt !== undefined) rule.startsAt = startsAt;
    return rule;
  });
