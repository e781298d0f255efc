// SPDX-License-Identifier: Apache-2.0
import { cleanup, fireEvent, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import fc from 'fast-check';
import { useState } from 'react';
import { describe, expect, it } from 'vitest';
import type { Rule } from '../../api/types';
import { anyRule, variations } from '../../test/arbitrary';
import { show } from '../../test/render';
import type { Draft } from '../draft';
import { RuleList } from './RuleList';

let saved: Rule[] = [];
let changes = 0;
function Held({ start }: { start: Rule[] }) {
  const [rules, setRules] = useState(start);
  saved = rules;
  const draft: Draft = { flagKey: 'f', type: 'string', variations: Object.fromEntries(variations.map((name) => [name, name as never])), offVariation: 'off', targetingRules: rules };
  return (
    <RuleList
      draft={draft}
      around={{ attributes: ['plan'], segments: ['testers'] }}
      readOnly={false}
      findings={[]}
      trace={[]}
      onChange={(next) => {
        ++changes;
        setRules(next);
      }}
    />
  );
}

describe('the rule builder', () => {
  it('shows any rules of the contract and changes none of them by showing', () => {
    fc.assert(
      fc.property(fc.uniqueArray(anyRule, { minLength: 1, maxLength: 2, selector: ({ id }) => id }), (rules) => {
        cleanup();  // of the run before, also where that failed
        changes = 0;
        const before = JSON.stringify(rules);
        show(<Held start={rules} />);
        for (const button of screen.getAllByRole('button', { expanded: false })) if (button.className.includes('summary')) fireEvent.click(button);
        expect(changes).toBe(0);
        expect(JSON.stringify(saved)).toBe(before);
        // An attribute or a value may be called like the rule.
        for (const { id } of rules) expect(screen.getAllByDisplayValue(id).length).toBeGreaterThan(0);
      }),
      { numRuns: 6 },
    );
  });

  it('adds a rule, names its condition and saves typed values', async () => {
    show(<Held start={[]} />);
    await userEvent.click(screen.getByRole('button', { name: 'Add a rule' }));
    await userEvent.type(screen.getByRole('textbox', { name: 'Attribute' }), 'plan');
    const values = screen.getByRole('textbox', { name: 'Values' });
    await userEvent.type(values, 'pro{Enter}42{Enter}');
    expect(saved).toEqual([{ id: 'rule-1', when: { all: [{ attribute: 'plan', operator: 'in', values: ['pro', 42] }] }, variation: 'on' }]);
  });

  it('turns conditions into everyone and back without losing them', async () => {
    const rule: Rule = { id: 'r', when: { any: [{ attribute: 'plan', operator: 'in', values: ['pro'] }] }, variation: 'on' };
    show(<Held start={[rule]} />);
    await userEvent.click(screen.getByRole('button', { name: 'Edit the rule' }));
    await userEvent.click(screen.getByLabelText('Everyone (no conditions)'));
    expect(saved).toEqual([{ id: 'r', everyone: true, variation: 'on' }]);
    await userEvent.click(screen.getByLabelText('Everyone (no conditions)'));
    expect(saved).toEqual([rule]);
  });

  it('nests groups', async () => {
    show(<Held start={[{ id: 'r', when: { all: [] }, variation: 'on' }]} />);
    await userEvent.click(screen.getByRole('button', { name: 'Edit the rule' }));
    await userEvent.click(screen.getByRole('button', { name: 'Group' }));
    expect(saved[0]?.when).toEqual({ all: [{ any: [{ attribute: '', operator: 'in', values: [] }] }] });
    await userEvent.click(screen.getByRole('button', { name: 'Remove the group' }));
    expect(saved[0]?.when).toEqual({ all: [] });
  });

  it('serves a split of all variations that adds up', async () => {
    show(<Held start={[{ id: 'r', everyone: true, variation: 'third' }]} />);
    await userEvent.click(screen.getByRole('button', { name: 'Edit the rule' }));
    await userEvent.click(screen.getByRole('radio', { name: 'Split' }));
    expect(saved[0]).toEqual({ id: 'r', everyone: true, split: [{ variation: 'on', weight: 33_334 }, { variation: 'off', weight: 33_333 }, { variation: 'third', weight: 33_333 }] });
  });

  it('offers rules for the keyboard to move, and removes them', async () => {
    show(<Held start={[{ id: 'a', everyone: true, variation: 'on' }, { id: 'b', everyone: true, variation: 'off' }]} />);
    expect(screen.getByRole('button', { name: 'Move rule a' })).toHaveProperty('tabIndex', 0);
    await userEvent.click(screen.getAllByRole('button', { name: 'Edit the rule' })[0] as HTMLElement);
    await userEvent.click(screen.getByRole('button', { name: 'Remove the rule' }));
    await waitFor(() => expect(saved).toEqual([{ id: 'b', everyone: true, variation: 'off' }]));
  });
});
