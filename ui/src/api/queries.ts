// SPDX-License-Identifier: Apache-2.0
// What pages read, by key. Everything of an environment is below ['env', name], so that one line makes it fresh.
import { QueryClient, infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { ApiError, ask, client } from './client';
import { beginningOf, RANGES, type Range } from '../flags/usageSeries';
import type { Flag, FlagState, KillSwitch, Override, Segment, Tenant, ApiKey } from './types';

// The first page is there soon; whoever goes on wants many.
const FIRST_PAGE_LIMIT = 200;
const EVERYTHING_LIMIT = 1000;
// Lists without a server-side search are read whole up to here; more than anybody looks through.
const PAGES_MAX = 20;

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // A refusal will not change by asking again; a server that restarts will be back.
      retry: (count, error) => !(error instanceof ApiError && error.status < 500) && count < 3,
      retryDelay: (count) => Math.min(500 * 2 ** count, 4_000),
    },
  },
});

export type FlagFilter = { q?: string; owner?: string; tag?: string; tenantId?: string; state?: FlagState };

type Page<T> = { items: T[]; nextCursor?: string };

async function all<T>(read: (cursor: string | undefined) => Promise<Page<T>>): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < PAGES_MAX; ++page) {
    const answer = await read(cursor);
    items.push(...answer.items);
    cursor = answer.nextCursor;
    if (!cursor) break;
  }
  return items;
}

export const accessQuery = queryOptions({
  queryKey: ['access'],
  queryFn: () => ask(client.GET('/api/v1/access')),
  staleTime: Infinity,
});

export const flagsQuery = (env: string, filter: FlagFilter) =>
  infiniteQueryOptions({
    queryKey: ['env', env, 'flags', filter],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      ask(
        client.GET('/api/v1/environments/{env}/flags', {
          params: { path: { env }, query: { ...filter, limit: pageParam === undefined ? FIRST_PAGE_LIMIT : EVERYTHING_LIMIT, cursor: pageParam } },
          signal,
        }),
      ),
    getNextPageParam: (page) => page.nextCursor,
  });

// The whole list, for pages that count over it.
export const allFlagsQuery = (env: string) =>
  queryOptions({
    queryKey: ['env', env, 'all-flags'],
    queryFn: ({ signal }) =>
      all((cursor) =>
        ask(
          client.GET('/api/v1/environments/{env}/flags', {
            params: { path: { env }, query: { limit: EVERYTHING_LIMIT, cursor } },
            signal,
          }),
        ),
      ),
    staleTime: 15_000,
  });

export const flagQuery = (env: string, key: string) =>
  queryOptions({
    queryKey: ['env', env, 'flag', key],
    queryFn: ({ signal }) =>
      ask(client.GET('/api/v1/environments/{env}/flags/{key}', { params: { path: { env, key } }, signal })),
  });

// The flag where it may well not exist: found by a search, because a miss is no error there.
export const lookupQuery = (env: string, key: string) =>
  queryOptions({
    queryKey: ['env', env, 'lookup', key],
    queryFn: async ({ signal }): Promise<Flag | null> => {
      let cursor: string | undefined;
      for (let page = 0; page < PAGES_MAX; ++page) {
        const answer = await ask(
          client.GET('/api/v1/environments/{env}/flags', {
            params: { path: { env }, query: { q: key, limit: EVERYTHING_LIMIT, cursor } },
            signal,
          }),
        );
        const found = answer.items.find((flag) => flag.flagKey === key);
        if (found) return found;
        cursor = answer.nextCursor;
        if (!cursor) break;
      }
      return null;
    },
  });

// Figures move all the time: read again when they are looked at, and while they are.
export const flagUsageQuery = (env: string, key: string, range: Range) =>
  queryOptions({
    queryKey: ['env', env, 'flag-usage', key, range],
    queryFn: ({ signal }) =>
      ask(
        client.GET('/api/v1/environments/{env}/flags/{key}/usage', {
          params: { path: { env, key }, query: { from: beginningOf(range, Date.now()), by: RANGES[range].by } },
          signal,
        }),
      ),
    refetchInterval: 15_000,
  });

// When each flag was last asked for, by key.
export const usageQuery = (env: string) =>
  queryOptions({
    queryKey: ['env', env, 'usage'],
    queryFn: async ({ signal }) =>
      new Map(
        (
          await all((cursor) =>
            ask(client.GET('/api/v1/environments/{env}/usage', { params: { path: { env }, query: { limit: EVERYTHING_LIMIT, cursor } }, signal })),
          )
        ).map((usage) => [usage.flagKey, usage]),
      ),
    staleTime: 60_000,
  });

export const lintQuery = (env: string, key: string) =>
  queryOptions({
    queryKey: ['env', env, 'lint', key],
    queryFn: async ({ signal }) =>
      (await ask(client.GET('/api/v1/environments/{env}/flags/{key}/lint', { params: { path: { env, key } }, signal })))
        .findings,
  });

export const overridesQuery = (env: string, key: string) =>
  queryOptions({
    queryKey: ['env', env, 'overrides', key],
    queryFn: ({ signal }): Promise<Override[]> =>
      all((cursor) =>
        ask(
          client.GET('/api/v1/environments/{env}/flags/{key}/overrides', {
            params: { path: { env, key }, query: { limit: EVERYTHING_LIMIT, cursor } },
            signal,
          }),
        ),
      ),
  });

export const tenantOverridesQuery = (env: string, tenantId: string) =>
  queryOptions({
    queryKey: ['env', env, 'tenant-overrides', tenantId],
    queryFn: ({ signal }): Promise<Override[]> =>
      all((cursor) =>
        ask(
          client.GET('/api/v1/environments/{env}/overrides', {
            params: { path: { env }, query: { tenantId, limit: EVERYTHING_LIMIT, cursor } },
            signal,
          }),
        ),
      ),
  });

export const killSwitchesQuery = (env: string) =>
  queryOptions({
    queryKey: ['env', env, 'kill-switches'],
    queryFn: async ({ signal }): Promise<KillSwitch[]> =>
      (await ask(client.GET('/api/v1/environments/{env}/kill-switches', { params: { path: { env } }, signal }))).items,
  });

export const segmentsQuery = (env: string) =>
  queryOptions({
    queryKey: ['env', env, 'segments'],
    queryFn: ({ signal }): Promise<Segment[]> =>
      all((cursor) =>
        ask(
          client.GET('/api/v1/environments/{env}/segments', {
            params: { path: { env }, query: { limit: EVERYTHING_LIMIT, cursor } },
            signal,
          }),
        ),
      ),
  });

export const segmentQuery = (env: string, key: string) =>
  queryOptions({
    queryKey: ['env', env, 'segment', key],
    queryFn: ({ signal }) =>
      ask(client.GET('/api/v1/environments/{env}/segments/{key}', { params: { path: { env, key } }, signal })),
  });

export const tenantsQuery = queryOptions({
  queryKey: ['tenants'],
  queryFn: ({ signal }): Promise<Tenant[]> =>
    all((cursor) =>
      ask(client.GET('/api/v1/tenants', { params: { query: { limit: EVERYTHING_LIMIT, cursor } }, signal })),
    ),
});

export const keysQuery = queryOptions({
  queryKey: ['keys'],
  queryFn: ({ signal }): Promise<ApiKey[]> =>
    all((cursor) => ask(client.GET('/api/v1/keys', { params: { query: { limit: EVERYTHING_LIMIT, cursor } }, signal }))),
});

export type AuditFilter = {
  environment?: string;
  resource?: string;
  actor?: string;
  tenantId?: string;
  from?: string;
  to?: string;
};

export const auditQuery = (filter: AuditFilter) =>
  infiniteQueryOptions({
    // Entries of an environment go stale with it.
    queryKey: filter.environment ? ['env', filter.environment, 'audit', filter] : ['audit', filter],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      ask(client.GET('/api/v1/audit', { params: { query: { ...filter, limit: 100, cursor: pageParam } }, signal })),
    getNextPageParam: (page) => page.nextCursor,
  });

// Soon enough to watch a change arrive; nobody asks any more once everybody has it.
const ON_ITS_WAY_MS = 300;
export const propagationQuery = (env: string, sequence: number) =>
  queryOptions({
    queryKey: ['propagation', env, sequence],
    queryFn: ({ signal }) =>
      ask(client.GET('/api/v1/environments/{env}/propagation/{sequence}', { params: { path: { env, sequence: String(sequence) } }, signal })),
    refetchInterval: (query) => (query.state.data?.complete || query.state.status === 'error' ? false : ON_ITS_WAY_MS),
  });

export const latestPropagationQuery = (env: string, limit = 10) =>
  queryOptions({
    queryKey: ['env', env, 'propagation', limit],
    queryFn: ({ signal }) => ask(client.GET('/api/v1/environments/{env}/propagation', { params: { path: { env }, query: { limit } }, signal })),
    refetchInterval: 5_000,
  });

export const configurationQuery = queryOptions({
  queryKey: ['configuration'],
  queryFn: async ({ signal }) => (await ask(client.GET('/api/v1/configuration', { signal }))).settings,
});

export const readinessQuery = queryOptions({
  queryKey: ['readiness'],
  // A node that is not ready answers 503 with the same body.
  queryFn: async ({ signal }) => {
    const { data, error, response } = await client.GET('/readyz', { signal });
    const body: unknown = data ?? error;
    if (typeof body === 'object' && body !== null && 'ready' in body) return body as NonNullable<typeof data>;
    throw new ApiError(response.status, {});
  },
  retry: false,
});
