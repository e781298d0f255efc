// SPDX-License-Identifier: Apache-2.0
// Shares of a split in thousandths of a percent, the finest step of bucketing: they always add up to the whole.
import type { WeightedVariation } from '../api/types';

export const WHOLE = 100_000;

// Weights as shares that add up to WHOLE: the largest remainders get what rounding leaves.
export function sharesOf(weights: number[]): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (weights.length === 0) return [];
  if (total <= 0) return weights.map((_, index) => (index === 0 ? WHOLE : 0));
  const exact = weights.map((weight) => (weight / total) * WHOLE);
  const shares = exact.map(Math.floor);
  let left = WHOLE - shares.reduce((sum, share) => sum + share, 0);
  const order = exact.map((value, index) => ({ index, rest: value - Math.floor(value) })).sort((a, b) => b.rest - a.rest || a.index - b.index);
  for (const { index } of order) {
    if (left <= 0) break;
    shares[index] = (shares[index] ?? 0) + 1;
    --left;
  }
  return shares;
}

// Sets one share; the others give or take in proportion to what they have.
export function withShare(shares: number[], index: number, wanted: number): number[] {
  if (shares.length <= 1) return shares.map(() => WHOLE);
  const value = Math.min(WHOLE, Math.max(0, Math.round(wanted)));
  const others = shares.filter((_, at) => at !== index);
  const rest = WHOLE - value;
  const total = others.reduce((sum, share) => sum + share, 0);
  // Nobody else has anything: all the same.
  const scaled = total > 0 ? others : others.map(() => 1);
  const scaledTotal = scaled.reduce((sum, share) => sum + share, 0);
  const given = sharesOf(scaled).map((_, at) => Math.floor(((scaled[at] ?? 0) / scaledTotal) * rest));
  let left = rest - given.reduce((sum, share) => sum + share, 0);
  for (let at = 0; left > 0; at = (at + 1) % given.length) {
    if (total === 0 || (others[at] ?? 0) > 0) {
      given[at] = (given[at] ?? 0) + 1;
      --left;
    }
  }
  return [...given.slice(0, index), value, ...given.slice(index)];
}

// Moves the border after `index`: its two neighbours share what they have, the others keep theirs.
export function withBorder(shares: number[], index: number, position: number): number[] {
  const before = shares.slice(0, index).reduce((sum, share) => sum + share, 0);
  const both = (shares[index] ?? 0) + (shares[index + 1] ?? 0);
  const left = Math.min(both, Math.max(0, Math.round(position) - before));
  return shares.map((share, at) => (at === index ? left : at === index + 1 ? both - left : share));
}

export function partsOf(split: WeightedVariation[], shares: number[]): WeightedVariation[] {
  return split.map((part, index) => ({ ...part, weight: shares[index] ?? 0 }));
}

export function evenly(count: number): number[] {
  return sharesOf(Array.from({ length: count }, () => 1));
}

// "33.333" without zeros that say nothing.
export function percentText(share: number): string {
  return String(share / 1000);
}
