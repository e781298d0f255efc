// SPDX-License-Identifier: Apache-2.0
import { Button, Group, Modal, Textarea } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useRef, useState } from 'react';
import { Link, useBlocker, useNavigate, useParams } from 'react-router';
import { ApiError, ask, client, ifMatch } from '../api/client';
import { allFlagsQuery, queryClient, segmentQuery } from '../api/queries';
import type { Segment, SegmentInput } from '../api/types';
import { useAccess } from '../app/Session';
import { pathOf, useEnvironment } from '../app/environment';
import { GroupEditor } from '../flags/rules/ConditionEditor';
import { useT } from '../i18n/i18n';
import { DiffList } from '../shared/DiffList';
import { useConfirm, useTell } from '../shared/confirm';
import { differences, equal } from '../shared/diff';
import { Card, DangerButton, Empty, ErrorNotice, Loading, Notice, Page, Tag } from '../shared/ui';
import flagStyles from '../flags/flag.module.css';
import { flagsUsing } from './usage';

function draftOf(segment: Segment): SegmentInput {
  const { version: _v, createdAt: _c, updatedAt: _u, updatedBy: _b, ...draft } = segment;
  return draft;
}

const linesOf = (list: string[] | undefined) => (list ?? []).join('\n');
const listOf = (text: string) => [...new Set(text.split(/\r?\n|,/).map((line) => line.trim()).filter(Boolean))];

export function SegmentPage() {
  const t = useT();
  const env = useEnvironment();
  const { key = '' } = useParams();
  const { data, error, refetch } = useQuery(segmentQuery(env, key));
  if (data) return <Editor key={`${env}/${key}`} env={env} segment={data} />;
  return (
    <Page title={key}>
      {error instanceof ApiError && error.status === 404 ? <Empty icon="segment" title={t('segments.absent', { segment: key })}><Link to={pathOf(env, 'segments')}>{t('segments.toList')}</Link></Empty> : error ? <ErrorNotice error={error} retry={() => void refetch()} /> : <Loading />}
    </Page>
  );
}

function Editor({ env, segment }: { env: string; segment: Segment }) {
  const t = useT();
  const { may } = useAccess();
  const confirm = useConfirm();
  const tell = useTell();
  const navigate = useNavigate();
  const users = flagsUsing(useQuery(allFlagsQuery(env)).data ?? [], segment.segmentKey);
  const [base, setBase] = useState(segment);
  const [draft, setDraft] = useState<SegmentInput>(() => draftOf(segment));
  const [lists, setLists] = useState({ included: linesOf(segment.included), excluded: linesOf(segment.excluded) });
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const baseDraft = useMemo(() => draftOf(base), [base]);
  const dirty = !equal(baseDraft, draft);
  const dirtyNow = useRef(dirty);
  dirtyNow.current = dirty;
  const newer = segment.version !== base.version ? segment : undefined;
  const take = (next: Segment) => {
    setBase(next);
    setDraft(draftOf(next));
    setLists({ included: linesOf(next.included), excluded: linesOf(next.excluded) });
    setError(null);
  };
  useEffect(() => {
    if (newer && !dirtyNow.current) take(newer);
  }, [newer]);
  const blocker = useBlocker(({ currentLocation, nextLocation }) => dirtyNow.current && currentLocation.pathname !== nextLocation.pathname);
  const readOnly = !may('segments:write');
  const setList = (name: 'included' | 'excluded') => (event: { currentTarget: { value: string } }) => {
    const text = event.currentTarget.value;
    setLists((old) => ({ ...old, [name]: text }));
    setDraft((old) => ({ ...old, [name]: listOf(text) }));
  };

  const save = async () => {
    const yes = await confirm({
      title: t('segments.saveTitle', { segment: base.segmentKey }),
      env,
      wide: true,
      body: (
        <>
          {users.length > 0 ? <Notice tone="warn">{t('segments.changesFlags', { n: users.length })} {users.map(({ flagKey }) => flagKey).slice(0, 6).join(', ')}</Notice> : null}
          <DiffList changes={differences(baseDraft, draft)} />
        </>
      ),
      confirmLabel: t('common.save'),
    });
    if (!yes) return;
    setBusy(true);
    try {
      const saved = await ask(client.PUT('/api/v1/environments/{env}/segments/{key}', { params: { path: { env, key: base.segmentKey }, header: ifMatch(base.version) }, body: draft }));
      queryClient.setQueryData(segmentQuery(env, base.segmentKey).queryKey, saved);
      dirtyNow.current = false;
      take(saved);
      void queryClient.invalidateQueries({ queryKey: ['env', env] });
      tell.done(t('segments.saved', { segment: base.segmentKey }));
    } catch (failure) {
      setError(failure);
    }
    setBusy(false);
  };
  const remove = async () => {
    const yes = await confirm({ title: t('segments.deleteTitle', { segment: base.segmentKey }), env, danger: true, typed: base.segmentKey, confirmLabel: t('flag.delete') });
    if (!yes) return;
    try {
      await ask(client.DELETE('/api/v1/environments/{env}/segments/{key}', { params: { path: { env, key: base.segmentKey }, header: ifMatch(base.version) } }));
      dirtyNow.current = false;
      await navigate(pathOf(env, 'segments'));
      void queryClient.invalidateQueries({ queryKey: ['env', env] });
    } catch (failure) {
      tell.failed(failure);
    }
  };

  return (
    <Page title={base.segmentKey} lead={t('segments.lead')} actions={readOnly ? null : <DangerButton variant="light" onClick={() => void remove()}>{t('flag.delete')}</DangerButton>}>
      <div style={{ display: 'grid', gap: 16 }}>
        {newer && dirty ? <Notice tone="warn" live action={<Button size="xs" variant="default" onClick={() => take(newer)}>{t('merge.takeTheirs')}</Button>}>{t('segments.newer', { who: newer.updatedBy ?? '?' })}</Notice> : null}
        <Card title={t('segments.usedBy')}>
          {users.length === 0 ? <span style={{ color: 'var(--g-dim)', fontSize: '0.875rem' }}>{t('segments.unused')}</span> : <div style={{ display: 'flex', flexWrap: 'wrap', gap: 6 }}>{users.map(({ flagKey }) => <Link key={flagKey} to={pathOf(env, 'flags', flagKey)}><Tag>{flagKey}</Tag></Link>)}</div>}
        </Card>
        <Card title={t('segments.members')}>
          <fieldset className={flagStyles.fieldset} disabled={readOnly}>
            <Textarea size="xs" label={t('attribute.description')} value={draft.description ?? ''} onChange={(event) => { const text = event.currentTarget.value; setDraft((old) => ({ ...old, description: text })); }} autosize minRows={1} />
            <p style={{ margin: 0, fontSize: '0.84rem', color: 'var(--g-dim)' }}>{t('segments.order')}</p>
            <div className={flagStyles.grid}>
              <Textarea size="xs" label={t('segments.excluded')} description={t('segments.excludedText', { n: draft.excluded?.length ?? 0 })} autosize minRows={4} maxRows={14} value={lists.excluded} onChange={setList('excluded')} styles={{ input: { fontFamily: 'var(--g-mono)' } }} />
              <Textarea size="xs" label={t('segments.included')} description={t('segments.includedText', { n: draft.included?.length ?? 0 })} autosize minRows={4} maxRows={14} value={lists.included} onChange={setList('included')} styles={{ input: { fontFamily: 'var(--g-mono)' } }} />
            </div>
            <h3 style={{ margin: '4px 0 0', fontSize: '0.9rem' }}>{t('segments.conditions')}</h3>
            {draft.when ? (
              <GroupEditor group={draft.when} around={{ attributes: ['targetingKey', 'tenantId', 'email', 'plan', 'country'], segments: [] }} onChange={(when) => setDraft((old) => ({ ...old, when }))} onRemove={() => setDraft(({ when: _, ...rest }) => rest)} />
            ) : readOnly ? null : (
              <Group><Button size="compact-sm" variant="default" onClick={() => setDraft((old) => ({ ...old, when: { any: [{ attribute: '', operator: 'in', values: [] }] } }))}>{t('segments.addConditions')}</Button></Group>
            )}
          </fieldset>
        </Card>
        {error ? <ErrorNotice error={error} /> : null}
        {dirty && !readOnly ? (
          <div className={flagStyles.savebar} role="region" aria-label={t('flag.unsaved')}>
            <span>{t('flag.unsaved')}</span>
            <Button variant="subtle" color="gray" onClick={() => take(base)}>{t('flag.discard')}</Button>
            <Button loading={busy} onClick={() => void save()}>{t('flag.reviewAndSave')}</Button>
          </div>
        ) : null}
      </div>
      <Modal opened={blocker.state === 'blocked'} onClose={() => blocker.reset?.()} title={t('leave.title')} closeButtonProps={{ 'aria-label': t('common.close') }}>
        <p style={{ marginTop: 0 }}>{t('leave.text', { flag: base.segmentKey })}</p>
        <Group justify="flex-end" gap="xs">
          <Button variant="default" data-autofocus onClick={() => blocker.reset?.()}>{t('leave.stay')}</Button>
          <Button color="red" onClick={() => blocker.proceed?.()}>{t('leave.leave')}</Button>
        </Group>
      </Modal>
    </Page>
  );
}
