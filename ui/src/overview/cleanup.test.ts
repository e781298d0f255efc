// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import type { Flag } from '../api/types';
import { cleanupCandidates, SETTLED_MS } from './cleanup';

const NOW = Date.parse('2026-11-23T12:00:00Z');
const ago = (ms: number) => new Date(NOW - ms).toISOString();
const flag = (more: Partial<Flag>): Flag => ({ flagKey: 'f', state: 'ENABLED', defaultEnabled: true, createdAt: ago(2 * SETTLED_MS), updatedAt: ago(1000), ...more }) as Flag;
const reasons = (one: Flag, last?: Parameters<typeof cleanupCandidates>[1]) => cleanupCandidates([one], last, NOW).map(({ reason }) => reason);

describe('flags to clean up', () => {
  test('nobody has asked for them for 30 days', () => {
    expect(reasons(flag({}), new Map())).toEqual(['unused']);
    expect(reasons(flag({}), new Map([['f', { lastEvaluatedAt: ago(SETTLED_MS) }]]))).toEqual(['unused']);
    expect(reasons(flag({}), new Map([['f', { lastEvaluatedAt: ago(SETTLED_MS - 1) }]]))).toEqual([]);
  });
  test('not those that are new, archived, or of which nothing is known', () => {
    expect(reasons(flag({ createdAt: ago(1000) }), new Map())).toEqual([]);
    expect(reasons(flag({ state: 'ARCHIVED' }), new Map())).toEqual([]);
    expect(reasons(flag({}), undefined)).toEqual([]);
  });
  test('bulk answers count for web clients only', () => {
    const bulk = new Map([['f', { lastInBulkAt: ago(1000) }]]);
    expect(reasons(flag({}), bulk)).toEqual(['unused']);
    expect(reasons(flag({ clientVisible: true }), bulk)).toEqual([]);
  });
  test('those that are the same for everybody', () => {
    const used = new Map([['f', { lastEvaluatedAt: ago(1000) }]]);
    const old = { updatedAt: ago(SETTLED_MS) };
    expect(reasons(flag(old), used)).toEqual(['everyone']);
    expect(reasons(flag({ ...old, defaultEnabled: false }), used)).toEqual(['nobody']);
    expect(reasons(flag({ ...old, rolloutPercentage: 20 }), used)).toEqual([]);
    expect(reasons(flag({ ...old, state: 'DISABLED' }), used)).toEqual(['disabled']);
    expect(reasons(flag({ expiresAt: ago(1) }), used)).toEqual(['expired']);
  });
});
