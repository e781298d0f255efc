// SPDX-License-Identifier: Apache-2.0
// Evaluates the same flags for the same context in the engines of others, in this process, without network, and writes
// nanoseconds per evaluation as JSON to standard output: node peers.mjs eval_cases.json
import { readFileSync } from "node:fs";
import { FlagdCore } from "@openfeature/flagd-core";
import { GrowthBookClient } from "@growthbook/growthbook";
import { Unleash } from "unleash-client";
import * as launchdarkly from "@launchdarkly/node-server-sdk";
import { TestData } from "@launchdarkly/node-server-sdk/integrations";

const WARM_UP_MS = 300;
const ROUND_MS = 300;
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);
const BATCH = 200;
const RULES = 10;

const cases = JSON.parse(readFileSync(process.argv[2], "utf8"));
const { targetingKey, tenantId, ...attributes } = cases.context;
const tenants = cases.overrides.override;
const silent = { error() {}, warn() {}, info() {}, debug() {} };
const NAMES = ["static", "override", "rule_rollout", "ten_rules"];
// What everybody must answer; of a rollout each engine chooses its own fifth.
const EXPECTED = { static: true, override: false, ten_rules: false };

const numbers = [...Array(RULES).keys()];

function flagd() {
  const variants = { on: true, off: false };
  const flag = (targeting, defaultVariant = "on") => ({ state: "ENABLED", variants, defaultVariant, ...(targeting && { targeting }) });
  const rollout = { fractional: [["on", 20], ["off", 80]] };
  const core = new FlagdCore(undefined, silent);
  core.setConfigurations(JSON.stringify({ flags: {
    static: flag(),
    override: flag({ if: [{ in: [{ var: "tenantId" }, tenants] }, "off", "on"] }),
    rule_rollout: flag({ if: [
      { and: [{ in: [{ var: "plan" }, ["pro", "enterprise"]] }, { ">=": [{ var: "seats" }, 100] }] }, "on", rollout] }),
    ten_rules: flag({ if: [...numbers.flatMap((i) => [{ and: [
      { in: [{ var: "country" }, ["DE", "FR", "JP"]] }, { in: [{ var: "plan" }, ["pro", "enterprise"]] },
      { ">=": [{ var: "seats" }, i] }, { "<": [{ var: "age" }, 100 - i] },
      { ends_with: [{ var: "email" }, `@customer-${i}.com`] }] }, "on"]), "off"] }, "off"),
  } }));
  const context = { targetingKey, tenantId, ...attributes };
  return { evaluate: (name) => core.resolveBooleanEvaluation(name, false, context, silent).value, close() {} };
}

function growthbook() {
  const client = new GrowthBookClient().initSync({ payload: { features: {
    static: { defaultValue: true },
    override: { defaultValue: true, rules: [{ condition: { tenantId: { $in: tenants } }, force: false }] },
    rule_rollout: { defaultValue: false, rules: [
      { condition: { plan: { $in: ["pro", "enterprise"] }, seats: { $gte: 100 } }, force: true },
      { force: true, coverage: 0.2, hashAttribute: "id" }] },
    ten_rules: { defaultValue: false, rules: numbers.map((i) => ({ force: true, condition: {
      country: { $in: ["DE", "FR", "JP"] }, plan: { $in: ["pro", "enterprise"] }, seats: { $gte: i }, age: { $lt: 100 - i },
      email: { $regex: `@customer-${i}\\.com$` } } })) },
  } } });
  const user = { attributes: { id: targetingKey, tenantId, ...attributes } };
  return { evaluate: (name) => client.isOn(name, user), close: () => client.destroy() };
}

async function unleash() {
  const constraint = (contextName, operator, values) => Array.isArray(values)
    ? { contextName, operator, values } : { contextName, operator, value: String(values) };
  const rollout = (percentage, constraints) => ({ name: "flexibleRollout", constraints,
    parameters: { rollout: String(percentage), stickiness: "userId", groupId: "bench" } });
  const feature = (name, strategies) => ({ name, type: "release", enabled: true, strategies, variants: [] });
  const client = new Unleash({ url: "http://127.0.0.1:9/", appName: "bench", refreshInterval: 0, disableMetrics: true,
    skipInstanceCountWarning: true, disableAutoStart: true, bootstrap: { data: [
      feature("static", [rollout(100, [])]),
      feature("override", [rollout(100, [constraint("tenantId", "NOT_IN", tenants)])]),
      feature("rule_rollout", [
        rollout(100, [constraint("plan", "IN", ["pro", "enterprise"]), constraint("seats", "NUM_GTE", 100)]), rollout(20, [])]),
      feature("ten_rules", numbers.map((i) => rollout(100, [
        constraint("country", "IN", ["DE", "FR", "JP"]), constraint("plan", "IN", ["pro", "enterprise"]),
        constraint("seats", "NUM_GTE", i), constraint("age", "NUM_LT", 100 - i),
        constraint("email", "STR_ENDS_WITH", [`@customer-${i}.com`])]))),
    ] } });
  client.on("error", () => {});
  client.on("warn", () => {});
  // Nothing listens at the URL: the flags come from the bootstrap.
  await new Promise((resolve) => { client.on("ready", resolve); client.start(); });
  const context = { userId: targetingKey, properties: Object.fromEntries(
    Object.entries({ tenantId, ...attributes }).map(([name, value]) => [name, String(value)])) };
  return { evaluate: (name) => client.isEnabled(name, context), close: () => client.destroy() };
}

async function launchDarkly() {
  const data = new TestData();
  const clause = (attribute, op, values) => ({ attribute, op, values, negate: false, contextKind: "user" });
  const flag = (key, rules, fallthrough) => data.usePreconfiguredFlag({ key, on: true, version: 1, variations: [true, false],
    offVariation: 1, fallthrough, rules, salt: key, prerequisites: [], targets: [], contextTargets: [] });
  const fifth = { rollout: { contextKind: "user", variations: [{ variation: 0, weight: 20000 }, { variation: 1, weight: 80000 }] } };
  flag("static", [], { variation: 0 });
  flag("override", [{ id: "o", variation: 1, clauses: [clause("tenantId", "in", tenants)] }], { variation: 0 });
  flag("rule_rollout", [{ id: "r", variation: 0, clauses: [
    clause("plan", "in", ["pro", "enterprise"]), clause("seats", "greaterThanOrEqual", [100])] }], fifth);
  flag("ten_rules", numbers.map((i) => ({ id: `r${i}`, variation: 0, clauses: [
    clause("country", "in", ["DE", "FR", "JP"]), clause("plan", "in", ["pro", "enterprise"]),
    clause("seats", "greaterThanOrEqual", [i]), clause("age", "lessThan", [100 - i]),
    clause("email", "endsWith", [`@customer-${i}.com`])] })), { variation: 1 });
  const client = launchdarkly.init("sdk-key", { updateProcessor: data.getFactory(), sendEvents: false, logger: silent });
  await client.waitForInitialization({ timeout: 5 });
  const context = { kind: "user", key: targetingKey, tenantId, ...attributes };
  return { evaluate: (name) => client.boolVariation(name, context, false), close: () => client.close(), asynchronous: true };
}

async function runFor(milliseconds, peer, name) {
  const start = process.hrtime.bigint();
  const end = start + BigInt(milliseconds) * 1_000_000n;
  let count = 0;
  let now = start;
  while (now < end) {
    if (peer.asynchronous) {
      for (let i = 0; i < BATCH; ++i) await peer.evaluate(name);
    } else {
      for (let i = 0; i < BATCH; ++i) peer.evaluate(name);
    }
    count += BATCH;
    now = process.hrtime.bigint();
  }
  return Number(now - start) / count;
}

const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

const results = {};
for (const [label, make] of Object.entries({
  "@openfeature/flagd-core": flagd, "@growthbook/growthbook": growthbook, "unleash-client": unleash,
  "@launchdarkly/node-server-sdk": launchDarkly })) {
  const peer = await make();
  results[label] = {};
  for (const name of NAMES) {
    const answer = await peer.evaluate(name);
    if (typeof answer !== "boolean" || (name in EXPECTED && answer !== EXPECTED[name]))
      throw new Error(`${label} answers ${answer} to ${name}, expected ${EXPECTED[name]}`);
    await runFor(WARM_UP_MS, peer, name);
    const rounds = [];
    for (let i = 0; i < ROUNDS; ++i) rounds.push(await runFor(ROUND_MS, peer, name));
    results[label][name] = median(rounds);
  }
  await peer.close();
}
console.log(JSON.stringify(results));
process.exit(0);
