// SPDX-License-Identifier: Apache-2.0
// From the server's periods (those without an evaluation are left out) to the bars of a chart.
import type { FlagUsage } from '../api/types';

export const RANGES = {
  day: { hours: 24, by: 'hour' },
  week: { hours: 7 * 24, by: 'hour' },
  month: { hours: 30 * 24, by: 'day' },
  quarter: { hours: 90 * 24, by: 'day' },
} as const;
export type Range = keyof typeof RANGES;

export const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export type Bar = { from: string; parts: { variation: string; count: number }[]; total: number };

// The beginning of a range that ends now: full hours or days, the one that runs included.
export function beginningOf(range: Range, now: number): string {
  const { hours, by } = RANGES[range];
  const step = by === 'hour' ? HOUR_MS : DAY_MS;
  const count = by === 'hour' ? hours : hours / 24;
  return new Date(Math.floor(now / step) * step - (count - 1) * step).toISOString();
}

const sum = ({ evaluations, bulk }: { evaluations: number; bulk: number }, withBulk: boolean) => evaluations + (withBulk ? bulk : 0);

// One bar for each period, empty ones too; `''` is the caller's own default.
export function barsOf(usage: FlagUsage, withBulk: boolean): Bar[] {
  const step = usage.by === 'hour' ? HOUR_MS : DAY_MS;
  const known = new Map(usage.periods.map((period) => [Date.parse(period.from), period.variations]));
  const bars: Bar[] = [];
  const first = Math.floor(Date.parse(usage.from) / step) * step;
  for (let at = first; at < Date.parse(usage.to); at += step) {
    const parts = (known.get(at) ?? [])
      .map((one) => ({ variation: one.variation ?? '', count: sum(one, withBulk) }))
      .filter(({ count }) => count > 0);
    bars.push({ from: new Date(at).toISOString(), parts, total: parts.reduce((total, { count }) => total + count, 0) });
  }
  return bars;
}
