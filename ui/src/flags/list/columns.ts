// SPDX-License-Identifier: Apache-2.0
import { useCallback, useState } from 'react';
import type { Flag } from '../../api/types';
import type { MessageKey } from '../../i18n/messages';

export type ColumnId = 'state' | 'serves' | 'type' | 'owner' | 'tags' | 'tenant' | 'updated' | 'expires';
export type Sort = 'newest' | 'key' | 'owner' | 'updated' | 'expires';
export type Column = { id: ColumnId; label: MessageKey; width: string; least: number; sort?: Sort };

export const COLUMNS: Column[] = [
  { id: 'state', label: 'flags.state', width: '100px', least: 100 },
  { id: 'serves', label: 'flags.serves', width: 'minmax(168px, 1.3fr)', least: 168 },
  { id: 'type', label: 'flags.type', width: '90px', least: 90 },
  { id: 'owner', label: 'attribute.owner', width: 'minmax(90px, 0.8fr)', least: 90, sort: 'owner' },
  { id: 'tags', label: 'attribute.tags', width: 'minmax(100px, 1fr)', least: 100 },
  { id: 'tenant', label: 'attribute.tenantId', width: '110px', least: 110 },
  { id: 'updated', label: 'flags.updated', width: '96px', least: 96, sort: 'updated' },
  { id: 'expires', label: 'attribute.expiresAt', width: '110px', least: 110, sort: 'expires' },
];

const STORAGE_KEY = 'guidon.columns';
const DEFAULT: ColumnId[] = ['state', 'serves', 'owner', 'tags', 'updated'];

export function useColumns() {
  const [columns, setColumns] = useState<Set<ColumnId>>(() => {
    const kept = localStorage.getItem(STORAGE_KEY)?.split(',');
    return new Set(kept ? COLUMNS.map(({ id }) => id).filter((id) => kept.includes(id)) : DEFAULT);
  });
  const toggleColumn = useCallback((id: ColumnId) => {
    setColumns((old) => {
      const next = new Set(old);
      if (!next.delete(id)) next.add(id);
      localStorage.setItem(STORAGE_KEY, [...next].join(','));
      return next;
    });
  }, []);
  return { columns, toggleColumn };
}

const EXPIRING_WITHIN_MS = 30 * 86_400_000;
// By code unit: keys and times are ASCII, and a collator is slow over ten thousand.
const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
const ORDERS: Record<Exclude<Sort, 'newest'>, (a: Flag, b: Flag) => number> = {
  key: (a, b) => order(a.flagKey, b.flagKey),
  owner: (a, b) => order(a.owner ?? '', b.owner ?? '') || order(a.flagKey, b.flagKey),
  updated: (a, b) => order(b.updatedAt, a.updatedAt),
  // The next to expire first, then those that never do.
  expires: (a, b) => order(a.expiresAt ?? '9', b.expiresAt ?? '9'),
};

// What the server neither filters nor sorts by.
export function arrange(flags: Flag[], { type, expiring, sort }: { type: string | undefined; expiring: boolean; sort: Sort }): Flag[] {
  const before = Date.now() + EXPIRING_WITHIN_MS;
  const kept = flags.filter((flag) => (type === undefined || flag.type === type) && (!expiring || (flag.expiresAt !== undefined && Date.parse(flag.expiresAt) <= before)));
  return sort === 'newest' || !(sort in ORDERS) ? kept : kept.sort(ORDERS[sort]);
}
