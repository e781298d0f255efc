// SPDX-License-Identifier: Apache-2.0
// One flag. Editing is a draft until it is saved; the draft outlives other people's changes.
import { Button, Menu, Modal, Tabs } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useBlocker, useNavigate, useParams } from 'react-router';
import { ApiError, ask, client, ifMatch } from '../api/client';
import { flagQuery, queryClient } from '../api/queries';
import type { Explanation, Flag } from '../api/types';
import { useAccess } from '../app/Session';
import { pathOf, useEnvironment } from '../app/environment';
import { useT } from '../i18n/i18n';
import { DiffList } from '../shared/DiffList';
import { useConfirm, useTell } from '../shared/confirm';
import { equal } from '../shared/diff';
import { Icon } from '../shared/icons';
import { CopyButton, Empty, ErrorNotice, Loading, Notice, Page, Tag, Time } from '../shared/ui';
import { Evaluation } from './Evaluation';
import { MergeDialog } from './MergeDialog';
import { Playground } from './Playground';
import { changesOf, draftOf, merge, type Draft, type Merge } from './draft';
import { StateTag } from './state';
import styles from './flag.module.css';

const Compare = lazy(async () => ({ default: (await import('./Compare')).Compare }));
const History = lazy(async () => ({ default: (await import('./History')).History }));
const Usage = lazy(async () => ({ default: (await import('./Usage')).Usage }));
const Snippets = lazy(async () => ({ default: (await import('./Snippets')).Snippets }));

const TABS = ['evaluation', 'usage', 'compare', 'history', 'code'] as const;

export function FlagPage() {
  const env = useEnvironment();
  const { key = '' } = useParams();
  // While it is being deleted nobody asks for it any more: a poll between the answer and the way out would find nothing.
  const [deleting, setDeleting] = useState(false);
  const { data, error, refetch } = useQuery({ ...flagQuery(env, key), enabled: !deleting });
  const t = useT();
  if (!data) {
    const gone = error instanceof ApiError && error.status === 404;
    return (
      <Page title={key}>
        {gone ? <Absent env={env} flagKey={key} /> : error ? <ErrorNotice error={error} retry={() => void refetch()} /> : <Loading lines={10} />}
      </Page>
    );
  }
  return <Editor key={`${env}/${key}`} env={env} flag={data} deleting={deleting} setDeleting={setDeleting} gone={error instanceof ApiError && error.status === 404 ? t('flag.deletedMeanwhile') : undefined} />;
}

function Absent({ env, flagKey }: { env: string; flagKey: string }) {
  const t = useT();
  const navigate = useNavigate();
  return (
    <Empty icon="flag" title={t('flag.absent', { flag: flagKey, env })} action={<Button variant="default" onClick={() => void navigate(pathOf(env, 'flags'))}>{t('flag.toList')}</Button>}>
      {t('flag.absentText')}
    </Empty>
  );
}

function Editor({ env, flag, gone, deleting, setDeleting }: { env: string; flag: Flag; gone: string | undefined; deleting: boolean; setDeleting: (deleting: boolean) => void }) {
  const t = useT();
  const { may } = useAccess();
  const confirm = useConfirm();
  const tell = useTell();
  const navigate = useNavigate();
  const { tab = 'evaluation' } = useParams();
  const writes = may('flags:write') && !gone;
  const [base, setBase] = useState(flag);
  const [draft, setDraft] = useState<Draft>(() => draftOf(flag));
  const [saving, setSaving] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const [merging, setMerging] = useState<{ theirs: Flag; merge: Merge } | null>(null);
  const [explanation, setExplanation] = useState<Explanation | null>(null);

  const baseDraft = useMemo(() => draftOf(base), [base]);
  const dirty = !equal(baseDraft, draft);
  const dirtyNow = useRef(dirty);
  dirtyNow.current = dirty;

  // Somebody else's change: shown at once where nothing is being edited, offered otherwise.
  const newer = flag.version !== base.version ? flag : undefined;
  useEffect(() => {
    if (newer && !dirtyNow.current) {
      setBase(newer);
      setDraft(draftOf(newer));
    }
  }, [newer]);

  const blocker = useBlocker(
    useCallback(
      ({ currentLocation, nextLocation }: { currentLocation: { pathname: string }; nextLocation: { pathname: string } }) =>
        // The tabs of this flag are one page.
        dirtyNow.current && !nextLocation.pathname.startsWith(pathOf(env, 'flags', base.flagKey)) && currentLocation.pathname !== nextLocation.pathname,
      [env, base.flagKey],
    ),
  );
  useEffect(() => {
    if (!dirty) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener('beforeunload', ask);
    return () => window.removeEventListener('beforeunload', ask);
  }, [dirty]);

  const startMerge = useCallback(
    (theirs: Flag) => setMerging({ theirs, merge: merge(baseDraft, draft, draftOf(theirs)) }),
    [baseDraft, draft],
  );

  const put = async (body: Draft, version: number) => {
    setSaving(true);
    setFailure(null);
    try {
      const saved = await ask(
        client.PUT('/api/v1/environments/{env}/flags/{key}', { params: { path: { env, key: base.flagKey }, header: ifMatch(version) }, body }),
      );
      delete saved.warnings;
      queryClient.setQueryData(flagQuery(env, base.flagKey).queryKey, saved);
      setBase(saved);
      setDraft(draftOf(saved));
      dirtyNow.current = false;
      void queryClient.invalidateQueries({ queryKey: ['env', env] });
      tell.done(t('flag.saved', { flag: base.flagKey, env }));
    } catch (error) {
      if (error instanceof ApiError && error.isConflict) {
        try {
          const theirs = await queryClient.fetchQuery({ ...flagQuery(env, base.flagKey), staleTime: 0 });
          startMerge(theirs);
        } catch (second) {
          setFailure(second);
        }
      } else {
        setFailure(error);
      }
    }
    setSaving(false);
  };

  const save = async () => {
    const changes = changesOf(baseDraft, draft);
    const yes = await confirm({ title: t('flag.saveTitle', { flag: base.flagKey }), env, wide: true, body: <DiffList changes={changes} />, confirmLabel: t('flag.saveConfirm', { n: changes.length }) });
    if (yes) await put(draft, base.version);
  };

  const remove = async () => {
    const yes = await confirm({ title: t('flag.deleteTitle', { flag: base.flagKey }), env, danger: true, typed: base.flagKey, body: <p style={{ margin: 0 }}>{t('flag.deleteText')}</p>, confirmLabel: t('flag.delete') });
    if (!yes) return;
    setDeleting(true);
    try {
      await ask(client.DELETE('/api/v1/environments/{env}/flags/{key}', { params: { path: { env, key: base.flagKey }, header: ifMatch(base.version) } }));
      dirtyNow.current = false;
      tell.done(t('flag.deleted', { flag: base.flagKey }));
      await navigate(pathOf(env, 'flags'));
      queryClient.removeQueries({ predicate: ({ queryKey }) => queryKey[1] === env && queryKey[3] === base.flagKey });
      void queryClient.invalidateQueries({ queryKey: ['env', env] });
    } catch (error) {
      setDeleting(false);
      tell.failed(error);
    }
  };

  const setState = async (state: Flag['state']) => {
    const yes = await confirm({ title: t(state === 'ARCHIVED' ? 'flag.archiveTitle' : 'flag.restoreTitle', { flag: base.flagKey }), env, body: <p style={{ margin: 0 }}>{t(state === 'ARCHIVED' ? 'flag.archiveText' : 'flag.restoreText')}</p>, confirmLabel: t(state === 'ARCHIVED' ? 'flag.archive' : 'flag.unarchive') });
    if (yes) await put({ ...draftOf(base), state }, base.version);
  };

  const edit = useCallback((change: (old: Draft) => Draft) => setDraft(change), []);
  const draftWins = useCallback((content: Draft) => {
    setDraft({ ...content });
    void navigate(pathOf(env, 'flags', content.flagKey ?? ''));
  }, [env, navigate]);
  const toTab = (next: string | null) => void navigate(next === 'evaluation' || next === null ? pathOf(env, 'flags', base.flagKey) : pathOf(env, 'flags', base.flagKey, next), { replace: true });
  const current = TABS.find((name) => name === tab) ?? 'evaluation';
  if (deleting) return <Page title={base.flagKey}><Loading lines={10} /></Page>;

  return (
    <Page
      title={base.flagKey}
      lead={
        <>
          {base.description}
          <span className={styles.headTags}>
            <StateTag flag={base} />
            <Tag>{t(`type.${base.type}`)}</Tag>
            {base.owner ? <Tag><Icon name="tenant" size={12} />{base.owner}</Tag> : null}
            {base.tenantId ? <Tag tone="accent">{t('flag.ofTenant', { tenant: base.tenantId })}</Tag> : null}
            {(base.tags ?? []).map((tag) => <Tag key={tag}>{tag}</Tag>)}
            <span>
              v{base.version} · <Time at={base.updatedAt} relative />
              {base.updatedBy ? ` · ${base.updatedBy}` : ''}
            </span>
          </span>
        </>
      }
      actions={
        <>
          <CopyButton text={base.flagKey} label={t('flag.copyKey')} />
          {writes ? (
            <Menu position="bottom-end">
              <Menu.Target>
                <Button variant="default" rightSection={<Icon name="down" size={15} />}>{t('flag.actions')}</Button>
              </Menu.Target>
              <Menu.Dropdown>
                <Menu.Item leftSection={<Icon name="copy" size={16} />} onClick={() => void navigate(`${pathOf(env, 'new-flag')}?from=${encodeURIComponent(base.flagKey)}`)}>{t('flag.duplicate')}</Menu.Item>
                {base.state === 'ARCHIVED' ? (
                  <Menu.Item leftSection={<Icon name="undo" size={16} />} onClick={() => void setState('ENABLED')}>{t('flag.unarchive')}</Menu.Item>
                ) : (
                  <Menu.Item leftSection={<Icon name="archive" size={16} />} disabled={dirty} onClick={() => void setState('ARCHIVED')}>{t('flag.archive')}</Menu.Item>
                )}
                <Menu.Divider />
                <Menu.Item color="red" leftSection={<Icon name="trash" size={16} />} onClick={() => void remove()}>{t('flag.delete')}</Menu.Item>
              </Menu.Dropdown>
            </Menu>
          ) : null}
        </>
      }
    >
      {gone ? <div style={{ marginBottom: 12 }}><Notice tone="bad" live>{gone}</Notice></div> : null}
      {newer && dirty ? (
        <div style={{ marginBottom: 12 }}>
          <Notice tone="warn" live action={<Button size="xs" variant="default" onClick={() => startMerge(newer)}>{t('merge.review')}</Button>}>
            {t('merge.newer', { who: newer.updatedBy ?? '?', n: newer.version })}
          </Notice>
        </div>
      ) : null}
      <Tabs value={current} onChange={toTab} className={styles.tabs} keepMounted={false}>
        <Tabs.List>
          <Tabs.Tab value="evaluation">{t('flag.tabEvaluation')}</Tabs.Tab>
          <Tabs.Tab value="usage">{t('flag.tabUsage')}</Tabs.Tab>
          <Tabs.Tab value="compare">{t('flag.tabCompare')}</Tabs.Tab>
          {may('audit:read') ? <Tabs.Tab value="history">{t('flag.tabHistory')}</Tabs.Tab> : null}
          <Tabs.Tab value="code">{t('flag.tabCode')}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="evaluation" pt="md">
          <div className={styles.layout}>
            <Evaluation env={env} draft={draft} base={base} dirty={dirty} readOnly={!writes} edit={edit} explanation={explanation} />
            <aside className={styles.aside} aria-label={t('playground.title')}>
              <Playground env={env} flag={base} dirty={dirty} explanation={explanation} onExplanation={setExplanation} />
            </aside>
          </div>
        </Tabs.Panel>
        <Tabs.Panel value="usage" pt="md"><Suspense fallback={<Loading />}><Usage env={env} flag={base} /></Suspense></Tabs.Panel>
        <Tabs.Panel value="compare" pt="md"><Suspense fallback={<Loading />}><Compare env={env} flag={base} /></Suspense></Tabs.Panel>
        <Tabs.Panel value="history" pt="md"><Suspense fallback={<Loading />}><History env={env} flag={base} writes={writes} onRestore={draftWins} /></Suspense></Tabs.Panel>
        <Tabs.Panel value="code" pt="md"><Suspense fallback={<Loading />}><Snippets env={env} flag={base} /></Suspense></Tabs.Panel>
      </Tabs>
      {failure ? <ErrorNotice error={failure} /> : null}
      {dirty && writes ? (
        <div className={styles.savebar} role="region" aria-label={t('flag.unsaved')}>
          <span>{t('flag.unsavedCount', { n: changesOf(baseDraft, draft).length })}</span>
          <Button variant="subtle" color="gray" onClick={() => { setDraft(baseDraft); setFailure(null); }}>{t('flag.discard')}</Button>
          <Button loading={saving} onClick={() => void save()}>{t('flag.reviewAndSave')}</Button>
        </div>
      ) : null}
      {merging ? (
        <MergeDialog
          mine={draft}
          theirs={merging.theirs}
          merge={merging.merge}
          onClose={() => setMerging(null)}
          onMerged={(merged) => {
            setBase(merging.theirs);
            setDraft(merged);
            setMerging(null);
          }}
        />
      ) : null}
      <Modal opened={blocker.state === 'blocked'} onClose={() => blocker.reset?.()} title={t('leave.title')} closeButtonProps={{ 'aria-label': t('common.close') }}>
        <p style={{ marginTop: 0 }}>{t('leave.text', { flag: base.flagKey })}</p>
        <div style={{ display: 'flex', gap: 8, justifyContent: 'flex-end' }}>
          <Button variant="default" data-autofocus onClick={() => blocker.reset?.()}>{t('leave.stay')}</Button>
          <Button color="red" onClick={() => blocker.proceed?.()}>{t('leave.leave')}</Button>
        </div>
      </Modal>
    </Page>
  );
}

