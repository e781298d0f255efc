// SPDX-License-Identifier: Apache-2.0
// What does this tenant see? Every flag's answer for it, asked of the engine, and why.
import { Switch, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link, useParams } from 'react-router';
import { ApiError, ask, client } from '../api/client';
import { allFlagsQuery, tenantOverridesQuery, tenantsQuery } from '../api/queries';
import { useAccess } from '../app/Session';
import { pathOf, useEnvironment } from '../app/environment';
import { VariationChip } from '../flags/Variation';
import { useT } from '../i18n/i18n';
import { reasonLabel } from '../shared/labels';
import { Card, Empty, ErrorNotice, Loading, Notice, Page, Tag, Time, sharedStyles } from '../shared/ui';

const SHOWN_MAX = 300;

// OFREP speaks its own errors; its bodies are in the contract like all others.
async function evaluateAll(env: string, tenantId: string, targetingKey: string, signal: AbortSignal) {
  const context: Record<string, string> = { tenantId };
  if (targetingKey) context.targetingKey = targetingKey;
  const { data, error, response } = await client.POST('/ofrep/v1/evaluate/flags', { params: { header: { 'Guidon-Environment': env } }, body: { context }, signal });
  if (response.ok && data) return data.flags;
  const failure = error as { errorDetails?: string; errorCode?: string } | undefined;
  throw new ApiError(response.status, { detail: failure?.errorDetails, code: failure?.errorCode as never }, response.headers.get('X-Request-Id') ?? undefined);
}

export function TenantPage() {
  const t = useT();
  const env = useEnvironment();
  const { tenantId = '' } = useParams();
  const { may } = useAccess();
  const [who, setWho] = useState('');
  const [asked] = useDebouncedValue(who.trim(), 250);
  const [special, setSpecial] = useState(false);
  const [search, setSearch] = useState('');
  const tenant = useQuery({ queryKey: ['tenants', tenantId], queryFn: ({ signal }) => ask(client.GET('/api/v1/tenants/{tenantId}', { params: { path: { tenantId } }, signal })) });
  const flags = useQuery(allFlagsQuery(env)).data ?? [];
  const overrides = useQuery({ ...tenantOverridesQuery(env, tenantId), enabled: may('overrides:read') }).data ?? [];
  const answers = useQuery({ queryKey: ['env', env, 'effective', tenantId, asked], queryFn: ({ signal }) => evaluateAll(env, tenantId, asked, signal), placeholderData: keepPreviousData });
  const all = useQuery({ ...tenantsQuery, enabled: false }).data;

  const rows = (answers.data ?? [])
    .map((answer) => ({ answer, flag: flags.find(({ flagKey }) => flagKey === answer.key), override: overrides.find(({ flagKey }) => flagKey === answer.key) }))
    .filter(({ answer, flag, override }) => (answer.key ?? '').toLowerCase().includes(search.trim().toLowerCase()) && (!special || override !== undefined || flag?.tenantId === tenantId));

  if (tenant.error instanceof ApiError && tenant.error.status === 404) return <Page title={tenantId}><Empty icon="tenant" title={t('tenants.absent', { tenant: tenantId })}><Link to={pathOf(env, 'tenants')}>{t('tenants.toList')}</Link></Empty></Page>;
  const known = tenant.data ?? all?.find((entry) => entry.tenantId === tenantId);
  return (
    <Page title={known?.name || tenantId} lead={<>{known?.plan ? <Tag>{known.plan}</Tag> : null} <span className="mono">{tenantId}</span> · {t('tenants.seesIn', { env })}</>}>
      <Card
        title={t('tenants.effective')}
        flush
        actions={<Switch size="sm" label={t('tenants.onlySpecial')} checked={special} onChange={(event) => setSpecial(event.currentTarget.checked)} />}
      >
        <div style={{ display: 'flex', flexWrap: 'wrap', gap: 12, padding: 12, borderBottom: '1px solid var(--g-border)', alignItems: 'end' }}>
          <TextInput data-page-search size="xs" type="search" style={{ flex: '1 1 200px', maxWidth: 360 }} label={t('tenants.searchFlags')} value={search} onChange={(event) => setSearch(event.currentTarget.value)} />
          <TextInput size="xs" style={{ flex: '1 1 200px', maxWidth: 360 }} label={t('tenants.asUser')} placeholder={t('tenants.anyUser')} value={who} onChange={(event) => setWho(event.currentTarget.value)} />
        </div>
        {asked === '' ? <div style={{ padding: '10px 12px 0' }}><Notice>{t('tenants.withoutUser')}</Notice></div> : null}
        {answers.error && !answers.data ? <div style={{ padding: 12 }}><ErrorNotice error={answers.error} retry={() => void answers.refetch()} /></div> : answers.isPending ? <Loading /> : rows.length === 0 ? <Empty icon="flag" title={t('flags.noneFound')} /> : (
          <div className={sharedStyles.scroll}>
            <table className={sharedStyles.table} style={{ minWidth: 620 }}>
              <thead><tr><th scope="col">{t('flags.flag')}</th><th scope="col">{t('tenants.gets')}</th><th scope="col">{t('tenants.because')}</th><th scope="col">{t('step.override')}</th></tr></thead>
              <tbody>
                {rows.slice(0, SHOWN_MAX).map(({ answer, flag, override }) => {
                  const failed = 'errorCode' in answer;
                  const variant = !failed && 'variant' in answer ? answer.variant : undefined;
                  const value = !failed && 'value' in answer ? answer.value : undefined;
                  return (
                    <tr key={answer.key}>
                      <td>
                        <Link to={pathOf(env, 'flags', answer.key ?? '')} style={{ fontWeight: 600 }}>{answer.key}</Link>
                        {flag?.tenantId === tenantId ? <> <Tag tone="accent">{t('tenants.own')}</Tag></> : null}
                      </td>
                      <td>
                        {variant ? <VariationChip name={variant} names={Object.keys(flag?.variations ?? {})} off={flag?.offVariation} /> : <span style={{ color: 'var(--g-dim)' }}>{t('flags.codeDefault')}</span>}
                        {value === undefined || flag?.type === 'boolean' ? null : <div className="mono" style={{ color: 'var(--g-dim)', fontSize: '0.78rem' }}>{JSON.stringify(value)}</div>}
                      </td>
                      <td>
                        <Tag tone={failed ? 'warn' : 'plain'} title={failed ? answer.errorDetails : undefined}>{reasonLabel(failed ? answer.errorCode : answer.reason, t)}</Tag>
                        {!failed && answer.metadata?.ruleId ? <span className="mono" style={{ marginLeft: 6, fontSize: '0.8rem' }}>{answer.metadata.ruleId}</span> : null}
                      </td>
                      <td>{override ? <>{override.variation} · <span style={{ color: 'var(--g-dim)' }}><Time at={override.updatedAt} relative /></span></> : '–'}</td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
            {rows.length > SHOWN_MAX ? <p style={{ padding: '10px 14px', margin: 0, color: 'var(--g-dim)', fontSize: '0.84rem' }}>{t('tenants.tooMany', { shown: SHOWN_MAX, all: rows.length })}</p> : null}
          </div>
        )}
      </Card>
    </Page>
  );
}
