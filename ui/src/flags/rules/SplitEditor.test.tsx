// SPDX-License-Identifier: Apache-2.0
import { fireEvent, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState } from 'react';
import { describe, expect, it } from 'vitest';
import type { WeightedVariation } from '../../api/types';
import { show } from '../../test/render';
import { SplitEditor } from './SplitEditor';

let saved: WeightedVariation[] = [];
function Held({ start }: { start: WeightedVariation[] }) {
  const [split, setSplit] = useState(start);
  saved = split;
  return <SplitEditor split={split} names={['on', 'off', 'third']} off="off" onChange={setSplit} />;
}
const weights = () => saved.map(({ weight }) => weight);

describe('the split editor', () => {
  it('shows weights as percent and leaves them alone until something is changed', () => {
    const start = [{ variation: 'on', weight: 1 }, { variation: 'off', weight: 3 }];
    show(<Held start={start} />);
    expect(screen.getByLabelText('Share of on in percent')).toHaveProperty('value', '25 %');
    expect(saved).toBe(start);
  });

  it('keeps the sum at 100 when a number is typed', async () => {
    show(<Held start={[{ variation: 'on', weight: 50 }, { variation: 'off', weight: 30 }, { variation: 'third', weight: 20 }]} />);
    const field = screen.getByLabelText('Share of on in percent');
    await userEvent.clear(field);
    await userEvent.type(field, '75');
    expect(weights()).toEqual([75_000, 15_000, 10_000]);
  });

  it('moves a border with the keyboard', () => {
    show(<Held start={[{ variation: 'on', weight: 1 }, { variation: 'off', weight: 1 }]} />);
    const border = screen.getByRole('slider', { name: 'Border between on and off' });
    fireEvent.keyDown(border, { key: 'ArrowRight' });
    expect(weights()).toEqual([51_000, 49_000]);
    fireEvent.keyDown(border, { key: 'ArrowLeft', shiftKey: true });
    expect(weights()).toEqual([41_000, 59_000]);
    for (let i = 0; i < 10; ++i) fireEvent.keyDown(border, { key: 'ArrowLeft', shiftKey: true });
    expect(weights()).toEqual([0, 100_000]);
  });

  it('adds, shares evenly and removes', async () => {
    show(<Held start={[{ variation: 'on', weight: 1 }, { variation: 'off', weight: 1 }]} />);
    await userEvent.click(screen.getByRole('button', { name: 'Add a variation' }));
    expect(saved).toEqual([{ variation: 'on', weight: 50_000 }, { variation: 'off', weight: 50_000 }, { variation: 'third', weight: 0 }]);
    await userEvent.click(screen.getByRole('button', { name: 'Share evenly' }));
    expect(weights()).toEqual([33_334, 33_333, 33_333]);
    await userEvent.click(screen.getByRole('button', { name: 'Remove on from the split' }));
    expect(saved).toEqual([{ variation: 'off', weight: 50_000 }, { variation: 'third', weight: 50_000 }]);
  });
});
