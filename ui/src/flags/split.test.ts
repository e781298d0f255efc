// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WHOLE, evenly, partsOf, percentText, sharesOf, withBorder, withShare } from './split';

const total = (shares: number[]) => shares.reduce((sum, share) => sum + share, 0);
const weights = fc.array(fc.nat({ max: 2 ** 31 - 1 }), { minLength: 1, maxLength: 12 });
const shares = weights.map(sharesOf);

const isWhole = (list: number[]) => {
  expect(total(list)).toBe(WHOLE);
  for (const share of list) expect(Number.isInteger(share) && share >= 0).toBe(true);
};

describe('shares', () => {
  it('add up to the whole whatever the weights are', () => {
    fc.assert(fc.property(weights, (list) => isWhole(sharesOf(list))));
  });

  it('stay what they are when saved and read again', () => {
    fc.assert(fc.property(shares, (list) => {
      expect(sharesOf(list)).toEqual(list);
    }));
  });

  it('give a share exactly what was asked for, and the rest to the others', () => {
    fc.assert(
      fc.property(shares, fc.nat(), fc.integer({ min: -5_000, max: 105_000 }), (list, at, wanted) => {
        const index = at % list.length;
        const next = withShare(list, index, wanted);
        isWhole(next);
        if (list.length > 1) expect(next[index]).toBe(Math.min(WHOLE, Math.max(0, wanted)));
      }),
    );
  });

  it('move a border between two and leave the others alone', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 1000 }), { minLength: 2, maxLength: 8 }).map(sharesOf), fc.nat(), fc.integer({ min: -1_000, max: 101_000 }), (list, at, position) => {
        const index = at % (list.length - 1);
        const next = withBorder(list, index, position);
        isWhole(next);
        expect(next.filter((_, place) => place !== index && place !== index + 1)).toEqual(list.filter((_, place) => place !== index && place !== index + 1));
      }),
    );
  });

  it('are known for what people use', () => {
    expect(sharesOf([80, 15, 5])).toEqual([80_000, 15_000, 5_000]);
    expect(evenly(3)).toEqual([33_334, 33_333, 33_333]);
    expect(withShare([50_000, 30_000, 20_000], 0, 75_000)).toEqual([75_000, 15_000, 10_000]);
    expect(withShare([100_000, 0], 0, 90_000)).toEqual([90_000, 10_000]);
    expect(withBorder([50_000, 30_000, 20_000], 1, 60_000)).toEqual([50_000, 10_000, 40_000]);
    expect(sharesOf([0, 0])).toEqual([WHOLE, 0]);
    expect(percentText(33_333)).toBe('33.333');
    expect(partsOf([{ variation: 'a', weight: 1 }], [WHOLE])).toEqual([{ variation: 'a', weight: WHOLE }]);
  });
});
