// SPDX-License-Identifier: Apache-2.0
// Random flagd definitions and contexts, the same for the same seed, in love with corners.

// Mulberry32: small, and good enough to choose test data.
export function random(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  const below = (count) => Math.floor(next() * count);
  return {
    below,
    chance: (share) => next() < share,
    pick: (list) => list[below(list.length)],
    times: (least, most, make) => Array.from({ length: least + below(most - least + 1) }, make),
    // [weight, make] pairs.
    weighted(choices) {
      let left = next() * choices.reduce((sum, [weight]) => sum + weight, 0);
      return (choices.find(([weight]) => (left -= weight) < 0) ?? choices[0])[1]();
    },
  };
}

const NUMBERS = [0, 1, 2, 3, 5, -1, -7, 10, 50, 100, 0.1, 0.5, 1.5, -2.5, 1e-7, 1e21, 123456789, 2147483647,
  9007199254740993, 4294967296, 1e100];
const WORDS = ['', '0', '1', '5', '10', '-1', '1.5', ' 7 ', '0x10', '1e3', 'Infinity', 'NaN', 'abc', 'ABC', 'abcdef',
  'true', 'false', 'null', 'on', 'off', 'gold', 'user@example.com', 'a,b', '1,2', 'ü', '日本', 'é€'];
const VERSIONS = ['1.0.0', '1.2.3', 'v1.2.3', 'V2.0.0', '1', '1.2', 'v1', '01.2', '1.2.3.4', '1.2.3-rc.1',
  '1.2.3-rc.2', '1.2.3-rc.1.1', '1.2.3-alpha', '1.2.3-1', '1.2.3+build', '1.2.3-rc.1+b', '2.0.0', '10.0.0', 'x', '',
  '1.02.3', '9007199254740992.0.0', 'vv1.2.3', ' 1.2.3', '1.2.3 ', '2-rc.1', '1.2.x', '1.2.3-01', '1.2.3-a..b'];
const PATHS = ['a', 'b', 'c', 'name', 'age', 'version', 'list', 'words', 'obj', 'obj.x', 'obj.y.z', 'obj.nothing',
  'list.0', 'list.1', 'list.9', 'list.length', 'name.length', 'name.0', 'words.0.length', 'missing', 'missing.deep',
  'a.b', 'a.b.c', 'obj.y', '.', 'a.', '.a', 'a\\.b', 'targetingKey', 'tenantId', '$flagd.flagKey', '$flagd.timestamp',
  '$flagd', '0', 'ü', 'dotted\\.name'];
const INNER_PATHS = ['', '', 'x', 'y', 'accumulator', 'current', 'current.x', 'length', '0', 'a'];
const KEYS = ['user-1', 'user-2', 'user-3', 'alice', 'bob', 'carol', 'k', '00000000-0000-0000-0000-000000000001',
  'a-much-longer-targeting-key-that-has-many-blocks'];
const VARIANTS = ['on', 'off', 'gold', 'true', 'false', '1', '0', 'null', 'abc', '2', 'undefined', 'NaN', '1.5'];

// Code that flagd-core generates for these lacks parentheses, so that in some places (an operand of cat, a default of
// var, what `in` looks in, a list to go through, what missing_some needs) it says something else than what was written.
const LOOSE = new Set(['and', 'or', 'all', 'missing', 'missing_some', '/']);
const isLoose = (value) =>
  value !== null && typeof value === 'object' && !Array.isArray(value) && LOOSE.has(Object.keys(value)[0]);

const scalar = (rng) =>
  rng.weighted([
    [4, () => rng.pick(WORDS)],
    [4, () => rng.pick(NUMBERS)],
    [1, () => rng.chance(0.5)],
    [1, () => null],
  ]);

const literal = (rng) =>
  rng.weighted([
    [10, () => scalar(rng)],
    [2, () => rng.times(0, 3, () => scalar(rng))],
    [0.3, () => ({})],
    [0.5, () => [rng.times(0, 2, () => scalar(rng))]],
  ]);

class Expressions {
  constructor(rng, evaluators) {
    this.rng = rng;
    this.evaluators = evaluators;
  }

  // `inner`: inside the function of map, filter and the like.
  any(depth, inner = false) {
    const { rng } = this;
    if (depth <= 0 || rng.chance(0.1)) return rng.chance(0.55) ? this.variable(0, inner) : literal(rng);
    return rng.weighted([
      [3, () => this.variable(depth, inner)],
      [1, () => literal(rng)],
      [1, () => this.list(depth, inner)],
      [5, () => this.choice(depth, inner)],
      [5, () => this.comparison(depth, inner)],
      [4, () => this.logic(depth, inner)],
      [4, () => this.arithmetic(depth, inner)],
      [4, () => this.text(depth, inner)],
      [5, () => this.iteration(depth, inner)],
      [2, () => this.absence(depth)],
      [inner ? 0.3 : 5, () => this.flagds(depth, inner)],
      [this.evaluators.length > 0 ? 2 : 0, () => ({ $ref: rng.pick(this.evaluators) })],
    ]);
  }

  // Without what flagd-core forgets parentheses for.
  tight(depth, inner) {
    const value = this.any(depth, inner);
    return isLoose(value) || (value !== null && typeof value === 'object' && '$ref' in value) ? literal(this.rng) : value;
  }

  list(depth, inner) {
    return this.rng.times(0, 3, () => this.any(depth - 1, inner));
  }

  arguments(depth, inner, least = 0, most = 3) {
    if (this.rng.chance(0.07)) return this.tight(depth - 1, inner);
    return this.rng.times(least, most, () => this.any(depth - 1, inner));
  }

  variable(depth, inner) {
    const { rng } = this;
    const path = () => rng.pick(inner && rng.chance(0.8) ? INNER_PATHS : PATHS);
    return {
      var: rng.weighted([
        [10, path],
        [1, () => [path()]],
        [2, () => [path(), this.tight(depth - 1, inner)]],
        [0.5, () => rng.pick([0, 1, null, '', [], true, false, {}])],
        [0.5, () => this.tight(depth - 1, inner)],
        [0.3, () => [this.tight(depth - 1, inner)]],
        [0.3, () => [this.tight(depth - 1, inner), literal(rng), literal(rng)]],
      ]),
    };
  }

  choice(depth, inner) {
    const { rng } = this;
    const next = () => this.any(depth - 1, inner);
    return {
      [rng.pick(['if', 'if', 'if', '?:'])]: rng.weighted([
        [6, () => [next(), next(), next()]],
        [4, () => [next(), next()]],
        [2, () => [next(), next(), next(), next(), next()]],
        [1, () => [next(), next(), next(), next()]],
        [0.5, () => [next()]],
        [0.2, () => []],
        [0.2, () => next()],
      ]),
    };
  }

  comparison(depth, inner) {
    const { rng } = this;
    const next = () => this.any(depth - 1, inner);
    return {
      [rng.pick(['==', '===', '!=', '!==', '<', '<=', '>', '>='])]: rng.weighted([
        [5, () => [this.variable(0, inner), literal(rng)]],
        [2, () => [this.variable(0, inner), this.variable(0, inner)]],
        [4, () => [next(), next()]],
        [3, () => [next(), next(), next()]],
        [0.5, () => [next(), next(), next(), next()]],
        [0.3, () => [next()]],
        [0.3, () => this.tight(depth - 1, inner)],
      ]),
    };
  }

  logic(depth, inner) {
    const { rng } = this;
    const operator = rng.pick(['and', 'or', '!', '!!']);
    if (operator.startsWith('!')) return { [operator]: this.arguments(depth, inner, rng.chance(0.1) ? 0 : 1, 2) };
    return { [operator]: this.arguments(depth, inner, rng.chance(0.05) ? 0 : 1, 3) };
  }

  arithmetic(depth, inner) {
    const { rng } = this;
    const operator = rng.pick(['+', '-', '*', '/', '%', 'max', 'min']);
    return {
      [operator]: rng.weighted([
        [5, () => rng.times(1, 3, () => (rng.chance(0.6) ? rng.pick(NUMBERS) : this.variable(0, inner)))],
        [4, () => this.arguments(depth, inner, rng.chance(0.1) ? 0 : 1, 3)],
        [1, () => ({ var: 'list' })],
      ]),
    };
  }

  text(depth, inner) {
    const { rng } = this;
    const next = () => this.any(depth - 1, inner);
    const operand = () => this.tight(depth - 1, inner);
    const string = () => (rng.chance(0.6) ? rng.pick(WORDS) : this.variable(0, inner));
    return rng.weighted([
      [3, () => ({ cat: rng.chance(0.1) ? operand() : rng.times(0, 3, operand) })],
      [3, () => ({ substr: [string(), rng.pick([0, 1, -2, 2.5, '1', null, -9]), ...rng.times(0, 1, () => rng.pick([1, -1, 3, 0, null, '-1', 99]))] })],
      [1, () => ({ substr: rng.times(0, 3, operand) })],
      [5, () => ({ in: [string(), rng.chance(0.6) ? rng.times(0, 4, () => scalar(rng)) : this.variable(0, inner)] })],
      [2, () => ({ in: rng.chance(0.1) ? operand() : [next(), operand()] })],
      [1, () => ({ merge: this.arguments(depth, inner) })],
    ]);
  }

  iteration(depth, inner) {
    const { rng } = this;
    const operator = rng.pick(['map', 'filter', 'some', 'all', 'none', 'reduce']);
    const list = () =>
      rng.weighted([
        [4, () => ({ var: rng.pick(['list', 'words', 'obj.list', 'name', 'missing']) })],
        [3, () => rng.times(0, 4, () => scalar(rng))],
        [2, () => this.tight(depth - 1, inner)],
      ]);
    const body = () => this.any(depth - 1, true);
    if (rng.chance(0.03)) return { [operator]: this.tight(depth - 1, inner) };
    if (operator !== 'reduce') return { [operator]: rng.chance(0.02) ? [list()] : [list(), body()] };
    const sum = () => ({ [rng.pick(['+', '*', '-', 'max', 'cat'])]: [{ var: 'accumulator' }, { var: 'current' }] });
    const step = rng.chance(0.5) ? sum() : body();
    return { reduce: rng.chance(0.25) ? [list(), step] : [list(), step, rng.chance(0.7) ? scalar(rng) : this.tight(depth - 1, inner)] };
  }

  absence(depth) {
    const { rng } = this;
    const names = () => rng.times(0, 3, () => rng.pick(PATHS));
    return rng.weighted([
      [3, () => ({ missing: names() })],
      [1, () => ({ missing: rng.pick(PATHS) })],
      [1, () => ({ missing: [this.tight(depth - 1, false)] })],
      [0.5, () => ({ missing: this.tight(depth - 1, false) })],
      [3, () => ({ missing_some: [rng.pick([0, 1, 2, 3, '1', null]), names()] })],
      [0.5, () => ({ missing_some: [rng.pick([1, 2]), { var: 'words' }] })],
    ]);
  }

  flagds(depth, inner) {
    const { rng } = this;
    const next = () => this.any(depth - 1, inner);
    const version = () => (rng.chance(0.5) ? rng.pick(VERSIONS) : rng.chance(0.7) ? { var: 'version' } : next());
    return rng.weighted([
      [4, () => ({ [rng.pick(['starts_with', 'ends_with'])]: rng.chance(0.8) ? [{ var: rng.pick(['name', 'version', 'a']) }, rng.pick(WORDS)] : this.arguments(depth, inner) })],
      [5, () => ({ sem_ver: rng.chance(0.9) ? [version(), rng.pick(['=', '!=', '<', '<=', '>', '>=', '^', '~', '~', '^', '<>', '']), version()] : this.arguments(depth, inner) })],
      [7, () => ({ fractional: this.shares(depth, inner) })],
    ]);
  }

  shares(depth, inner) {
    const { rng } = this;
    if (rng.chance(0.03)) return this.tight(depth - 1, inner);
    const weight = () =>
      rng.weighted([
        [8, () => rng.pick([0, 1, 5, 10, 25, 50, 100, 1000, -5, 1000000])],
        [1, () => rng.pick([1.5, '10', null, 2147483647, true, 2147483646])],
        [1, () => this.any(depth - 1, inner)],
      ]);
    const variant = () =>
      rng.weighted([
        [8, () => rng.pick(VARIANTS)],
        [1, () => rng.pick([1, 0, true, false, null, 1.5])],
        [1, () => this.any(depth - 1, inner)],
      ]);
    const share = () =>
      rng.weighted([
        [10, () => [variant(), weight()]],
        [2, () => [variant()]],
        [0.2, () => rng.pick([[], ['on', 1, 2], 'on', 5, null])],
      ]);
    const unit = () =>
      rng.weighted([
        [3, () => ({ cat: [{ var: '$flagd.flagKey' }, { var: 'targetingKey' }] })],
        [2, () => ({ var: rng.pick(['targetingKey', 'key', 'age', 'missing']) })],
        [1, () => rng.pick(KEYS)],
        [0.3, () => ''],
      ]);
    const shares = rng.times(0, rng.chance(0.1) ? 12 : 4, share);
    return rng.chance(0.5) ? [unit(), ...shares] : shares;
  }
}

// A definition: {key, flag, evaluators}. Evaluators refer to later ones only, because flagd-core replaces references in
// one pass.
export function definition(rng, number) {
  const names = rng.chance(0.2) ? rng.times(1, 3, () => '').map((_, index) => `evaluator${index}`) : [];
  const evaluators = {};
  names.forEach((name, index) => {
    evaluators[name] = new Expressions(rng, names.slice(index + 1)).any(2);
  });
  const expressions = new Expressions(rng, names);
  let targeting = expressions.any(1 + rng.below(4));
  if (targeting === null || typeof targeting !== 'object' || Array.isArray(targeting)) targeting = { if: [targeting, 'on', 'off'] };
  const variants = Object.fromEntries(VARIANTS.filter(() => rng.chance(0.8)).map((name) => [name, `value of ${name}`]));
  variants.on = 'value of on';
  const flag = { state: 'ENABLED', variants, targeting };
  if (rng.chance(0.85)) flag.defaultVariant = rng.pick(Object.keys(variants));
  return { key: rng.chance(0.5) ? 'flag' : `flag-${number % 100}`, flag, evaluators };
}

export function context(rng) {
  const made = {};
  const maybe = (share, name, make) => {
    if (rng.chance(share)) made[name] = make();
  };
  const present = () => {
    const value = scalar(rng);
    return value === null ? 0 : value;
  };
  maybe(0.8, 'targetingKey', () => rng.pick(KEYS));
  maybe(0.3, 'tenantId', () => 'acme');
  maybe(0.8, 'a', present);
  maybe(0.6, 'b', present);
  maybe(0.3, 'c', () => rng.times(0, 3, () => scalar(rng)));
  maybe(0.8, 'name', () => rng.pick(WORDS));
  maybe(0.7, 'age', () => rng.pick(NUMBERS));
  maybe(0.5, 'key', () => rng.pick(KEYS));
  maybe(0.8, 'version', () => (rng.chance(0.9) ? rng.pick(VERSIONS) : rng.pick([1, 1.2, 2, true])));
  maybe(0.7, 'list', () => rng.times(0, 4, () => (rng.chance(0.8) ? rng.pick(NUMBERS) : scalar(rng))));
  maybe(0.7, 'words', () => rng.times(0, 4, () => (rng.chance(0.8) ? rng.pick(['a', 'b', 'name', 'missing']) : scalar(rng))));
  maybe(0.6, 'obj', () => ({ x: scalar(rng), y: { z: scalar(rng) }, nothing: null, list: rng.times(0, 3, () => ({ x: scalar(rng), y: 1 })) }));
  maybe(0.3, 'ü', present);
  maybe(0.1, '0', present);
  maybe(0.1, 'dotted.name', present);
  return made;
}
