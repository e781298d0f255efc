// SPDX-License-Identifier: Apache-2.0
// Random flagd expressions and contexts: the engine and flagd-core give the same variation, reason and error code.
// GUIDON_FLAGD_PAIRS and GUIDON_FLAGD_SEED: more pairs, others.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { context, definition, random } from './generator.mjs';
import { answersOfEngine, describeDifference, differences, shrink } from './twin.mjs';

const PAIRS = Number(process.env.GUIDON_FLAGD_PAIRS ?? 120_000);
const SEED = Number(process.env.GUIDON_FLAGD_SEED ?? 20261122);
const CONTEXTS = 10;
const BATCH = 500;
const SHOWN = 10;

test(`${PAIRS} pairs of expression and context`, () => {
  const found = [];
  const outcomes = new Map();
  let pairs = 0;
  for (let number = 0; pairs < PAIRS && found.length < SHOWN; ) {
    const cases = Array.from({ length: BATCH }, () => {
      const rng = random(SEED + number);
      const made = definition(rng, number++);
      return { ...made, contexts: Array.from({ length: CONTEXTS }, () => context(rng)) };
    });
    const answers = answersOfEngine(cases);
    cases.forEach((one, index) => {
      pairs += one.contexts.length;
      const differing = differences(one, answers[index]);
      if (differing.length > 0 && found.length < SHOWN) found.push(shrink(one, differing[0].context));
      for (const answer of answers[index]) {
        const kind = `${answer[1]} ${answer[2]}`.trim();
        outcomes.set(kind, (outcomes.get(kind) ?? 0) + 1);
      }
    });
  }
  console.log(`${pairs} pairs:`, Object.fromEntries(outcomes));
  assert.deepEqual(found.map(describeDifference), []);
  // A twin whose answers were all errors would agree about nothing.
  assert.ok(outcomes.get('TARGETING_MATCH') > PAIRS / 10, 'too few matches');
  assert.ok(outcomes.get('DEFAULT') > PAIRS / 20, 'too few defaults');
});
