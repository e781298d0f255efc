// SPDX-License-Identifier: Apache-2.0
// Asks flagd-core and the engine (through the program flagd_twin) the same questions.
import { spawnSync } from 'node:child_process';
import { FlagdCore } from '@openfeature/flagd-core';

export const NOW = '2026-11-22T12:00:00.000Z';
const SILENT = { error() {}, warn() {}, info() {}, debug() {} };

// $flagd.timestamp must be the same on both sides.
Date.now = () => Date.parse(NOW);

// [variation or null, reason, error code or ""] for each context.
export function answersOfFlagd({ key, flag, evaluators }, contexts) {
  const core = new FlagdCore(undefined, SILENT);
  core.setConfigurations(JSON.stringify({ flags: { [key]: flag }, $evaluators: evaluators }));
  return contexts.map((context) => {
    const answer = core.getFlag(key).evaluate(structuredClone(context), SILENT);
    return [answer.value === undefined ? null : answer.variant, answer.reason, answer.errorCode ?? ''];
  });
}

// The variation, or null, that a document's flag serves to each context.
export function answersOfDocument(document, key, contexts) {
  const core = new FlagdCore(undefined, SILENT);
  core.setConfigurations(JSON.stringify(document));
  const flag = core.getFlag(key);
  return contexts.map((context) => {
    if (flag.state === 'DISABLED') return null;
    const answer = flag.evaluate(structuredClone(context), SILENT);
    return answer.value === undefined ? null : answer.variant;
  });
}

// The same of our engine, for many definitions at once: one list of answers each, or a text where it refused to read.
export function answersOfEngine(cases, mode = []) {
  const input = cases.map((one) => JSON.stringify({ now: NOW, ...one })).join('\n');
  const run = spawnSync(process.env.GUIDON_FLAGD_TWIN, mode, { input, encoding: 'utf8', maxBuffer: 1 << 30 });
  if (run.status !== 0) throw new Error(`flagd_twin: status ${run.status} ${run.signal ?? ''} ${run.stderr}`);
  return run.stdout.trimEnd().split('\n').map((line) => JSON.parse(line));
}

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

// The contexts of one case on which the two disagree.
export function differences({ contexts, ...definition }, engine) {
  const flagd = answersOfFlagd(definition, contexts);
  if (!Array.isArray(engine)) return [{ context: contexts[0], flagd: flagd[0], engine }];
  return contexts
    .map((context, index) => ({ context, flagd: flagd[index], engine: engine[index] }))
    .filter((one) => !same(one.flagd, one.engine));
}

// Every value that is like `value` but simpler in one place.
function* simpler(value) {
  if (value === null || typeof value !== 'object') {
    if (typeof value === 'string' && value.length > 1) yield 'x';
    return;
  }
  for (const child of Array.isArray(value) ? value : Object.values(value)) yield child;
  yield null;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; ++index) {
      yield value.toSpliced(index, 1);
      for (const one of simpler(value[index])) yield value.with(index, one);
    }
    return;
  }
  for (const [name, child] of Object.entries(value)) {
    for (const one of simpler(child)) yield { ...value, [name]: one };
  }
}
function* withoutOne(context) {
  for (const name of Object.keys(context)) {
    const { [name]: dropped, ...rest } = context;
    yield rest;
  }
}

// The smallest case found that still differs.
export function shrink(definition, context) {
  const differs = (candidates) => {
    const engine = answersOfEngine(candidates);
    return candidates.findIndex((one, index) => differences(one, engine[index]).length > 0);
  };
  let best = { ...definition, contexts: [context] };
  for (let round = 0; round < 60; ++round) {
    const candidates = [
      ...[...simpler(best.flag.targeting)]
        .filter((one) => one !== null && typeof one === 'object' && !Array.isArray(one))
        .map((targeting) => ({ ...best, flag: { ...best.flag, targeting } })),
      ...[...withoutOne(best.contexts[0])].map((one) => ({ ...best, contexts: [one] })),
    ];
    const found = candidates.length > 0 ? differs(candidates) : -1;
    if (found < 0) break;
    best = candidates[found];
  }
  return best;
}

export function describeDifference(one) {
  const [engine] = answersOfEngine([one]);
  const [difference] = differences(one, engine);
  return JSON.stringify({ targeting: one.flag.targeting, defaultVariant: one.flag.defaultVariant, evaluators: one.evaluators, ...difference });
}
