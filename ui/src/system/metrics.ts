// SPDX-License-Identifier: Apache-2.0
// What the UI reads of the server's metrics (Prometheus text format).
import { queryOptions } from '@tanstack/react-query';
import { ask, client } from '../api/client';

export type Sample = { name: string; labels: Record<string, string>; value: number };

export function parseMetrics(text: string): Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split('\n')) {
    const found = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line);
    if (!found || line.startsWith('#')) continue;
    const labels: Record<string, string> = {};
    for (const [, name = '', value = ''] of (found[2] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) labels[name] = value;
    samples.push({ name: found[1] ?? '', labels, value: Number(found[3]) });
  }
  return samples;
}

export const sum = (samples: Sample[], name: string, fits: (labels: Sample['labels']) => boolean = () => true) =>
  samples.filter((sample) => sample.name === name && fits(sample.labels)).reduce((total, { value }) => total + value, 0);

// A quantile of a histogram with cumulative buckets, in the unit of its bounds; undefined where nothing was counted.
export function quantile(samples: Sample[], name: string, q: number): number | undefined {
  const counts = new Map<number, number>();
  for (const sample of samples) {
    if (sample.name !== `${name}_bucket`) continue;
    const bound = sample.labels.le === '+Inf' ? Infinity : Number(sample.labels.le);
    counts.set(bound, (counts.get(bound) ?? 0) + sample.value);
  }
  const bounds = [...counts].sort(([a], [b]) => a - b);
  const total = bounds.at(-1)?.[1] ?? 0;
  if (total === 0) return undefined;
  let low = 0;
  let below = 0;
  for (const [bound, count] of bounds) {
    if (count >= q * total) return bound === Infinity ? low : low + (bound - low) * ((q * total - below) / Math.max(1, count - below));
    low = bound;
    below = count;
  }
  return low;
}

export type Measured = { at: number; samples: Sample[] };

export const metricsQuery = queryOptions({
  queryKey: ['metrics'],
  queryFn: async ({ signal }): Promise<Measured> => ({ at: Date.now(), samples: parseMetrics((await ask(client.GET('/metrics', { parseAs: 'text', signal }))) as string) }),
});
