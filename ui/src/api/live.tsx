// SPDX-License-Identifier: Apache-2.0
// Keeps pages fresh. The only place that knows how a change elsewhere is noticed: by the server's event stream, and where
// that cannot be had, by asking for the environment's change number now and then.
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { UnreachableError } from './client';
import { EventParser, readStream } from './events';
import { queryClient, readinessQuery } from './queries';

// Cheap for the server (no store, a few hundred bytes), and soon enough for a person.
const POLL_MS = 1_000;
// With a stream the number only makes sure (what changed before the stream opened), and shows the server's state.
const POLL_WITH_STREAM_MS = 10_000;
// Where the credential may not see change numbers.
const BLIND_POLL_MS = 10_000;
// Changes that come together are read together.
const SETTLE_MS = 50;
const RETRY_MS_MIN = 500;
const RETRY_MS_MAX = 15_000;

export type Connection = 'online' | 'offline';

const refresh = (env: string) => queryClient.invalidateQueries({ queryKey: ['env', env] });

// Follows the stream while the page is looked at: a browser allows six connections to a server, for all its tabs.
// True while it is open.
function useEventStream(env: string | undefined): boolean {
  const [open, setOpen] = useState(false);
  useEffect(() => {
    if (env === undefined) return;
    let abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let settle: ReturnType<typeof setTimeout> | undefined;
    let ended = false;
    let failures = 0;
    const parser = new EventParser((event) => {
      if (event.type !== 'change' && event.type !== 'resync') return;
      settle ??= setTimeout(() => {
        settle = undefined;
        void refresh(env);
      }, SETTLE_MS);
    });
    const onOpen = () => {
      failures = 0;
      setOpen(true);
    };
    const connect = async () => {
      timer = undefined;
      const { signal } = abort;
      const again = await readStream(env, parser, onOpen, signal).catch(() => !signal.aborted);
      setOpen(false);
      if (!again || ended || document.hidden) return;
      void queryClient.invalidateQueries({ queryKey: readinessQuery.queryKey });
      const pause = Math.min(RETRY_MS_MIN * 2 ** failures++, RETRY_MS_MAX);
      timer = setTimeout(() => void connect(), pause * (0.5 + Math.random()));
    };
    const onVisibility = () => {
      clearTimeout(timer);
      abort.abort();
      if (document.hidden) return;
      abort = new AbortController();
      void connect();
    };
    document.addEventListener('visibilitychange', onVisibility);
    if (!document.hidden) void connect();
    return () => {
      ended = true;
      document.removeEventListener('visibilitychange', onVisibility);
      clearTimeout(timer);
      clearTimeout(settle);
      abort.abort();
      setOpen(false);
    };
  }, [env]);
  return open;
}

export function useLiveEnvironment(env: string | undefined): Connection {
  const streaming = useEventStream(env);
  const { data, error } = useQuery({ ...readinessQuery, refetchInterval: streaming ? POLL_WITH_STREAM_MS : POLL_MS });
  const sequence = data?.environments?.find((entry) => entry.environment === env)?.sequence;
  const last = useRef<{ env: string | undefined; sequence: number | undefined }>({ env: undefined, sequence: undefined });
  useEffect(() => {
    const before = last.current;
    last.current = { env, sequence };
    if (env === undefined || sequence === undefined) return;
    if (before.env === env && before.sequence !== undefined && before.sequence !== sequence) void refresh(env);
  }, [env, sequence]);
  const blind = env !== undefined && !streaming && data !== undefined && data.environments === undefined;
  useEffect(() => {
    if (!blind) return;
    const timer = setInterval(() => void refresh(env), BLIND_POLL_MS);
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
