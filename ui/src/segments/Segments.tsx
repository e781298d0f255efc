// SPDX-License-Identifier: Apache-2.0
import { Button, Modal, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link, useNavigate, useSearchParams } from 'react-router';
import { ask, client } from '../api/client';
import { allFlagsQuery, queryClient, segmentsQuery } from '../api/queries';
import { useAccess } from '../app/Session';
import { pathOf, useEnvironment } from '../app/environment';
import { describeGroup } from '../flags/rules/describe';
import { useT } from '../i18n/i18n';
import { Icon } from '../shared/icons';
import { Card, Empty, ErrorNotice, Loading, Page, Tag, Time, sharedStyles } from '../shared/ui';
import { flagsUsing } from './usage';

const KEY = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,127}$/;

export function Segments() {
  const t = useT();
  const env = useEnvironment();
  const { may } = useAccess();
  const query = useQuery(segmentsQuery(env));
  const flags = useQuery(allFlagsQuery(env)).data ?? [];
  const [parameters, setParameters] = useSearchParams();
  const [adding, setAdding] = useState(false);
  const wanted = (parameters.get('q') ?? '').toLowerCase();
  const shown = query.data?.filter(({ segmentKey, description }) => `${segmentKey} ${description ?? ''}`.toLowerCase().includes(wanted));
  return (
    <Page
      title={t('nav.segments')}
      lead={t('segments.lead')}
      actions={may('segments:write') ? <Button leftSection={<Icon name="plus" size={16} />} onClick={() => setAdding(true)}>{t('segments.new')}</Button> : null}
    >
      <Card flush>
        <div style={{ padding: 12, borderBottom: '1px solid var(--g-border)' }}>
          <TextInput data-page-search type="search" maw={420} aria-label={t('segments.search')} placeholder={t('segments.search')} leftSection={<Icon name="search" size={16} />} defaultValue={parameters.get('q') ?? ''} onChange={(event) => setParameters(event.currentTarget.value ? { q: event.currentTarget.value } : {}, { replace: true })} />
        </div>
        {query.error && !query.data ? <ErrorNotice error={query.error} retry={() => void query.refetch()} /> : query.isPending ? <Loading /> : shown?.length === 0 ? (
          <Empty icon="segment" title={wanted ? t('segments.noneFound') : t('segments.none')}>{t('segments.noneText')}</Empty>
        ) : (
          <div className={sharedStyles.scroll}>
            <table className={sharedStyles.table} style={{ minWidth: 640 }}>
              <thead>
                <tr><th scope="col">{t('segments.segment')}</th><th scope="col">{t('segments.members')}</th><th scope="col">{t('segments.usedBy')}</th><th scope="col">{t('flags.updated')}</th></tr>
              </thead>
              <tbody>
                {shown?.map((segment) => {
                  const users = flagsUsing(flags, segment.segmentKey);
                  return (
                    <tr key={segment.segmentKey}>
                      <td>
                        <Link to={pathOf(env, 'segments', segment.segmentKey)} style={{ fontWeight: 600 }}>{segment.segmentKey}</Link>
                        <div style={{ color: 'var(--g-dim)', fontSize: '0.82rem' }}>{segment.description}</div>
                      </td>
                      <td style={{ fontSize: '0.84rem' }}>
                        {t('segments.counts', { included: segment.included?.length ?? 0, excluded: segment.excluded?.length ?? 0 })}
                        {segment.when ? <div style={{ color: 'var(--g-dim)' }}>{describeGroup(segment.when, t)}</div> : null}
                      </td>
                      <td>
                        {users.length === 0 ? <span style={{ color: 'var(--g-dim)' }}>–</span> : users.slice(0, 4).map((flag) => <Link key={flag.flagKey} to={pathOf(env, 'flags', flag.flagKey)} style={{ marginRight: 4 }}><Tag>{flag.flagKey}</Tag></Link>)}
                        {users.length > 4 ? <Tag>+{users.length - 4}</Tag> : null}
                      </td>
                      <td style={{ color: 'var(--g-dim)' }}><Time at={segment.updatedAt} relative /></td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
          </div>
        )}
      </Card>
      {adding ? <NewSegment env={env} onClose={() => setAdding(false)} /> : null}
    </Page>
  );
}

function NewSegment({ env, onClose }: { env: string; onClose: () => void }) {
  const t = useT();
  const navigate = useNavigate();
  const [key, setKey] = useState('');
  const [description, setDescription] = useState('');
  const [error, setError] = useState<unknown>(null);
  const wrong = key !== '' && !KEY.test(key) ? t('newFlag.keyWrong') : undefined;
  const create = async () => {
    try {
      await ask(client.POST('/api/v1/environments/{env}/segments', { params: { path: { env } }, body: { segmentKey: key, ...(description ? { description } : {}) } }));
      void queryClient.invalidateQueries({ queryKey: ['env', env] });
      await navigate(pathOf(env, 'segments', key));
    } catch (failure) {
      setError(failure);
    }
  };
  return (
    <Modal opened onClose={onClose} title={t('segments.new')} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <form style={{ display: 'grid', gap: 12 }} onSubmit={(event) => { event.preventDefault(); if (KEY.test(key)) void create(); }}>
        <TextInput data-autofocus label={t('segments.key')} description={t('newFlag.keyText')} value={key} error={wrong} onChange={(event) => setKey(event.currentTarget.value)} required />
        <TextInput label={t('attribute.description')} value={description} onChange={(event) => setDescription(event.currentTarget.value)} />
        {error ? <ErrorNotice error={error} /> : null}
        <Button type="submit" disabled={!KEY.test(key)}>{t('segments.create')}</Button>
      </form>
    </Modal>
  );
}
