// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import type { FlagUsage } from '../api/types';
import { barsOf, beginningOf } from './usageSeries';

const usage = (by: 'hour' | 'day', from: string, to: string, periods: FlagUsage['periods']): FlagUsage => ({
  environment: 'production', flagKey: 'f', from, to, by, total: { evaluations: 0, bulk: 0 }, variations: [], tenants: [], periods,
});

describe('the bars of a usage chart', () => {
  test('there is one for each hour, empty ones too', () => {
    const bars = barsOf(
      usage('hour', '2026-11-23T10:00:00.000Z', '2026-11-23T13:20:00.000Z', [
        { from: '2026-11-23T11:00:00.000Z', variations: [{ variation: 'off', evaluations: 1, bulk: 0 }, { variation: 'on', evaluations: 2, bulk: 5 }, { evaluations: 0, bulk: 3 }] },
      ]),
      false,
    );
    expect(bars.map(({ total }) => total)).toEqual([0, 3, 0, 0]);
    expect(bars[1]?.parts).toEqual([{ variation: 'off', count: 1 }, { variation: 'on', count: 2 }]);
    expect(bars[3]?.from).toBe('2026-11-23T13:00:00.000Z');
  });

  test('answers for all flags are added on demand', () => {
    const document = usage('day', '2026-11-22T00:00:00.000Z', '2026-11-23T00:00:01.000Z', [
      { from: '2026-11-22T00:00:00.000Z', variations: [{ variation: 'on', evaluations: 2, bulk: 5 }, { evaluations: 0, bulk: 3 }] },
    ]);
    expect(barsOf(document, false).map(({ total }) => total)).toEqual([2, 0]);
    expect(barsOf(document, true)[0]).toEqual({ from: '2026-11-22T00:00:00.000Z', total: 10, parts: [{ variation: 'on', count: 7 }, { variation: '', count: 3 }] });
  });

  test('a range holds whole hours or days, the one that runs included', () => {
    const now = Date.parse('2026-11-23T15:36:12.345Z');
    expect(beginningOf('day', now)).toBe('2026-11-22T16:00:00.000Z');
    expect(beginningOf('week', now)).toBe('2026-11-16T16:00:00.000Z');
    expect(beginningOf('month', now)).toBe('2026-10-25T00:00:00.000Z');
    expect(beginningOf('quarter', now)).toBe('2026-08-26T00:00:00.000Z');
  });
});
