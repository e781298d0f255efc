// SPDX-License-Identifier: Apache-2.0
// All flags of an environment. What is searched and filtered is in the address; the server searches.
import { ActionIcon, Button, Checkbox, Menu, Popover, Select, TextInput, Tooltip } from '@mantine/core';
import { useDebouncedCallback, useElementSize, useMediaQuery } from '@mantine/hooks';
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { memo, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { Link, useSearchParams } from 'react-router';
import { flagsQuery, readinessQuery, type FlagFilter } from '../../api/queries';
import type { Flag, FlagState } from '../../api/types';
import { useAccess } from '../../app/Session';
import { pathOf, useEnvironment } from '../../app/environment';
import { useT } from '../../i18n/i18n';
import { Icon } from '../../shared/icons';
import { Empty, ErrorNotice, Loading, Page, Tag, Time, sharedStyles } from '../../shared/ui';
import { StateTag, isExpired } from '../state';
import { VariationChip, variationColour } from '../Variation';
import { useToggleFlag } from '../useFlagChanges';
import { BulkBar } from './BulkBar';
import { COLUMNS, arrange, useColumns, type Column, type Sort } from './columns';
import styles from './list.module.css';

const ROW_HEIGHT = 58;
const ROW_HEIGHT_NARROW = 66;
const SEARCH_DELAY_MS = 150;
// Rows left below the screen when the next page is asked for.
const LOAD_AHEAD = 60;

const STATES: FlagState[] = ['ENABLED', 'DISABLED', 'ARCHIVED'];
const TYPES = ['boolean', 'string', 'number', 'object'] as const;

export function FlagList() {
  const t = useT();
  const env = useEnvironment();
  const { may } = useAccess();
  const [parameters, setParameters] = useSearchParams();
  const get = (name: string) => parameters.get(name) ?? undefined;
  const set = (name: string, value: string | null | undefined) =>
    setParameters(
      (old) => {
        if (value) old.set(name, value);
        else old.delete(name);
        return old;
      },
      { replace: true },
    );
  const setSort = (next: Sort) => set('sort', next === 'newest' ? null : next);
  const filter: FlagFilter = {
    q: get('q'),
    owner: get('owner'),
    tag: get('tag'),
    tenantId: get('tenant'),
    state: STATES.find((state) => state === get('state')),
  };
  const type = get('type');
  const expiring = get('expiring') === 'true';
  const sort = (get('sort') as Sort | undefined) ?? 'newest';

  const query = useInfiniteQuery({ ...flagsQuery(env, filter), placeholderData: keepPreviousData });
  const { hasNextPage, isFetchingNextPage, fetchNextPage, isFetchNextPageError } = query;
  const loaded = useMemo(() => query.data?.pages.flatMap((page) => page.items) ?? [], [query.data]);
  const shown = useMemo(() => arrange(loaded, { type, expiring, sort }), [loaded, type, expiring, sort]);
  const known = useQuery(readinessQuery).data?.environments?.find((entry) => entry.environment === env)?.flags;

  // The server lists the newest first; another order, and what it cannot filter, needs all of them here.
  const wantsAll = sort !== 'newest' || type !== undefined || expiring;
  useEffect(() => {
    if (wantsAll && hasNextPage && !isFetchingNextPage && !isFetchNextPageError) void fetchNextPage();
  }, [wantsAll, hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage, loaded.length]);

  const [selected, setSelected] = useState<Set<string>>(new Set());
  useEffect(() => setSelected(new Set()), [env]);
  const chosen = useMemo(() => loaded.filter((flag) => selected.has(flag.flagKey)), [loaded, selected]);
  const filtered = Object.values(filter).some((value) => value !== undefined) || type !== undefined || expiring;
  const writes = may('flags:write');

  return (
    <Page
      title={t('nav.flags')}
      lead={t('flags.lead', { env })}
      actions={
        writes ? (
          <Button component={Link} to={pathOf(env, 'new-flag')} leftSection={<Icon name="plus" size={16} />}>
            {t('flags.new')}
          </Button>
        ) : null
      }
    >
      <div className={sharedStyles.card}>
        <div className={styles.filters} role="search">
          <Search initial={filter.q ?? ''} onSearch={(text) => set('q', text)} />
          <Select size="sm" className={styles.narrow} aria-label={t('flags.state')} placeholder={t('flags.state')} clearable allowDeselect data={STATES.map((state) => ({ value: state, label: t(`state.${state}`) }))} value={filter.state ?? null} onChange={(value) => set('state', value)} clearButtonProps={{ 'aria-label': t('common.clear') }} />
          <Select size="sm" className={styles.narrow} aria-label={t('flags.type')} placeholder={t('flags.type')} clearable allowDeselect data={TYPES.map((value) => ({ value, label: t(`type.${value}`) }))} value={type ?? null} onChange={(value) => set('type', value)} clearButtonProps={{ 'aria-label': t('common.clear') }} />
          <MoreFilters filter={filter} expiring={expiring} set={set} />
        </div>
        {query.error && !query.data ? (
          <div style={{ padding: 14 }}>
            <ErrorNotice error={query.error} retry={() => void query.refetch()} />
          </div>
        ) : query.isPending ? (
          <Loading lines={8} />
        ) : shown.length === 0 && !query.hasNextPage ? (
          <Empty icon="flag" title={filtered ? t('flags.noneFound') : t('flags.none')} action={filtered ? <Button variant="default" onClick={() => setParameters({}, { replace: true })}>{t('flags.clearFilters')}</Button> : null}>
            {filtered ? t('flags.noneFoundText') : t('flags.noneText')}
          </Empty>
        ) : (
          <Table env={env} flags={shown} selected={selected} setSelected={setSelected} sort={sort} setSort={setSort} writes={writes} loadMore={() => void (query.hasNextPage && !query.isFetching && query.fetchNextPage())} />
        )}
        <div className={styles.foot} aria-live="polite">
          {query.isFetchingNextPage || (query.isFetching && query.isPlaceholderData) ? t('flags.loadingMore', { n: loaded.length }) : query.hasNextPage ? t('flags.countMore', { n: shown.length, all: !filtered && known !== undefined ? known : '…' }) : t('flags.count', { n: shown.length })}
          {query.isFetchNextPageError ? <ErrorNotice error={query.error} retry={() => void query.fetchNextPage()} /> : null}
        </div>
      </div>
      {chosen.length > 0 ? <BulkBar env={env} flags={chosen} onClear={() => setSelected(new Set())} /> : null}
    </Page>
  );
}

// Types into its own state, so that a slow list never holds a letter back.
function Search({ initial, onSearch }: { initial: string; onSearch: (text: string) => void }) {
  const t = useT();
  const [text, setText] = useState(initial);
  const search = useDebouncedCallback(onSearch, SEARCH_DELAY_MS);
  const field = useRef<HTMLInputElement>(null);
  // Another address (back, "clear filters") changes what is asked for. While somebody types, the address follows the
  // text with a delay: what it says then is old, and would take letters away.
  useEffect(() => {
    if (document.activeElement !== field.current) setText(initial);
  }, [initial]);
  return (
    <TextInput
      ref={field}
      data-page-search
      type="search"
      aria-label={t('flags.search')}
      placeholder={t('flags.search')}
      leftSection={<Icon name="search" size={16} />}
      value={text}
      maxLength={200}
      onChange={(event) => {
        const next = event.currentTarget.value;
        setText(next);
        search(next.trim());
      }}
    />
  );
}

function MoreFilters({ filter, expiring, set }: { filter: FlagFilter; expiring: boolean; set: (name: string, value: string | null) => void }) {
  const t = useT();
  const active = [filter.owner, filter.tag, filter.tenantId].filter(Boolean).length + (expiring ? 1 : 0);
  const field = (name: string, label: string, value: string | undefined) => (
    <TextInput
      key={`${name}-${value ?? ''}`}
      size="xs"
      label={label}
      defaultValue={value ?? ''}
      onKeyDown={(event) => event.key === 'Enter' && set(name, event.currentTarget.value.trim())}
      onBlur={(event) => event.currentTarget.value.trim() !== (value ?? '') && set(name, event.currentTarget.value.trim())}
    />
  );
  return (
    <Popover position="bottom-end" width={260} trapFocus withinPortal>
      <Popover.Target>
        <Button variant="default" rightSection={active > 0 ? <Tag tone="accent">{active}</Tag> : <Icon name="down" size={15} />}>
          {t('flags.moreFilters')}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <div style={{ display: 'grid', gap: 10 }}>
          {field('owner', t('attribute.owner'), filter.owner)}
          {field('tag', t('flags.tag'), filter.tag)}
          {field('tenant', t('attribute.tenantId'), filter.tenantId)}
          <Checkbox size="xs" label={t('flags.expiring')} checked={expiring} onChange={(event) => set('expiring', event.currentTarget.checked ? 'true' : null)} />
        </div>
      </Popover.Dropdown>
    </Popover>
  );
}

function Table({ env, flags, selected, setSelected, sort, setSort, writes, loadMore }: {
  env: string;
  flags: Flag[];
  selected: Set<string>;
  setSelected: (update: (old: Set<string>) => Set<string>) => void;
  sort: Sort;
  setSort: (sort: Sort) => void;
  writes: boolean;
  loadMore: () => void;
}) {
  const t = useT();
  const narrow = useMediaQuery('(max-width: 640px)') ?? false;
  const { columns: wanted, toggleColumn } = useColumns();
  const columns: Column[] = useMemo(() => (narrow ? [] : COLUMNS.filter(({ id }) => wanted.has(id))), [narrow, wanted]);
  const pick = useCallback(
    (key: string) =>
      setSelected((old) => {
        const next = new Set(old);
        if (!next.delete(key)) next.add(key);
        return next;
      }),
    [setSelected],
  );
  const toggle = useToggleFlag(env);
  const body = useRef<HTMLDivElement>(null);
  const { ref: sized, width } = useElementSize();
  const [offset, setOffset] = useState(0);
  useLayoutEffect(() => setOffset(body.current ? body.current.getBoundingClientRect().top + window.scrollY : 0), [width]);
  const rowHeight = narrow ? ROW_HEIGHT_NARROW : ROW_HEIGHT;
  const rows = useWindowVirtualizer({ count: flags.length, estimateSize: () => rowHeight, overscan: 8, scrollMargin: offset });
  const items = rows.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (last >= flags.length - LOAD_AHEAD) loadMore();
  }, [last, flags.length, loadMore]);
  const template = ['24px', '46px', 'minmax(200px, 2.4fr)', ...columns.map(({ width: size }) => size), ...(narrow ? ['auto'] : ['34px'])].slice(writes ? 0 : 1).join(' ');
  // Padding, switches, the name and the gaps around them.
  const minimum = narrow ? 0 : 374 + columns.reduce((sum, { least }) => sum + least + 14, 0);
  const all = useMemo(() => flags.length > 0 && flags.every((flag) => selected.has(flag.flagKey)), [flags, selected]);
  const some = useMemo(() => selected.size > 0 && flags.some((flag) => selected.has(flag.flagKey)), [flags, selected]);
  const pickAll = useCallback(
    () => setSelected((old) => (all ? new Set() : new Set([...old, ...flags.map((flag) => flag.flagKey)]))),
    [all, flags, setSelected],
  );
  return (
    <div className={styles.scroller} ref={sized}>
      <div role="table" aria-label={t('nav.flags')} aria-rowcount={flags.length + 1} style={{ '--columns': narrow ? (writes ? '24px 46px minmax(0, 1fr) auto' : '46px minmax(0, 1fr) auto') : template, '--table-width': `${minimum}px` } as React.CSSProperties}>
        <Head columns={columns} narrow={narrow} writes={writes} picked={all ? 'all' : some ? 'some' : 'none'} onPickAll={pickAll} sort={sort} setSort={setSort} wanted={wanted} toggleColumn={toggleColumn} />
        <div role="rowgroup" ref={body} className={styles.body} style={{ height: rows.getTotalSize(), minWidth: minimum }}>
          {items.map((item) => {
            const flag = flags[item.index];
            if (!flag) return null;
            return <Row key={flag.flagKey} env={env} flag={flag} index={item.index} top={item.start - offset} picked={selected.has(flag.flagKey)} columns={columns} narrow={narrow} writes={writes} onPick={pick} onToggle={toggle} />;
          })}
        </div>
      </div>
    </div>
  );
}

const Head = memo(function Head({ columns, narrow, writes, picked, onPickAll, sort, setSort, wanted, toggleColumn }: {
  columns: Column[];
  narrow: boolean;
  writes: boolean;
  picked: 'all' | 'some' | 'none';
  onPickAll: () => void;
  sort: Sort;
  setSort: (sort: Sort) => void;
  wanted: Set<Column['id']>;
  toggleColumn: (id: Column['id']) => void;
}) {
  const t = useT();
  const sortButton = (id: Sort, label: string) => (
    <button type="button" className={styles.sort} onClick={() => setSort(sort === id ? 'newest' : id)}>
      {label}
      {sort === id ? <Icon name={id === 'key' || id === 'owner' ? 'up' : 'down'} size={13} /> : null}
    </button>
  );
  return (
    <div role="rowgroup">
      <div role="row" className={styles.head} aria-rowindex={1}>
        {writes ? (
          <span role="columnheader">
            <Checkbox size="xs" aria-label={t('flags.selectAll')} checked={picked === 'all'} indeterminate={picked === 'some'} onChange={onPickAll} />
          </span>
        ) : null}
        <span role="columnheader">{t('flags.onOff')}</span>
        <span role="columnheader" aria-sort={sort === 'key' ? 'ascending' : undefined}>
          {sortButton('key', t('flags.flag'))}
        </span>
        {columns.map(({ id, label, sort: by }) => (
          <span key={id} role="columnheader" aria-sort={by && sort === by ? (by === 'owner' ? 'ascending' : 'descending') : undefined}>
            {by ? sortButton(by, t(label)) : t(label)}
          </span>
        ))}
        <span role="columnheader">
          {narrow ? (
            t('flags.state')
          ) : (
            <Menu position="bottom-end" closeOnItemClick={false}>
              <Menu.Target>
                <Tooltip label={t('flags.columns')}>
                  <ActionIcon variant="subtle" color="gray" aria-label={t('flags.columns')}>
                    <Icon name="columns" size={16} />
                  </ActionIcon>
                </Tooltip>
              </Menu.Target>
              <Menu.Dropdown>
                {COLUMNS.map(({ id, label }) => (
                  <Menu.Item key={id} role="menuitemcheckbox" aria-checked={wanted.has(id)} onClick={() => toggleColumn(id)} rightSection={wanted.has(id) ? <Icon name="check" size={15} /> : null}>
                    {t(label)}
                  </Menu.Item>
                ))}
              </Menu.Dropdown>
            </Menu>
          )}
        </span>
      </div>
    </div>
  );
});

// Scrolling draws only the rows that come into view, and the browser's own controls: those of the component library are
// several elements each, which shows in frames.
const Row = memo(function Row({ env, flag, index, top, picked, columns, narrow, writes, onPick, onToggle }: {
  env: string;
  flag: Flag;
  index: number;
  top: number;
  picked: boolean;
  columns: Column[];
  narrow: boolean;
  writes: boolean;
  onPick: (key: string) => void;
  onToggle: (flag: Flag) => Promise<void>;
}) {
  const t = useT();
  return (
    <div role="row" aria-rowindex={index + 2} className={styles.row} data-selected={picked} data-archived={flag.state === 'ARCHIVED'} style={{ transform: `translateY(${top}px)` }}>
      {writes ? (
        <span role="cell">
          <input type="checkbox" className={styles.check} aria-label={t('flags.select', { flag: flag.flagKey })} checked={picked} onChange={() => onPick(flag.flagKey)} />
        </span>
      ) : null}
      <span role="cell">
        <input type="checkbox" role="switch" className={styles.switch} aria-label={t('flags.toggle', { flag: flag.flagKey })} checked={flag.defaultEnabled} disabled={!writes || flag.state !== 'ENABLED'} onChange={() => void onToggle(flag)} />
      </span>
      <span role="cell" className={styles.cell}>
        <Link className={styles.key} to={pathOf(env, 'flags', flag.flagKey)} title={flag.flagKey}>
          {flag.flagKey}
        </Link>
        <span className={styles.description} title={flag.description}>
          {flag.description || '–'}
        </span>
      </span>
      {columns.map(({ id }) => (
        <span key={id} role="cell" className={styles.cell}>
          <Cell column={id} flag={flag} />
        </span>
      ))}
      <span role="cell">{narrow ? <StateTag flag={flag} /> : null}</span>
    </div>
  );
});

function Cell({ column, flag }: { column: Column['id']; flag: Flag }) {
  const t = useT();
  switch (column) {
    case 'state':
      return <StateTag flag={flag} />;
    case 'serves':
      return <Serves flag={flag} />;
    case 'type':
      return <>{t(`type.${flag.type}`)}</>;
    case 'owner':
      return <span title={flag.owner}>{flag.owner || '–'}</span>;
    case 'tags':
      return (
        <span className={styles.tags}>
          {(flag.tags ?? []).map((tag) => (
            <Tag key={tag}>{tag}</Tag>
          ))}
        </span>
      );
    case 'tenant':
      return <>{flag.tenantId ?? '–'}</>;
    case 'updated':
      return <Time at={flag.updatedAt} relative />;
    case 'expires':
      return flag.expiresAt ? isExpired(flag) ? <Tag tone="warn"><Time at={flag.expiresAt} relative /></Tag> : <Time at={flag.expiresAt} relative /> : <>–</>;
  }
}

// What the default serves, at a glance: one variation, or a rollout.
function Serves({ flag }: { flag: Flag }) {
  const t = useT();
  const names = Object.keys(flag.variations);
  const rules = flag.targetingRules?.length ?? 0;
  const percent = flag.defaultEnabled ? flag.rolloutPercentage : undefined;
  const served = (flag.defaultEnabled ? flag.defaultVariation : flag.offVariation) ?? '';
  return (
    <span className={styles.serves}>
      {percent === undefined ? (
        served ? <VariationChip name={served} names={names} off={flag.offVariation} /> : t('flags.codeDefault')
      ) : (
        <>
          <span className={styles.mini}>
            <span style={{ width: `${percent}%`, background: variationColour(flag.defaultVariation ?? '', names, flag.offVariation) }} />
          </span>
          {percent} %
        </>
      )}
      {rules > 0 || flag.targeting ? <Tag>{flag.targeting ? 'JsonLogic' : t('flags.rules', { n: rules })}</Tag> : null}
    </span>
  );
}
