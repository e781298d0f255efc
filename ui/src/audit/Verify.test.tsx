// SPDX-License-Identifier: Apache-2.0
import { screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { AuditVerification } from '../api/types';
import { show } from '../test/render';
import { Verify, percentOf } from './Verify';

const RANGE = { from: '2026-11-01T00:00:00.000Z', to: '2026-11-22T00:00:00.000Z' };
const whole: AuditVerification = {
  ...RANGE,
  checkedTo: RANGE.to,
  toEnd: true,
  chains: [
    { environment: 'production', kind: 'changes', state: 'ok', entries: 1200, unchained: 3, problems: 0, first: { sequence: 5, at: RANGE.from }, last: { sequence: 1204, at: RANGE.to }, head: { sequence: 1204, hash: 'x' } },
    { kind: 'changes', state: 'ok', entries: 0, unchained: 0, problems: 0, head: { sequence: 0 } },
  ],
  problems: [],
};

// Answers one request after the other; what was asked for is kept.
function answers(...replies: (AuditVerification | { status: number })[]) {
  const asked: URL[] = [];
  vi.stubGlobal('fetch', async (request: Request) => {
    asked.push(new URL(request.url));
    const reply = replies[asked.length - 1];
    if (!reply) return new Promise<Response>(() => {});
    if ('status' in reply) return new Response(JSON.stringify({ code: 'UNAVAILABLE', detail: 'no store' }), { status: reply.status, headers: { 'Content-Type': 'application/problem+json' } });
    return new Response(JSON.stringify(reply), { headers: { 'Content-Type': 'application/json' } });
  });
  return asked;
}
afterEach(() => vi.unstubAllGlobals());

describe('verifying the audit log', () => {
  it('says what is intact, with the numbers of each chain', async () => {
    const asked = answers(whole);
    show(<Verify range={{ environment: 'production', from: '2026-11-01' }} onClose={() => {}} />);
    expect((await screen.findByRole('alert')).textContent).toContain('Nothing was changed, removed or added: 1200 entries checked.');
    const [production, system] = screen.getAllByRole('listitem');
    expect(production?.textContent).toMatch(/intact.*production.*1200 entries.*3 from before the chain.*changes 5 to 1204/);
    expect(system?.textContent).toMatch(/intact.*Tenants and keys.*0 entries/);
    expect(asked[0]?.searchParams.get('environment')).toBe('production');
    expect(asked[0]?.searchParams.get('from')).toBe('2026-11-01');
    expect(asked[0]?.searchParams.has('to')).toBe(false);
  });

  it('goes on portion by portion and shows how far it is', async () => {
    const half = { ...whole, checkedTo: '2026-11-11T12:00:00.000Z', nextCursor: 'next' };
    const asked = answers(half);
    show(<Verify range={{}} onClose={() => {}} />);
    expect((await screen.findByText('1200 entries checked so far')).textContent).toBeTruthy();
    expect(screen.getByRole('progressbar').getAttribute('aria-valuenow')).toBe('50');
    expect(screen.queryByRole('alert')).toBeNull();
    expect(asked[1]?.searchParams.get('cursor')).toBe('next');
  });

  it('names each problem of every portion, and what to do', async () => {
    const first: AuditVerification = { ...whole, nextCursor: 'next', problems: [{ environment: 'production', kind: 'changed', first: 7, last: 7, at: RANGE.from, requestId: 'r-7', message: 'm' }] };
    const broken = { ...whole.chains[0]!, state: 'broken' as const, problems: 2 };
    const second: AuditVerification = { ...whole, chains: [broken], problems: [{ environment: 'production', kind: 'missing', first: 9, last: 12, message: 'm' }], problemsLeftOut: 40 };
    answers(first, second);
    show(<Verify range={{}} onClose={() => {}} />, 'ja');
    const alert = await screen.findByRole('alert');
    expect(alert.textContent).toContain('監査ログの連鎖が壊れています');
    const lists = screen.getAllByRole('list');
    expect(within(lists[0]!).getByText('破損')).toBeTruthy();
    const problems = within(lists[1]!).getAllByRole('listitem');
    expect(problems[0]?.textContent).toMatch(/記録が改変されています.*変更 7.*r-7/);
    expect(problems[1]?.textContent).toMatch(/記録が欠けています.*変更 9–12/);
    expect(screen.getByText(/ほか 40 件/)).toBeTruthy();
  });

  it('does not call entries of before the chain intact', async () => {
    answers({ ...whole, chains: [{ ...whole.chains[0]!, state: 'unchained', unchained: 1200 }] });
    show(<Verify range={{}} onClose={() => {}} />);
    expect((await screen.findByRole('alert')).textContent).toContain('Some entries prove nothing');
  });

  it('says why it could not, and tries again', async () => {
    answers({ status: 503 }, whole);
    show(<Verify range={{}} onClose={() => {}} />);
    await userEvent.click(await screen.findByRole('button', { name: 'Try again' }));
    expect(await screen.findByText(/Nothing was changed/)).toBeTruthy();
  });

  it('knows how far a run is, also without a length', () => {
    expect(percentOf({ ...RANGE, checkedTo: RANGE.from })).toBe(0);
    expect(percentOf({ ...RANGE, checkedTo: '2030-01-01T00:00:00Z' })).toBe(100);
    expect(percentOf({ from: RANGE.to, to: RANGE.to, checkedTo: RANGE.to })).toBe(100);
  });
});
