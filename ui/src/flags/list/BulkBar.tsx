// SPDX-License-Identifier: Apache-2.0
// One change for many flags: shown as a list first, made one by one, each with the version that was seen.
import { Button, Menu, Modal, TextInput } from '@mantine/core';
import { useState } from 'react';
import { queryClient } from '../../api/queries';
import type { Flag, FlagInput } from '../../api/types';
import { useT } from '../../i18n/i18n';
import { useConfirm, useTell } from '../../shared/confirm';
import { Icon } from '../../shared/icons';
import { errorText, sharedStyles } from '../../shared/ui';
import { patchFlag, showFlag } from '../useFlagChanges';
import styles from './list.module.css';

// Enough to be quick, few enough to leave the server to others.
const AT_ONCE = 6;
const LISTED_MAX = 12;

type Patch = Partial<Record<keyof FlagInput, unknown>>;
type Change = { title: string; label: string; patch: (flag: Flag) => Patch | null; back?: (flag: Flag) => Patch };

export function BulkBar({ env, flags, onClear }: { env: string; flags: Flag[]; onClear: () => void }) {
  const t = useT();
  const confirm = useConfirm();
  const tell = useTell();
  const [done, setDone] = useState<number | null>(null);
  const [field, setField] = useState<'tag' | 'owner' | null>(null);
  const [text, setText] = useState('');

  const apply = async (change: Change, chosen: Flag[], ask: boolean) => {
    const work = chosen.map((flag) => ({ flag, patch: change.patch(flag) })).filter((entry): entry is { flag: Flag; patch: Patch } => entry.patch !== null);
    if (work.length === 0) {
      tell.done(t('bulk.nothing'));
      return;
    }
    if (ask) {
      const names = work.map(({ flag }) => flag.flagKey);
      const yes = await confirm({
        title: change.title,
        env,
        body: (
          <div>
            <p style={{ margin: '0 0 6px' }}>{t('bulk.willChange', { n: work.length })}</p>
            <p className={sharedStyles.code} style={{ whiteSpace: 'pre-wrap' }}>
              {names.slice(0, LISTED_MAX).join('\n') + (names.length > LISTED_MAX ? `\n… +${names.length - LISTED_MAX}` : '')}
            </p>
          </div>
        ),
        confirmLabel: change.label,
      });
      if (!yes) return;
    }
    setDone(0);
    const changed: Flag[] = [];
    const failed: string[] = [];
    let next = 0;
    const worker = async () => {
      for (let entry = work[next++]; entry; entry = work[next++]) {
        try {
          const result = await patchFlag(env, entry.flag, entry.patch);
          delete result.warnings;
          changed.push(result);
        } catch (error) {
          failed.push(`${entry.flag.flagKey}: ${errorText(error, t).text}`);
        }
        setDone((count) => (count ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    for (const flag of changed) showFlag(env, flag);
    void queryClient.invalidateQueries({ queryKey: ['env', env] });
    setDone(null);
    const { back } = change;
    if (changed.length > 0) tell.done(t('bulk.done', { n: changed.length }), back ? () => void apply({ ...change, patch: back }, changed, false) : undefined);
    if (failed.length > 0) tell.failed(new Error(`${t('bulk.failed', { n: failed.length })} ${failed.slice(0, 3).join(' · ')}`));
    onClear();
  };

  const toggle = (enabled: boolean): Change => ({
    title: t(enabled ? 'bulk.askOn' : 'bulk.askOff', { n: flags.length }),
    label: t(enabled ? 'toggle.doOn' : 'toggle.doOff'),
    patch: (flag) => (flag.defaultEnabled === enabled ? null : { defaultEnabled: enabled }),
    back: () => ({ defaultEnabled: !enabled }),
  });
  const archive: Change = { title: t('bulk.askArchive', { n: flags.length }), label: t('flag.archive'), patch: (flag) => (flag.state === 'ARCHIVED' ? null : { state: 'ARCHIVED' }) };
  const withField = (): Change =>
    field === 'tag'
      ? { title: t('bulk.askTag', { tag: text }), label: t('bulk.addTag'), patch: (flag) => (flag.tags?.includes(text) ? null : { tags: [...(flag.tags ?? []), text] }) }
      : { title: t('bulk.askOwner', { owner: text }), label: t('bulk.setOwner'), patch: (flag) => (flag.owner === text ? null : { owner: text }) };

  return (
    <>
      <div className={styles.bulk} role="toolbar" aria-label={t('bulk.title')}>
        <strong>{done === null ? t('bulk.selected', { n: flags.length }) : t('bulk.progress', { n: done, all: flags.length })}</strong>
        <Button size="compact-sm" variant="default" disabled={done !== null} onClick={() => void apply(toggle(true), flags, true)}>{t('toggle.doOn')}</Button>
        <Button size="compact-sm" variant="default" disabled={done !== null} onClick={() => void apply(toggle(false), flags, true)}>{t('toggle.doOff')}</Button>
        <Menu>
          <Menu.Target>
            <Button size="compact-sm" variant="default" disabled={done !== null} rightSection={<Icon name="down" size={14} />}>{t('bulk.more')}</Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item onClick={() => { setText(''); setField('tag'); }}>{t('bulk.addTag')}…</Menu.Item>
            <Menu.Item onClick={() => { setText(''); setField('owner'); }}>{t('bulk.setOwner')}…</Menu.Item>
            <Menu.Item leftSection={<Icon name="archive" size={15} />} onClick={() => void apply(archive, flags, true)}>{t('flag.archive')}</Menu.Item>
          </Menu.Dropdown>
        </Menu>
        <Button size="compact-sm" variant="subtle" color="gray" onClick={onClear} disabled={done !== null}>{t('bulk.clear')}</Button>
      </div>
      <Modal opened={field !== null} onClose={() => setField(null)} title={field === 'tag' ? t('bulk.addTag') : t('bulk.setOwner')} closeButtonProps={{ 'aria-label': t('common.close') }}>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            const change = withField();
            setField(null);
            void apply(change, flags, true);
          }}
        >
          <TextInput data-autofocus label={field === 'tag' ? t('flags.tag') : t('attribute.owner')} value={text} onChange={(event) => setText(event.currentTarget.value)} maxLength={64} />
          <Button type="submit" mt="md" disabled={!text.trim()}>{t('bulk.next')}</Button>
        </form>
      </Modal>
    </>
  );
}
