// SPDX-License-Identifier: Apache-2.0
// A flag while it is edited: what was read, what it is to be, and what happens when somebody else was faster.
import type { Flag, FlagInput, Json, Rule, WeightedVariation } from '../api/types';
import { differences, equal, type Difference } from '../shared/diff';

// What only the server sets; everything else goes back with a PUT.
const SERVER_ONLY = ['version', 'createdAt', 'updatedAt', 'updatedBy', 'schema', 'warnings'] as const;

export type Draft = FlagInput;

export function draftOf(flag: Flag): Draft {
  const draft: Draft = { ...flag };
  for (const name of SERVER_ONLY) delete draft[name];
  return draft;
}

export function changesOf(base: Draft, draft: Draft): Difference[] {
  return differences(base, draft);
}

export type Clash = { attribute: string; base: Json | undefined; mine: Json | undefined; theirs: Json | undefined };
export type Merge = { merged: Draft; clashes: Clash[] };

// Three-way: what only one of the two changed is taken from that one; what both changed differently is a clash, and
// stands as mine until a person decides.
export function merge(base: Draft, mine: Draft, theirs: Draft): Merge {
  const names = new Set([...Object.keys(base), ...Object.keys(mine), ...Object.keys(theirs)]) as Set<keyof Draft>;
  const merged: Record<string, unknown> = {};
  const clashes: Clash[] = [];
  for (const name of names) {
    const mineChanged = !equal(mine[name], base[name]);
    const theirsChanged = !equal(theirs[name], base[name]);
    const value = mineChanged ? mine[name] : theirs[name];
    if (value !== undefined) merged[name] = value;
    if (mineChanged && theirsChanged && !equal(mine[name], theirs[name]))
      clashes.push({ attribute: name, base: base[name] as Json, mine: mine[name] as Json, theirs: theirs[name] as Json });
  }
  return { merged: merged as Draft, clashes };
}

export function variationNames(draft: Draft): string[] {
  return Object.keys(draft.variations ?? {});
}

// Rules get a key for as long as the page lives: their ids can be edited.
export type KeyedRule = { key: string; rule: Rule };
let keys = 0;
export const keyed = (rule: Rule): KeyedRule => ({ key: `rule-${++keys}`, rule });

export function freshRuleId(rules: Rule[]): string {
  for (let number = rules.length + 1; ; ++number) {
    const id = `rule-${number}`;
    if (!rules.some((rule) => rule.id === id)) return id;
  }
}

export function newRule(draft: Draft): Rule {
  const first = variationNames(draft).find((name) => name !== draft.offVariation) ?? variationNames(draft)[0] ?? 'on';
  return {
    id: freshRuleId(draft.targetingRules ?? []),
    when: { all: [{ attribute: '', operator: 'in', values: [] }] },
    variation: first,
  };
}

// Every place that names a variation, with its new name.
export function renameVariation(draft: Draft, from: string, to: string): Draft {
  const name = (old: string | undefined) => (old === from ? to : old);
  const split = (parts: WeightedVariation[] | undefined) => parts?.map((part) => ({ ...part, variation: name(part.variation) ?? to }));
  const next: Draft = {
    ...draft,
    variations: Object.fromEntries(Object.entries(draft.variations ?? {}).map(([key, value]) => [key === from ? to : key, value])),
  };
  for (const attribute of ['defaultVariation', 'offVariation', 'killVariation'] as const) {
    if (draft[attribute] !== undefined) next[attribute] = name(draft[attribute]);
  }
  if (draft.targetingRules) {
    next.targetingRules = draft.targetingRules.map((rule) => {
      const copy = { ...rule };
      if (rule.variation !== undefined) copy.variation = name(rule.variation);
      if (rule.split) copy.split = split(rule.split);
      return copy;
    });
  }
  return next;
}

// Where a variation is served from, so that nobody removes one that is needed.
export function usesOf(draft: Draft, variation: string): number {
  const direct = (['defaultVariation', 'offVariation', 'killVariation'] as const).filter((name) => draft[name] === variation).length;
  const rules = (draft.targetingRules ?? []).filter((rule) => rule.variation === variation || rule.split?.some((part) => part.variation === variation)).length;
  return direct + rules;
}
