// SPDX-License-Identifier: Apache-2.0
// Keeps pages fresh. The only place that knows how a change elsewhere is noticed: by asking for the environment's change
// number now and then. An event stream can take its place without any page noticing.
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { UnreachableError } from './client';
import { queryClient, readinessQuery } from './queries';

// Cheap for the server (no store, a few hundred bytes), and soon enough for a person.
const POLL_MS = 1_000;
// Where the credential may not see change numbers.
const BLIND_POLL_MS = 10_000;

export type Connection = 'online' | 'offline';

export function useLiveEnvironment(env: string | undefined): Connection {
  const { data, error } = useQuery({ ...readinessQuery, refetchInterval: POLL_MS });
  const sequence = data?.environments?.find((entry) => entry.environment === env)?.sequence;
  const last = useRef<{ env: string | undefined; sequence: number | undefined }>({ env: undefined, sequence: undefined });
  useEffect(() => {
    const before = last.current;
    last.current = { env, sequence };
    if (env === undefined || sequence === undefined) return;
    if (before.env === env && before.sequence !== undefined && before.sequence !== sequence)
      void queryClient.invalidateQueries({ queryKey: ['env', env] });
  }, [env, sequence]);
  const blind = env !== undefined && data !== undefined && data.environments === undefined;
  useEffect(() => {
    if (!blind) return;
    const timer = setInterval(() => void queryClient.invalidateQueries({ queryKey: ['env', env] }), BLIND_POLL_MS);
    return () => clearInterval(timer);
  }, [blind, env]);
  const offline = error instanceof UnreachableError;
  const wasOffline = useRef(false);
  useEffect(() => {
    if (wasOffline.current && !offline) void queryClient.invalidateQueries({ predicate: (query) => query.queryKey[0] !== 'readiness' });
    wasOffline.current = offline;
  }, [offline]);
  return offline ? 'offline' : 'online';
}
