// SPDX-License-Identifier: Apache-2.0
// Where the engine differs from flagd-core on purpose (docs/reference/flagd.md): each difference, as data, is still one.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { answersOfEngine, answersOfFlagd } from './twin.mjs';

const VARIANTS = { on: 1, off: 0, a: 2, b: 3, truea: 4, nothing: 5 };
const cases = JSON.parse(readFileSync(new URL('differences.json', import.meta.url), 'utf8'));

for (const one of cases) {
  test(one.name, () => {
    const variants = Object.fromEntries(Object.keys(VARIANTS).map((name) => [name, `value of ${name}`]));
    const definition = { key: 'flag', flag: { state: 'ENABLED', variants, defaultVariant: 'nothing', targeting: one.targeting }, evaluators: one.evaluators ?? {} };
    const [engine] = answersOfEngine([{ ...definition, contexts: [one.context] }]);
    const flagd = answersOfFlagd(definition, [one.context]);
    assert.deepEqual({ flagd: flagd[0], engine: engine[0] }, { flagd: one.flagd, engine: one.engine });
    assert.notDeepEqual(one.flagd, one.engine);
  });
}
