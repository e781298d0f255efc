// SPDX-License-Identifier: Apache-2.0
import rules from './rules/rules.module.css';

// White text on each of them reaches 4.5:1.
const COLOURS = ['#2059b8', '#a34a07', '#14713f', '#8a2f8f', '#8c1d3f', '#0b6b78', '#5a4fae', '#5d5a1f'];
const OFF = '#5a6573';

export function variationColour(name: string, names: string[], off?: string): string {
  if (name === off) return OFF;
  const others = names.filter((other) => other !== off);
  return COLOURS[Math.max(0, others.indexOf(name)) % COLOURS.length] ?? OFF;
}

export function VariationChip({ name, names, off }: { name: string; names: string[]; off?: string | undefined }) {
  return (
    <span className={rules.chip} title={name}>
      <span className={rules.swatch} style={{ background: variationColour(name, names, off) }} />
      <span>{name}</span>
    </span>
  );
}
