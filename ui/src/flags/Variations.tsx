// SPDX-License-Identifier: Apache-2.0
// Names and values that a flag can serve, each with an editor of the flag's type.
import { Button, Group, JsonInput, NumberInput, Select, TextInput, Textarea } from '@mantine/core';
import { useState } from 'react';
import type { Flag, FlagType, Json } from '../api/types';
import { useT } from '../i18n/i18n';
import { Icon } from '../shared/icons';
import { IconButton, Tag } from '../shared/ui';
import { renameVariation, usesOf, variationNames, type Draft } from './draft';
import { variationColour } from './Variation';
import rules from './rules/rules.module.css';
import styles from './flag.module.css';

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$/;
const COUNT_MAX = 100;

export const EMPTY_VALUE: Record<FlagType, Json> = { boolean: false, string: '', number: 0, object: {} };

export function Variations({ draft, readOnly, edit }: { draft: Draft; base?: Flag; readOnly: boolean; edit: (change: (old: Draft) => Draft) => void }) {
  const t = useT();
  const names = variationNames(draft);
  const type = draft.type ?? 'boolean';
  const setValue = (name: string, value: Json) => edit((old) => ({ ...old, variations: { ...old.variations, [name]: value as never } }));
  const add = () => {
    let number = names.length + 1;
    while (names.includes(`variation-${number}`)) ++number;
    setValue(`variation-${number}`, EMPTY_VALUE[type]);
  };
  const remove = (name: string) =>
    edit((old) => {
      const { [name]: _, ...rest } = old.variations ?? {};
      return { ...old, variations: rest };
    });
  return (
    <fieldset className={styles.fieldset} disabled={readOnly} style={{ gap: 0 }}>
      {names.map((name) => {
        const uses = usesOf(draft, name);
        return (
          <div key={names.indexOf(name)} className={styles.variation}>
            <span className={rules.swatch} style={{ background: variationColour(name, names, draft.offVariation) }} />
            <NameInput name={name} taken={names} readOnly={readOnly} onRename={(to) => edit((old) => renameVariation(old, name, to))} />
            <ValueEditor type={type} name={name} value={(draft.variations as Record<string, Json>)[name] ?? null} readOnly={readOnly} onChange={(value) => setValue(name, value)} />
            <span className={styles.roles}>
              {draft.defaultVariation === name ? <Tag tone="accent">{t('variations.default')}</Tag> : null}
              {draft.offVariation === name ? <Tag>{t('variations.off')}</Tag> : null}
              {draft.killVariation === name ? <Tag tone="bad">{t('variations.kill')}</Tag> : null}
            </span>
            {readOnly ? <span /> : <IconButton icon="trash" label={uses > 0 ? t('variations.inUse', { name, n: uses }) : t('variations.remove', { name })} disabled={uses > 0} onClick={() => remove(name)} />}
          </div>
        );
      })}
      {readOnly || names.length >= COUNT_MAX || type === 'boolean' ? null : (
        <Group mt="xs">
          <Button size="compact-sm" variant="subtle" leftSection={<Icon name="plus" size={15} />} onClick={add}>{t('variations.add')}</Button>
        </Group>
      )}
    </fieldset>
  );
}

// A name counts when it is whole: while it is typed, everything that uses it keeps the old one.
function NameInput({ name, taken, readOnly, onRename }: { name: string; taken: string[]; readOnly: boolean; onRename: (to: string) => void }) {
  const t = useT();
  const [text, setText] = useState<string | null>(null);
  const shown = text ?? name;
  const wrong = !NAME.test(shown) ? t('variations.nameWrong') : shown !== name && taken.includes(shown) ? t('variations.nameTaken') : undefined;
  const finish = () => {
    if (text !== null && !wrong && text !== name) onRename(text);
    setText(null);
  };
  return (
    <TextInput
      size="xs"
      aria-label={t('variations.name', { name })}
      value={shown}
      error={wrong}
      readOnly={readOnly}
      onChange={(event) => setText(event.currentTarget.value)}
      onBlur={finish}
      onKeyDown={(event) => {
        if (event.key === 'Enter') finish();
        if (event.key === 'Escape') setText(null);
      }}
    />
  );
}

export function ValueEditor({ type, name, value, readOnly, onChange }: { type: FlagType; name: string; value: Json; readOnly: boolean; onChange: (value: Json) => void }) {
  const t = useT();
  const label = t('variations.value', { name });
  switch (type) {
    case 'boolean':
      return <Select size="xs" aria-label={label} data={['true', 'false']} value={String(value)} disabled={readOnly} onChange={(text) => onChange(text === 'true')} maw={140} />;
    case 'number':
      return <NumberInput size="xs" aria-label={label} value={typeof value === 'number' ? value : 0} readOnly={readOnly} onChange={(number) => typeof number === 'number' && onChange(number)} maw={220} />;
    case 'string':
      return <Textarea size="xs" aria-label={label} autosize minRows={1} maxRows={8} value={typeof value === 'string' ? value : ''} readOnly={readOnly} onChange={(event) => onChange(event.currentTarget.value)} />;
    case 'object':
      return <ObjectEditor label={label} value={value} readOnly={readOnly} onChange={onChange} />;
  }
}

// Text that is not yet an object stays in the field and changes nothing.
function ObjectEditor({ label, value, readOnly, onChange }: { label: string; value: Json; readOnly: boolean; onChange: (value: Json) => void }) {
  const t = useT();
  const [text, setText] = useState(() => JSON.stringify(value, null, 2));
  const [wrong, setWrong] = useState<string | null>(null);
  const [kept, setKept] = useState(value);
  if (kept !== value) {
    // It came from elsewhere: restored, discarded, merged.
    setKept(value);
    setText(JSON.stringify(value, null, 2));
    setWrong(null);
  }
  return (
    <JsonInput
      size="xs"
      aria-label={label}
      autosize
      minRows={2}
      maxRows={16}
      styles={{ input: { fontFamily: 'var(--g-mono)' } }}
      value={text}
      readOnly={readOnly}
      error={wrong}
      onChange={(next) => {
        setText(next);
        try {
          const parsed = JSON.parse(next) as Json;
          if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw new Error(t('variations.notObject'));
          setWrong(null);
          setKept(parsed);
          onChange(parsed);
        } catch (error) {
          setWrong(`${t('variations.jsonWrong')} ${error instanceof Error ? error.message : ''}`);
        }
      }}
    />
  );
}

