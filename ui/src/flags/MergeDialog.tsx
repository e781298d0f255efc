// SPDX-License-Identifier: Apache-2.0
// Two people changed one flag: what the other did, what is merged by itself, and a choice where both meant the same thing.
import { Button, Group, Modal, Radio } from '@mantine/core';
import { useState } from 'react';
import type { Flag, Json } from '../api/types';
import { useT } from '../i18n/i18n';
import { DiffList } from '../shared/DiffList';
import { attributeLabel } from '../shared/labels';
import { Notice, Time } from '../shared/ui';
import { changesOf, draftOf, type Draft, type Merge } from './draft';
import styles from './flag.module.css';

const textOf = (value: Json | undefined) => (value === undefined ? '–' : typeof value === 'string' ? value : JSON.stringify(value, null, 2));

export function MergeDialog({ mine, theirs, merge, onClose, onMerged }: { mine: Draft; theirs: Flag; merge: Merge; onClose: () => void; onMerged: (merged: Draft) => void }) {
  const t = useT();
  const [choices, setChoices] = useState<Record<string, 'mine' | 'theirs'>>({});
  const decided = merge.clashes.every(({ attribute }) => choices[attribute]);
  const theirDraft = draftOf(theirs);
  const finish = () => {
    const merged = { ...merge.merged } as Record<string, unknown>;
    for (const { attribute } of merge.clashes) {
      const value = choices[attribute] === 'theirs' ? theirDraft[attribute as keyof Draft] : mine[attribute as keyof Draft];
      if (value === undefined) delete merged[attribute];
      else merged[attribute] = value;
    }
    onMerged(merged as Draft);
  };
  return (
    <Modal opened onClose={onClose} title={t('merge.title')} size="lg" closeButtonProps={{ 'aria-label': t('common.close') }}>
      <div style={{ display: 'grid', gap: 14 }}>
        <Notice tone="warn">
          <p>
            {t('merge.text', { who: theirs.updatedBy ?? '?', n: theirs.version })} <Time at={theirs.updatedAt} relative />
          </p>
        </Notice>
        {merge.clashes.map(({ attribute, mine: own, theirs: other }) => (
          <fieldset key={attribute} className={styles.clash}>
            <legend style={{ fontWeight: 600, fontSize: '0.875rem' }}>{attributeLabel(attribute, t)}</legend>
            <Radio.Group value={choices[attribute] ?? ''} onChange={(value) => setChoices((old) => ({ ...old, [attribute]: value as 'mine' | 'theirs' }))} aria-label={attributeLabel(attribute, t)}>
              <div style={{ display: 'grid', gap: 8 }}>
                <Radio value="mine" label={t('merge.mine')} description={<pre>{textOf(own)}</pre>} />
                <Radio value="theirs" label={t('merge.theirs')} description={<pre>{textOf(other)}</pre>} />
              </div>
            </Radio.Group>
          </fieldset>
        ))}
        {merge.clashes.length === 0 ? (
          <>
            <p style={{ margin: 0 }}>{t('merge.noClash')}</p>
            <DiffList changes={changesOf(theirDraft, merge.merged)} />
          </>
        ) : null}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>{t('merge.later')}</Button>
          <Button variant="default" onClick={() => onMerged(theirDraft)}>{t('merge.takeTheirs')}</Button>
          <Button disabled={!decided} onClick={finish}>{t('merge.apply')}</Button>
        </Group>
      </div>
    </Modal>
  );
}
