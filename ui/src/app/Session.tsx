// SPDX-License-Identifier: Apache-2.0
// Who works here, and what they may do. Without a key that holds there is the sign-in page and nothing else.
import { useQuery } from '@tanstack/react-query';
import { createContext, useCallback, useContext, useEffect, useMemo, useState } from 'react';
import { Outlet } from 'react-router';
import { sessionKey, whenUnauthenticated } from '../api/client';
import { accessQuery, queryClient } from '../api/queries';
import type { Access } from '../api/types';
import { ErrorNotice, Loading, Page } from '../shared/ui';
import { useT } from '../i18n/i18n';
import { SignIn } from './SignIn';

export type Permission =
  | 'flags:read' | 'flags:write' | 'overrides:read' | 'overrides:write' | 'kill:read' | 'kill:engage' | 'kill:release'
  | 'segments:read' | 'segments:write' | 'tenants:read' | 'tenants:write' | 'keys:read' | 'keys:write' | 'audit:read'
  | 'system:read' | 'system:write';

type AccessValue = {
  kind: Access['kind'];
  id: string | undefined;
  tenantId: string | undefined;
  environments: string[];
  signedIn: boolean;
  may: (permission: Permission) => boolean;
  signOut: () => void;
};
const AccessContext = createContext<AccessValue | null>(null);

export function useAccess(): AccessValue {
  const value = useContext(AccessContext);
  if (!value) throw new Error('no session');
  return value;
}

export function Session() {
  const t = useT();
  const { data, error, refetch } = useQuery(accessQuery);
  const [ended, setEnded] = useState(false);

  const signOut = useCallback(() => {
    sessionKey.clear();
    queryClient.clear();
    void queryClient.fetchQuery(accessQuery);
  }, []);
  useEffect(() => {
    whenUnauthenticated(() => {
      setEnded(sessionKey.get() !== null);
      sessionKey.clear();
      void queryClient.invalidateQueries({ queryKey: accessQuery.queryKey });
    });
    return () => whenUnauthenticated(() => {});
  }, []);

  const value = useMemo<AccessValue | null>(
    () =>
      data
        ? {
            kind: data.kind,
            id: data.id,
            tenantId: data.tenantId,
            environments: data.environments,
            signedIn: data.kind !== 'local',
            may: (permission) => data.permissions.includes(permission),
            signOut,
          }
        : null,
    [data, signOut],
  );

  if (error && !data) {
    return (
      <Page title="Guidon">
        <ErrorNotice error={error} retry={() => void refetch()} />
      </Page>
    );
  }
  if (!value) {
    return (
      <Page title="Guidon">
        <Loading />
      </Page>
    );
  }
  if (!value.may('flags:read')) {
    return <SignIn problem={ended ? t('signIn.ended') : value.kind === 'anonymous' ? undefined : t('signIn.evaluator')} onSignedIn={() => setEnded(false)} />;
  }
  return (
    <AccessContext.Provider value={value}>
      <Outlet />
    </AccessContext.Provider>
  );
}
