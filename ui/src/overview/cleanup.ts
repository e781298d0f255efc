// SPDX-License-Identifier: Apache-2.0
// Flags that have done their work, as far as their definitions tell.
import type { Flag } from '../api/types';

export type Reason = 'expired' | 'unused' | 'disabled' | 'everyone' | 'nobody';
// When flags were last asked for, or were in a bulk answer.
export type LastUse = ReadonlyMap<string, { lastEvaluatedAt?: string; lastInBulkAt?: string }>;
export type Candidate = { flag: Flag; reason: Reason };

// One variation for everybody for this long: the code can keep it and lose the flag.
export const SETTLED_MS = 30 * 86_400_000;

// Flags of web clients are never asked for by name: their answers in bulk count, then.
function unused(flag: Flag, last: LastUse, now: number): boolean {
  const use = last.get(flag.flagKey);
  const times = [flag.createdAt, use?.lastEvaluatedAt, flag.clientVisible ? use?.lastInBulkAt : undefined];
  return times.every((time) => time === undefined || now - Date.parse(time) >= SETTLED_MS);
}

// `last`: undefined where it is not known.
export function cleanupCandidates(flags: Flag[], last: LastUse | undefined, now = Date.now()): Candidate[] {
  const out: Candidate[] = [];
  for (const flag of flags) {
    if (flag.state === 'ARCHIVED') continue;
    if (flag.expiresAt && Date.parse(flag.expiresAt) <= now) {
      out.push({ flag, reason: 'expired' });
      continue;
    }
    if (last && unused(flag, last, now)) {
      out.push({ flag, reason: 'unused' });
      continue;
    }
    if (now - Date.parse(flag.updatedAt) < SETTLED_MS) continue;
    if (flag.state === 'DISABLED') out.push({ flag, reason: 'disabled' });
    else if ((flag.targetingRules?.length ?? 0) === 0 && !flag.targeting && (flag.prerequisites?.length ?? 0) === 0) {
      const everyone = flag.defaultEnabled && (flag.rolloutPercentage === undefined || flag.rolloutPercentage === 100);
      const nobody = !flag.defaultEnabled || flag.rolloutPercentage === 0;
      if (everyone) out.push({ flag, reason: 'everyone' });
      else if (nobody) out.push({ flag, reason: 'nobody' });
    }
  }
  return out;
}
