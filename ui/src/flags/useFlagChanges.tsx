// SPDX-License-Identifier: Apache-2.0
// Small changes of flags from lists: shown at once, taken back when refused, undone on request.
import { useCallback } from 'react';
import type { InfiniteData } from '@tanstack/react-query';
import { ApiError, ask, client, ifMatch } from '../api/client';
import { queryClient } from '../api/queries';
import type { Flag, FlagInput } from '../api/types';
import { isProduction } from '../app/environment';
import { useT } from '../i18n/i18n';
import { DiffList } from '../shared/DiffList';
import { useConfirm, useTell } from '../shared/confirm';
import { differences } from '../shared/diff';

type FlagPages = InfiniteData<{ items: Flag[]; nextCursor?: string }>;

// Puts `flag` in place of what lists and its page have of it.
export function showFlag(env: string, flag: Flag) {
  queryClient.setQueriesData<FlagPages>({ queryKey: ['env', env, 'flags'] }, (data) =>
    data ? { ...data, pages: data.pages.map((page) => ({ ...page, items: page.items.map((old) => (old.flagKey === flag.flagKey ? flag : old)) })) } : data,
  );
  queryClient.setQueryData(['env', env, 'flag', flag.flagKey], flag);
}

export async function patchFlag(env: string, flag: Flag, patch: Partial<Record<keyof FlagInput, unknown>>): Promise<Flag> {
  return ask(
    client.PATCH('/api/v1/environments/{env}/flags/{key}', {
      params: { path: { env, key: flag.flagKey }, header: ifMatch(flag.version) },
      body: patch as Record<string, never>,
    }),
  );
}

export function useToggleFlag(env: string) {
  const t = useT();
  const confirm = useConfirm();
  const tell = useTell();

  const set = useCallback(
    async (flag: Flag, enabled: boolean, undoable: boolean) => {
      const hoped: Flag = { ...flag, defaultEnabled: enabled };
      showFlag(env, hoped);
      try {
        const changed = await patchFlag(env, flag, { defaultEnabled: enabled });
        delete changed.warnings;
        showFlag(env, changed);
        tell.done(t(enabled ? 'toggle.on' : 'toggle.off', { flag: flag.flagKey, env }), undoable ? () => void set(changed, !enabled, false) : undefined);
      } catch (error) {
        showFlag(env, flag);
        tell.failed(error);
        if (error instanceof ApiError && error.isConflict) void queryClient.invalidateQueries({ queryKey: ['env', env] });
      }
    },
    [env, t, tell],
  );

  return useCallback(
    async (flag: Flag) => {
      const enabled = !flag.defaultEnabled;
      if (isProduction(env)) {
        const yes = await confirm({
          title: t(enabled ? 'toggle.askOn' : 'toggle.askOff', { flag: flag.flagKey }),
          env,
          body: (
            <>
              <DiffList changes={differences({ defaultEnabled: flag.defaultEnabled }, { defaultEnabled: enabled })} />
              <p style={{ margin: 0, fontSize: '0.875rem' }}>{consequence(flag, enabled, t)}</p>
            </>
          ),
          confirmLabel: t(enabled ? 'toggle.doOn' : 'toggle.doOff'),
        });
        if (!yes) return;
      }
      await set(flag, enabled, true);
    },
    [env, confirm, set, t],
  );
}

// What people get who are caught by no override and no rule.
function consequence(flag: Flag, enabled: boolean, t: ReturnType<typeof useT>): string {
  const rules = flag.targetingRules?.length ?? 0;
  const before = rules > 0 ? ` ${t('toggle.rulesStay', { n: rules })}` : '';
  if (!enabled) return t('toggle.servesOff', { variation: flag.offVariation ?? '' }) + before;
  if (flag.rolloutPercentage !== undefined) return t('toggle.servesRollout', { variation: flag.defaultVariation ?? '', percent: flag.rolloutPercentage }) + before;
  return t('toggle.servesOn', { variation: flag.defaultVariation ?? '' }) + before;
}
