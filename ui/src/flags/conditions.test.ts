// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Condition } from '../api/types';
import { anyCondition, anyGroup } from '../test/arbitrary';
import { groupOf, isGroup, kindOf, modeOf, nodesOf, problemOf, textOfValue, valueOfText, withOperator } from './conditions';

// What the builder shows for a condition, read back as it would be typed.
const shownAndTyped = (condition: Condition): Condition =>
  condition.values ? { ...condition, values: condition.values.map((value) => valueOfText(textOfValue(value, condition.operator), condition.operator)) } : condition;

describe('conditions', () => {
  it('come back as they were shown', () => {
    fc.assert(fc.property(anyCondition, (condition) => {
      expect(shownAndTyped(condition)).toEqual(condition);
    }), { numRuns: 500 });
  });

  it('keep text and numbers that look alike apart', () => {
    expect(valueOfText('42', 'in')).toBe(42);
    expect(valueOfText('"42"', 'in')).toBe('42');
    expect(textOfValue('42', 'in')).toBe('"42"');
    expect(valueOfText('007', 'in')).toBe('007');
    expect(valueOfText('true', 'in')).toBe(true);
    expect(valueOfText('2.40', 'semverGte')).toBe('2.40');
    expect(valueOfText('42', 'contains')).toBe('42');
  });

  it('keep their tree when taken apart and put together', () => {
    fc.assert(
      fc.property(anyGroup, (group) => {
        const again = (node: typeof group): typeof group => groupOf(modeOf(node), nodesOf(node).map((child) => (isGroup(child) ? again(child) : child)));
        expect(again(group)).toEqual(group);
      }),
    );
  });

  it('have only values that the operator can compare after it was changed', () => {
    fc.assert(
      fc.property(anyCondition, anyCondition, (condition, { operator }) => {
        const next = withOperator(condition, operator);
        expect(next.operator).toBe(operator);
        expect('values' in next).toBe(kindOf(operator) !== 'none');
        expect('attribute' in next).toBe(kindOf(operator) !== 'segment');
        if (kindOf(operator) === kindOf(condition.operator)) expect(next.values).toEqual(condition.values);
        else for (const value of next.values ?? []) expect(problemOf(value, operator)).toBeUndefined();
      }),
    );
  });

  it('say what is wrong with a value', () => {
    expect(problemOf('abc', 'lt')).toBe('number');
    expect(problemOf('tomorrow', 'before')).toBe('time');
    expect(problemOf('2026-04-01T00:00:00Z', 'before')).toBeUndefined();
    expect(problemOf('two', 'semverEq')).toBe('version');
    expect(problemOf('10.0.0.0/8', 'inCidr')).toBeUndefined();
    expect(problemOf('ten', 'inCidr')).toBe('network');
  });
});
