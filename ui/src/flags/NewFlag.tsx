// SPDX-License-Identifier: Apache-2.0
// A flag begins switched off: everything else is set on its own page, where it can be looked at first.
import { Button, Checkbox, Group, SegmentedControl, TagsInput, TextInput, Textarea } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useNavigate, useSearchParams } from 'react-router';
import { ask, client } from '../api/client';
import { flagQuery, queryClient } from '../api/queries';
import type { FlagInput, FlagType } from '../api/types';
import { pathOf, useEnvironment } from '../app/environment';
import { useT } from '../i18n/i18n';
import { useTell } from '../shared/confirm';
import { Card, ErrorNotice, Notice, Page } from '../shared/ui';
import { Variations } from './Variations';
import { draftOf, type Draft } from './draft';
import { DateTimeInput } from './DateTimeInput';
import styles from './flag.module.css';

const KEY = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,127}$/;
const START: Record<FlagType, Pick<Draft, 'variations' | 'defaultVariation' | 'offVariation'>> = {
  boolean: { variations: { on: true as never, off: false as never }, defaultVariation: 'on', offVariation: 'off' },
  string: { variations: { new: 'new' as never, old: 'old' as never }, defaultVariation: 'new', offVariation: 'old' },
  number: { variations: { high: 10 as never, low: 1 as never }, defaultVariation: 'high', offVariation: 'low' },
  object: { variations: { new: { enabled: true } as never, old: { enabled: false } as never }, defaultVariation: 'new', offVariation: 'old' },
};

export function NewFlag() {
  const t = useT();
  const env = useEnvironment();
  const navigate = useNavigate();
  const tell = useTell();
  const [parameters] = useSearchParams();
  const from = parameters.get('from') ?? '';
  const model = useQuery({ ...flagQuery(env, from), enabled: from !== '' }).data;
  const [draft, setDraft] = useState<Draft>({ type: 'boolean', defaultEnabled: false, ...START.boolean });
  const [key, setKey] = useState('');
  const [touched, setTouched] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    if (model) {
      const { flagKey: _, ...rest } = draftOf(model);
      setDraft({ ...rest, defaultEnabled: false });
    }
  }, [model]);
  const set = (patch: Partial<Draft>) => setDraft((old) => ({ ...old, ...patch }));
  const wrong = key !== '' || touched ? (KEY.test(key) ? undefined : t('newFlag.keyWrong')) : undefined;

  const create = async () => {
    setBusy(true);
    setError(null);
    try {
      const body: FlagInput = { ...draft, flagKey: key };
      delete body.environment;
      await ask(client.POST('/api/v1/environments/{env}/flags', { params: { path: { env } }, body }));
      tell.done(t('newFlag.done', { flag: key, env }));
      void queryClient.invalidateQueries({ queryKey: ['env', env] });
      await navigate(pathOf(env, 'flags', key));
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };

  return (
    <Page title={from ? t('newFlag.copyOf', { flag: from }) : t('flags.new')} lead={t('newFlag.lead', { env })}>
      <form
        style={{ display: 'grid', gap: 16, maxWidth: 820 }}
        onSubmit={(event) => {
          event.preventDefault();
          setTouched(true);
          if (KEY.test(key)) void create();
        }}
      >
        <Card>
          <div className={styles.fieldset}>
            <TextInput label={t('attribute.flagKey')} description={t('newFlag.keyText')} value={key} onChange={(event) => setKey(event.currentTarget.value)} onBlur={() => setTouched(key !== '')} error={wrong} required autoFocus spellCheck={false} autoComplete="off" styles={{ input: { fontFamily: 'var(--g-mono)' } }} />
            <Textarea label={t('attribute.description')} autosize minRows={1} maxRows={5} value={draft.description ?? ''} onChange={(event) => set({ description: event.currentTarget.value || undefined })} />
            <div className={styles.grid}>
              <TextInput label={t('attribute.owner')} value={draft.owner ?? ''} onChange={(event) => set({ owner: event.currentTarget.value || undefined })} maxLength={128} />
              <TagsInput label={t('attribute.tags')} value={draft.tags ?? []} onChange={(tags) => set({ tags })} acceptValueOnBlur />
              <DateTimeInput label={t('attribute.expiresAt')} value={draft.expiresAt} onChange={(expiresAt) => set({ expiresAt })} />
            </div>
            <Checkbox label={t('attribute.clientVisible')} description={t('flag.clientVisibleText')} checked={draft.clientVisible ?? false} onChange={(event) => set({ clientVisible: event.currentTarget.checked })} />
          </div>
        </Card>
        <Card title={t('flags.type')}>
          <SegmentedControl aria-label={t('flags.type')} value={draft.type ?? 'boolean'} disabled={from !== ''} onChange={(value) => set({ type: value as FlagType, ...START[value as FlagType] })} data={(['boolean', 'string', 'number', 'object'] as const).map((value) => ({ value, label: t(`type.${value}`) }))} />
          <h3 style={{ margin: '16px 0 4px', fontSize: '0.9rem' }}>{t('variations.title')}</h3>
          <Variations key={draft.type} draft={draft} readOnly={false} edit={setDraft} />
        </Card>
        <Notice>{t('newFlag.startsOff')}</Notice>
        {error ? <ErrorNotice error={error} /> : null}
        <Group>
          <Button type="submit" loading={busy}>{t('newFlag.create')}</Button>
          <Button variant="default" onClick={() => void navigate(pathOf(env, 'flags'))}>{t('common.cancel')}</Button>
        </Group>
      </form>
    </Page>
  );
}
