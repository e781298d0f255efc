// SPDX-License-Identifier: Apache-2.0
// Shares of a split: a bar whose borders move, and numbers. They always add up to 100 %.
import { Button, Group, NumberInput, Select } from '@mantine/core';
import { useRef } from 'react';
import type { WeightedVariation } from '../../api/types';
import { useT } from '../../i18n/i18n';
import { Icon } from '../../shared/icons';
import { IconButton } from '../../shared/ui';
import { WHOLE, evenly, partsOf, percentText, sharesOf, withBorder, withShare } from '../split';
import { variationColour } from '../Variation';
import styles from './rules.module.css';

// Of the keyboard: one percent, ten with shift.
const STEP = 1_000;
const BIG_STEP = 10_000;
// Narrower than this, a number does not fit into its part of the bar.
const LABEL_SHARE_MIN = 9_000;

export function SplitBar({ split, names, off, onShares }: { split: WeightedVariation[]; names: string[]; off?: string | undefined; onShares?: ((shares: number[]) => void) | undefined }) {
  const t = useT();
  const bar = useRef<HTMLDivElement>(null);
  const shares = sharesOf(split.map(({ weight }) => weight));
  let end = 0;
  const borders = shares.slice(0, -1).map((share) => (end += share));
  const drag = (index: number) => (event: React.PointerEvent<HTMLButtonElement>) => {
    if (!event.currentTarget.hasPointerCapture(event.pointerId) || !bar.current) return;
    const box = bar.current.getBoundingClientRect();
    // Whole percents under the finger; the number beside it takes three decimals.
    const position = Math.round(((event.clientX - box.left) / box.width) * 100) * STEP;
    onShares?.(withBorder(shares, index, position));
  };
  return (
    <div ref={bar} className={styles.bar}>
      {split.map(({ variation }, index) => (
        <div
          key={`${variation}-${index}`}
          className={styles.segment}
          title={`${variation} ${percentText(shares[index] ?? 0)} %`}
          style={{ width: `${(shares[index] ?? 0) / 1000}%`, background: variationColour(variation, names, off) }}
        >
          {(shares[index] ?? 0) >= LABEL_SHARE_MIN ? `${percentText(shares[index] ?? 0)} %` : ''}
        </div>
      ))}
      {onShares
        ? borders.map((position, index) => (
            <button
              key={index}
              type="button"
              role="slider"
              className={styles.border}
              style={{ left: `${position / 1000}%` }}
              aria-label={t('split.border', { left: split[index]?.variation ?? '', right: split[index + 1]?.variation ?? '' })}
              aria-valuemin={0}
              aria-valuemax={100}
              aria-valuenow={position / 1000}
              aria-valuetext={`${percentText(shares[index] ?? 0)} % / ${percentText(shares[index + 1] ?? 0)} %`}
              onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
              onPointerMove={drag(index)}
              onKeyDown={(event) => {
                const step = event.shiftKey ? BIG_STEP : STEP;
                const move = { ArrowLeft: -step, ArrowDown: -step, ArrowRight: step, ArrowUp: step }[event.key];
                if (move === undefined) return;
                event.preventDefault();
                onShares(withBorder(shares, index, position + move));
              }}
            />
          ))
        : null}
    </div>
  );
}

export function SplitEditor({ split, names, off, onChange }: { split: WeightedVariation[]; names: string[]; off?: string | undefined; onChange: (split: WeightedVariation[]) => void }) {
  const t = useT();
  const shares = sharesOf(split.map(({ weight }) => weight));
  const unused = names.filter((name) => !split.some((part) => part.variation === name));
  const setShares = (next: number[]) => onChange(partsOf(split, next));
  const remove = (index: number) => {
    const rest = split.filter((_, at) => at !== index);
    onChange(partsOf(rest, sharesOf(rest.map(({ weight }) => weight))));
  };
  return (
    <div className={styles.split} role="group" aria-label={t('split.title')}>
      <SplitBar split={split} names={names} off={off} onShares={setShares} />
      {split.map((part, index) => (
        <div key={index} className={styles.splitRow}>
          <Select
            size="xs"
            aria-label={t('split.variation', { n: index + 1 })}
            data={names.filter((name) => name === part.variation || unused.includes(name))}
            value={part.variation}
            onChange={(name) => name !== null && onChange(split.map((other, at) => (at === index ? { ...other, variation: name } : other)))}
            leftSection={<span className={styles.swatch} style={{ background: variationColour(part.variation, names, off) }} />}
          />
          <NumberInput
            size="xs"
            aria-label={t('split.share', { variation: part.variation })}
            value={(shares[index] ?? 0) / 1000}
            onChange={(value) => {
              if (typeof value === 'number' && Math.round(value * 1000) !== shares[index]) setShares(withShare(shares, index, value * 1000));
            }}
            min={0}
            max={WHOLE / 1000}
            step={1}
            decimalScale={3}
            suffix=" %"
            disabled={split.length === 1}
            clampBehavior="strict"
          />
          <IconButton icon="close" label={t('split.remove', { variation: part.variation })} disabled={split.length <= 1} onClick={() => remove(index)} />
        </div>
      ))}
      <Group gap="xs">
        <Button
          size="compact-sm"
          variant="subtle"
          leftSection={<Icon name="plus" size={15} />}
          disabled={unused.length === 0}
          onClick={() => onChange(partsOf([...split, { variation: unused[0] ?? '', weight: 0 }], [...shares, 0]))}
        >
          {t('split.add')}
        </Button>
        <Button size="compact-sm" variant="subtle" disabled={split.length < 2} onClick={() => setShares(evenly(split.length))}>
          {t('split.even')}
        </Button>
      </Group>
    </div>
  );
}
