// SPDX-License-Identifier: Apache-2.0
// Random definitions of ours, exported: flagd-core serves the variation that the engine serves, bucketing included.
// GUIDON_FLAGD_PAIRS and GUIDON_FLAGD_SEED: more pairs, others.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { customer, environment } from './export_generator.mjs';
import { random } from './generator.mjs';
import { answersOfDocument, answersOfEngine } from './twin.mjs';

const PAIRS = Number(process.env.GUIDON_FLAGD_PAIRS ?? 120_000);
const SEED = Number(process.env.GUIDON_FLAGD_SEED ?? 20261122);
const CONTEXTS = 12;
const BATCH = 300;
const SHOWN = 5;

test(`${PAIRS} pairs of exported flag and context`, () => {
  const found = [];
  const counts = { pairs: 0, leftOut: 0, withoutKey: 0, killedThoughDisabled: 0, served: 0 };
  for (let number = 0; counts.pairs < PAIRS && found.length < SHOWN; ) {
    const cases = Array.from({ length: BATCH }, () => {
      const rng = random(SEED + number++);
      return { ...environment(rng), contexts: Array.from({ length: CONTEXTS }, () => customer(rng)) };
    });
    const results = answersOfEngine(cases, ['export']);
    cases.forEach((one, index) => {
      const { document, answers, notes } = results[index];
      assert.ok(document, `case ${index}: ${JSON.stringify(results[index])} ${JSON.stringify(one)}`);
      for (const { flagKey } of one.flags) {
        if (document.flags[flagKey] === undefined) {
          assert.ok(notes.some(([key, text]) => key === flagKey && text.startsWith('Left out')), `${flagKey} is gone without a word`);
          counts.leftOut += 1;
          continue;
        }
        const flagd = answersOfDocument(document, flagKey, one.contexts);
        one.contexts.forEach((context, at) => {
          const [engine, reason, error] = answers[flagKey][at];
          // What the notes of the export say is different.
          if (error === 'TARGETING_KEY_MISSING') {
            counts.withoutKey += 1;
            return;
          }
          if (document.flags[flagKey].state === 'DISABLED' && reason === 'DISABLED' && engine !== null) {
            counts.killedThoughDisabled += 1;
            return;
          }
          counts.pairs += 1;
          counts.served += engine === null ? 0 : 1;
          if (flagd[at] !== engine && found.length < SHOWN)
            found.push(JSON.stringify({ context, engine: answers[flagKey][at], flagd: flagd[at], flag: one.flags.find((flag) => flag.flagKey === flagKey), targeting: document.flags[flagKey] }));
        });
      }
    });
  }
  console.log(counts);
  assert.deepEqual(found, []);
  assert.ok(counts.served > PAIRS / 2, 'too few variations');
  assert.ok(counts.leftOut < PAIRS / 50, 'too many flags were left out');
});
