// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Flag } from '../api/types';
import { differences } from '../shared/diff';
import { anyRule } from '../test/arbitrary';
import { changesOf, draftOf, merge, renameVariation, usesOf, type Draft } from './draft';
import { parseOverrides } from './overrideText';

const flag: Flag = {
  flagKey: 'f', environment: 'production', type: 'string', state: 'ENABLED', defaultEnabled: true, version: 3,
  createdAt: '2026-01-01T00:00:00.000Z', updatedAt: '2026-01-02T00:00:00.000Z', updatedBy: 'k', owner: 'web',
  variations: { a: 'A' as never, b: 'B' as never }, defaultVariation: 'a', offVariation: 'b',
  targetingRules: [{ id: 'r', everyone: true, split: [{ variation: 'a', weight: 1 }, { variation: 'b', weight: 1 }] }],
};

describe('a draft', () => {
  it('leaves to the server what is the server’s', () => {
    expect(draftOf(flag)).not.toHaveProperty('version');
    expect(draftOf(flag)).not.toHaveProperty('updatedAt');
    expect(draftOf(flag).targetingRules).toBe(flag.targetingRules);
  });

  it('lists changes by what they are, rules by their id', () => {
    const draft = draftOf(flag);
    const first = { id: 'x', everyone: true, variation: 'a' };
    const next: Draft = { ...draft, owner: 'shop', targetingRules: [first, ...(draft.targetingRules ?? [])] };
    expect(changesOf(draft, next)).toEqual([
      { path: 'owner', before: 'web', after: 'shop' },
      { path: 'targetingRules[x]', before: undefined, after: first },
    ]);
    expect(changesOf(draft, { ...draft })).toEqual([]);
    expect(differences({ list: [{ id: 'a' }, { id: 'b' }] }, { list: [{ id: 'b' }, { id: 'a' }] })).toEqual([{ path: 'list ⇅', before: ['a', 'b'], after: ['b', 'a'] }]);
  });

  it('is never lost and never wins silently in a merge', () => {
    const base = draftOf(flag);
    const names = ['owner', 'description', 'defaultVariation'] as const;
    const edit = fc.record({ owner: fc.constantFrom('web', 'x', 'y'), description: fc.constantFrom(undefined, 'x', 'y'), defaultVariation: fc.constantFrom('a', 'b') });
    fc.assert(
      fc.property(edit, edit, (mine, theirs) => {
        const { merged, clashes } = merge(base, { ...base, ...mine }, { ...base, ...theirs });
        for (const name of names) {
          const mineChanged = mine[name] !== base[name];
          const theirsChanged = theirs[name] !== base[name];
          const clash = clashes.find((entry) => entry.attribute === name);
          expect(clash !== undefined).toBe(mineChanged && theirsChanged && mine[name] !== theirs[name]);
          expect(merged[name]).toBe(mineChanged ? mine[name] : theirs[name]);
        }
      }),
    );
  });

  it('renames a variation wherever it is named', () => {
    const renamed = renameVariation(draftOf(flag), 'a', 'z');
    expect(JSON.stringify(renamed)).not.toContain('"a"');
    expect(renamed.defaultVariation).toBe('z');
    expect(renamed.targetingRules?.[0]?.split?.[0]).toEqual({ variation: 'z', weight: 1 });
    expect(Object.keys(renamed.variations ?? {})).toEqual(['z', 'b']);
    expect(usesOf(renamed, 'z')).toBe(2);
    expect(usesOf(renamed, 'nothing')).toBe(0);
  });

  it('has no change that the list of changes does not show', () => {
    fc.assert(
      fc.property(fc.uniqueArray(anyRule, { maxLength: 3, selector: ({ id }) => id }), fc.uniqueArray(anyRule, { maxLength: 3, selector: ({ id }) => id }), (before, after) => {
        const same = JSON.stringify(before) === JSON.stringify(after);
        if (!same) expect(differences({ rules: before }, { rules: after }).length).toBeGreaterThan(0);
        expect(differences({ rules: before }, { rules: before })).toEqual([]);
      }),
    );
  });
});

describe('pasted overrides', () => {
  it('are read from what people copy', () => {
    expect(parseOverrides('acme, on\nglobex\toff\r\n\n# note\n initech = on ', ['on', 'off'])).toEqual({
      overrides: [{ tenantId: 'acme', variation: 'on' }, { tenantId: 'globex', variation: 'off' }, { tenantId: 'initech', variation: 'on' }],
      problems: [],
    });
  });
  it('name the line at fault', () => {
    const { overrides, problems } = parseOverrides('acme on\n#\n<b> on\nacme off\nglobex maybe', ['on', 'off']);
    expect(overrides).toEqual([{ tenantId: 'acme', variation: 'on' }]);
    expect(problems.map(({ line, reason }) => [line, reason])).toEqual([[3, 'badTenant'], [4, 'twice'], [5, 'badVariation']]);
  });
});
