// SPDX-License-Identifier: Apache-2.0
// Random definitions of ours that flagd can express, and contexts for them.

const PLANS = ['free', 'pro', 'enterprise', '', '10', 'true'];
const ROLES = ['admin', 'reader', 'writer', 'pro'];
const NUMBERS = [0, 1, 5, 10, 10.5, -3, 100];
const VERSIONS = ['1.0.0', '1.2.3', '2.0.0', 'v1.2.3', '1.2.3-rc.1', '10.0.0', '1', '1.2'];
const KEYS = ['user-1', 'user-2', 'user-3', 'alice', 'bob', 'carol', 'dave', 'erin', 'a-rather-long-targeting-key'];
const TENANTS = ['acme', 'globex', 'initech'];
const ATTRIBUTES = ['plan', 'seats', 'roles', 'active', 'version', 'account.plan', 'account.seats', 'mixed', 'tenantId',
  'targetingKey', 'missing'];
const TIMES = ['2026-01-01T00:00:00.000Z', '2026-11-22T11:59:59.000Z', '2026-11-22T12:00:00.000Z',
  '2026-11-22T12:00:01.000Z', '2030-01-01T00:00:00.000Z'];

const anyScalar = (rng) => rng.weighted([
  [4, () => rng.pick([...PLANS, ...ROLES])],
  [3, () => rng.pick(NUMBERS)],
  [1, () => rng.chance(0.5)],
]);

function condition(rng, segments) {
  const some = (list) => rng.times(rng.chance(0.05) ? 0 : 1, 3, () => rng.pick(list));
  const attribute = rng.pick(ATTRIBUTES);
  return rng.weighted([
    [4, () => ({ attribute, operator: 'in', values: rng.times(rng.chance(0.05) ? 0 : 1, 3, () => anyScalar(rng)) })],
    [2, () => ({ attribute, operator: 'notIn', values: rng.times(rng.chance(0.05) ? 0 : 1, 3, () => anyScalar(rng)) })],
    [3, () => ({ attribute, operator: rng.pick(['contains', 'startsWith', 'endsWith']), values: some(['a', 'pro', 'r', '1', '', 'user', 'e']) })],
    [3, () => ({ attribute, operator: rng.pick(['lt', 'lte', 'gt', 'gte', 'eq']), values: some(NUMBERS) })],
    [2, () => ({ attribute: 'version', operator: rng.pick(['semverEq', 'semverLt', 'semverLte', 'semverGt', 'semverGte']), values: some(VERSIONS) })],
    [1, () => ({ attribute, operator: 'exists', values: rng.pick([[], [true], [false]]) })],
    [segments.length > 0 ? 2 : 0, () => ({ operator: 'inSegment', values: rng.times(1, 2, () => rng.pick(segments)) })],
  ]);
}

function group(rng, depth, segments) {
  const kind = rng.pick(['all', 'any', 'none']);
  const least = kind === 'all' || rng.chance(0.95) ? 1 : 0;
  return {
    [kind]: rng.times(least, 3, () => (depth > 0 && rng.chance(0.3) ? group(rng, depth - 1, segments) : condition(rng, segments))),
  };
}

function split(rng, names) {
  const chosen = names.filter(() => rng.chance(0.8));
  if (chosen.length === 0) chosen.push(names[0]);
  const shares = chosen.map((variation) => ({ variation, weight: rng.pick([0, 1, 10, 25, 50, 1000]) }));
  if (shares.every((one) => one.weight === 0)) shares[0].weight = 1;
  return shares;
}

function rule(rng, number, names, segments) {
  const made = { id: `r${number}` };
  if (rng.chance(0.15)) made.everyone = true;
  else made.when = group(rng, 2, segments);
  if (rng.chance(0.35)) made.split = split(rng, names);
  else made.variation = rng.pick(names);
  if (rng.chance(0.1)) made.startsAt = TIMES[rng.below(3)];
  if (rng.chance(0.1)) made.endsAt = TIMES[3 + rng.below(2)];
  return made;
}

function flag(rng, number, segments, earlier) {
  const isBoolean = rng.chance(0.4);
  const names = isBoolean ? ['on', 'off'] : ['a', 'b', 'c', 'd'].slice(0, 2 + rng.below(3));
  const made = { flagKey: `flag-${number}`, owner: rng.pick(['team-a', 'team-b']), defaultEnabled: rng.chance(0.8) };
  if (!isBoolean) {
    made.type = 'string';
    made.variations = Object.fromEntries(names.map((name) => [name, `value of ${name}`]));
    made.defaultVariation = rng.pick(names);
    made.offVariation = rng.pick(names);
  }
  if (rng.chance(0.1)) made.state = rng.pick(['DISABLED', 'ARCHIVED']);
  if (rng.chance(0.75)) made.targetingRules = Array.from({ length: 1 + rng.below(3) }, (_, index) => rule(rng, index, names, segments));
  if (rng.chance(0.4)) made.rolloutPercentage = rng.pick([0, 0.001, 1, 10, 33.333, 50, 99.999, 100]);
  if (rng.chance(0.2)) made.rolloutSalt = rng.pick(['salt', 'flag-0']);
  if (rng.chance(0.25)) made.bucketBy = rng.pick(['tenantId', 'account.plan', 'plan', 'seats', 'roles', 'targetingKey']);
  if (rng.chance(0.2)) made.killVariation = rng.pick(names);
  if (rng.chance(0.1)) made.expiresAt = rng.pick(TIMES);
  if (rng.chance(0.15)) made.tenantOverrides = { [rng.pick(TENANTS)]: rng.chance(0.5) };
  if (earlier.length > 0 && rng.chance(0.2)) made.prerequisites = [{ flagKey: rng.pick(earlier).flagKey, variations: ['on', 'a', 'b'] }];
  return made;
}

// Some flags, segments, overrides and kill switches of one environment.
export function environment(rng) {
  const segments = [];
  for (let number = 0, count = rng.below(3); number < count; ++number) {
    const made = { segmentKey: `segment-${number}` };
    if (rng.chance(0.6)) made.included = [...new Set(rng.times(1, 3, () => rng.pick(KEYS)))];
    if (rng.chance(0.3)) made.excluded = [...new Set(rng.times(1, 2, () => rng.pick(KEYS)))];
    if (rng.chance(0.6)) made.when = group(rng, 1, []);
    segments.push(made);
  }
  const keys = segments.map((one) => one.segmentKey);
  const flags = [];
  for (let number = 0; number < 4; ++number) flags.push(flag(rng, number, keys, flags));
  const overrides = flags.filter(() => rng.chance(0.25)).map((one) => ({
    flagKey: one.flagKey, tenantId: rng.pick(TENANTS), variation: one.type === 'string' ? rng.pick(['a', 'b']) : rng.pick(['on', 'off']),
  }));
  const scopes = ['global', 'tenant:acme', 'owner:team-b', 'flag:flag-0'].filter((_, index) => rng.chance(index === 0 ? 0.02 : 0.06));
  return { flags, segments, overrides, killSwitches: scopes.map((scope) => ({ scope, reason: 'test' })) };
}

export function customer(rng) {
  const made = {};
  const maybe = (share, name, make) => {
    if (rng.chance(share)) made[name] = make();
  };
  const any = () => (rng.chance(0.3) ? rng.times(0, 3, () => anyScalar(rng)) : anyScalar(rng));
  maybe(0.85, 'targetingKey', () => rng.pick(KEYS));
  maybe(0.6, 'tenantId', () => rng.pick(TENANTS));
  maybe(0.8, 'plan', () => (rng.chance(0.8) ? rng.pick(PLANS) : any()));
  maybe(0.8, 'seats', () => (rng.chance(0.8) ? rng.pick(NUMBERS) : any()));
  maybe(0.7, 'roles', () => (rng.chance(0.8) ? rng.times(0, 3, () => rng.pick(ROLES)) : any()));
  maybe(0.5, 'active', () => (rng.chance(0.8) ? rng.chance(0.5) : any()));
  // Of lists of versions and of other short forms flagd thinks differently.
  maybe(0.7, 'version', () => (rng.chance(0.9) ? rng.pick(VERSIONS) : rng.pick([1, true, 'x', {}])));
  maybe(0.6, 'account', () => ({ plan: any(), seats: rng.pick(NUMBERS) }));
  maybe(0.6, 'mixed', () => rng.pick([{}, { a: 1 }, [[1], ['pro']], [{}, 'pro', 5, null], [true], [null], 'pro']));
  return made;
}
