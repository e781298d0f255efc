// SPDX-License-Identifier: Apache-2.0
// Who gets what of a flag, and whether anybody asks for it.
import { SegmentedControl, Switch } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'react-router';
import { flagUsageQuery } from '../api/queries';
import type { Flag, FlagUsage } from '../api/types';
import { pathOf } from '../app/environment';
import { useLanguage, useT } from '../i18n/i18n';
import { Card, Empty, ErrorNotice, Loading, Time } from '../shared/ui';
import { variationColour } from './Variation';
import { barsOf, HOUR_MS, RANGES, type Bar, type Range } from './usageSeries';
import styles from './usage.module.css';

const HEIGHT = 160;
const GAP = 0.18; // of a bar's place

function Chart({ bars, names, off, byDay }: { bars: Bar[]; names: string[]; off: string | undefined; byDay: boolean }) {
  const t = useT();
  const { language } = useLanguage();
  const top = Math.max(1, ...bars.map(({ total }) => total));
  const number = new Intl.NumberFormat(language);
  const moment = new Intl.DateTimeFormat(language, byDay ? { month: 'short', day: 'numeric' } : { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' });
  const title = (bar: Bar) => `${moment.format(new Date(bar.from))}: ${number.format(bar.total)}${bar.parts.map(({ variation, count }) => `\n${variation || t('usage.codeDefault')} ${number.format(count)}`).join('')}`;
  const first = bars[0];
  const last = bars.at(-1);
  return (
    <figure className={styles.chart}>
      <span className={styles.top} aria-hidden>{number.format(top)}</span>
      <svg viewBox={`0 0 ${bars.length} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={t('usage.chart')}>
        {bars.map((bar, index) => {
          let y = HEIGHT;
          return (
            <g key={bar.from}>
              <title>{title(bar)}</title>
              <rect x={index} y={0} width={1} height={HEIGHT} fill="transparent" />
              {bar.parts.map(({ variation, count }) => {
                const height = (count / top) * HEIGHT;
                y -= height;
                return <rect key={variation} x={index + GAP / 2} y={y} width={1 - GAP} height={height} fill={variation ? variationColour(variation, names, off) : 'var(--g-border-strong)'} />;
              })}
            </g>
          );
        })}
      </svg>
      <figcaption>
        <span>{first ? moment.format(new Date(first.from)) : ''}</span>
        <span>{last ? moment.format(new Date(last.from)) : ''}</span>
      </figcaption>
    </figure>
  );
}

type Row = { name: string; link?: string | undefined; colour?: string | undefined; evaluations: number; bulk: number };

function Shares({ rows, head, withBulk }: { rows: Row[]; head: string; withBulk: boolean }) {
  const t = useT();
  const { language } = useLanguage();
  const number = new Intl.NumberFormat(language);
  const share = new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 1 });
  const all = rows.reduce((total, { evaluations, bulk }) => total + evaluations + (withBulk ? bulk : 0), 0);
  return (
    <table className={styles.shares}>
      <thead>
        <tr>
          <th scope="col">{head}</th>
          <th scope="col">{t('usage.evaluations')}</th>
          <th scope="col">{t('usage.bulk')}</th>
          <th scope="col">{t('usage.share')}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ name, link, colour, evaluations, bulk }) => (
          <tr key={name}>
            <th scope="row">
              {colour ? <span className={styles.swatch} style={{ background: colour }} /> : null}
              {link ? <Link to={link}>{name}</Link> : name}
            </th>
            <td>{number.format(evaluations)}</td>
            <td>{number.format(bulk)}</td>
            <td>{all > 0 ? share.format((evaluations + (withBulk ? bulk : 0)) / all) : '–'}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Figures({ env, flag, usage, withBulk }: { env: string; flag: Flag; usage: FlagUsage; withBulk: boolean }) {
  const t = useT();
  const names = Object.keys(flag.variations);
  const off = flag.offVariation;
  const variations = usage.variations.map((one): Row => ({
    name: one.variation ?? t('usage.codeDefault'),
    colour: one.variation === undefined ? 'var(--g-border-strong)' : variationColour(one.variation, names, off),
    evaluations: one.evaluations,
    bulk: one.bulk,
  }));
  const tenants = usage.tenants.map((one): Row => ({
    name: one.tenantId ?? t('usage.noTenant'),
    link: one.tenantId === undefined ? undefined : pathOf(env, 'tenants', one.tenantId),
    evaluations: one.evaluations,
    bulk: one.bulk,
  }));
  if (usage.otherTenants) tenants.push({ name: t('usage.otherTenants'), ...usage.otherTenants });
  return (
    <>
      <Chart bars={barsOf(usage, withBulk)} names={names} off={off} byDay={usage.by === 'day'} />
      <div className={styles.tables}>
        <Shares rows={variations} head={t('usage.variation')} withBulk={withBulk} />
        <Shares rows={tenants} head={t('usage.tenant')} withBulk={withBulk} />
      </div>
    </>
  );
}

// Known to the hour.
function Hour({ at }: { at: string | undefined }) {
  const t = useT();
  if (at === undefined) return <strong>{t('usage.never')}</strong>;
  return Date.now() - Date.parse(at) < HOUR_MS ? <span>{t('usage.thisHour')}</span> : <Time at={at} relative />;
}

export function Usage({ env, flag }: { env: string; flag: Flag }) {
  const t = useT();
  const [range, setRange] = useState<Range>('day');
  const [withBulk, setWithBulk] = useState(true);
  const { data, error, refetch } = useQuery({ ...flagUsageQuery(env, flag.flagKey, range), placeholderData: keepPreviousData });
  const nothing = data && data.total.evaluations + data.total.bulk === 0;
  return (
    <Card
      title={t('usage.title')}
      actions={
        <div className={styles.controls}>
          <Switch label={t('usage.withBulk')} checked={withBulk} onChange={(event) => setWithBulk(event.currentTarget.checked)} />
          <SegmentedControl
            size="xs"
            aria-label={t('usage.range')}
            value={range}
            onChange={(value) => setRange(value as Range)}
            data={(Object.keys(RANGES) as Range[]).map((value) => ({ value, label: t(`usage.range.${value}`) }))}
          />
        </div>
      }
    >
      <p className={styles.lead}>
        {t('usage.last')} <Hour at={data?.lastEvaluatedAt} />
        {' · '}
        {t('usage.lastInBulk')} <Hour at={data?.lastInBulkAt} />
      </p>
      {error ? <ErrorNotice error={error} retry={() => void refetch()} /> : null}
      {!data && !error ? <Loading lines={5} /> : null}
      {nothing ? <Empty title={t('usage.nothing')}>{t('usage.nothingText')}</Empty> : null}
      {data && !nothing ? <Figures env={env} flag={flag} usage={data} withBulk={withBulk} /> : null}
      <p className={styles.fine}>{t('usage.fine')}</p>
    </Card>
  );
}
