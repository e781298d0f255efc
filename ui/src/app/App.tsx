// SPDX-License-Identifier: Apache-2.0
import { MantineProvider, localStorageColorSchemeManager } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClientProvider } from '@tanstack/react-query';
import { lazy, type ComponentType } from 'react';
import { Navigate, createBrowserRouter, useParams } from 'react-router';
import { RouterProvider } from 'react-router/dom';
import { queryClient } from '../api/queries';
import { LanguageProvider } from '../i18n/i18n';
import { ConfirmProvider } from '../shared/confirm';
import { Session, useAccess } from './Session';
import { Shell } from './Shell';
import { NotFound, RouteError } from './RouteError';
import { isProduction, pathOf } from './environment';
import { theme, variables } from './theme';

const page = <Name extends string>(load: () => Promise<Record<Name, ComponentType>>, name: Name) =>
  lazy(async () => ({ default: (await load())[name] }));

const Overview = page(() => import('../overview/Overview'), 'Overview');
const FlagList = page(() => import('../flags/list/FlagList'), 'FlagList');
const NewFlag = page(() => import('../flags/NewFlag'), 'NewFlag');
const FlagPage = page(() => import('../flags/FlagPage'), 'FlagPage');
const KillSwitches = page(() => import('../kill/KillSwitches'), 'KillSwitches');
const Segments = page(() => import('../segments/Segments'), 'Segments');
const SegmentPage = page(() => import('../segments/SegmentPage'), 'SegmentPage');
const Tenants = page(() => import('../tenants/Tenants'), 'Tenants');
const TenantPage = page(() => import('../tenants/TenantPage'), 'TenantPage');
const Keys = page(() => import('../keys/Keys'), 'Keys');
const Audit = page(() => import('../audit/Audit'), 'Audit');
const System = page(() => import('../system/System'), 'System');

// The first address of a visit: never production by accident.
function Start() {
  const { environments } = useAccess();
  const kept = sessionStorage.getItem('guidon.environment');
  const env =
    environments.find((name) => name === kept) ?? environments.find((name) => !isProduction(name)) ?? environments[0];
  return env === undefined ? <NotFound /> : <Navigate to={pathOf(env, 'flags')} replace />;
}

function ToFlags() {
  const { env = '' } = useParams();
  return <Navigate to={pathOf(env, 'flags')} replace />;
}

const router = createBrowserRouter([
  {
    element: <Session />,
    errorElement: <RouteError />,
    children: [
      { path: '/', element: <Start /> },
      {
        path: '/env/:env',
        element: <Shell />,
        errorElement: <RouteError />,
        children: [
          { index: true, element: <ToFlags /> },
          {
            errorElement: <RouteError />,
            children: [
              { path: 'overview', element: <Overview /> },
              { path: 'flags', element: <FlagList /> },
              { path: 'new-flag', element: <NewFlag /> },
              { path: 'flags/:key', element: <FlagPage /> },
              { path: 'flags/:key/:tab', element: <FlagPage /> },
              { path: 'kill-switches', element: <KillSwitches /> },
              { path: 'segments', element: <Segments /> },
              { path: 'segments/:key', element: <SegmentPage /> },
              { path: 'tenants', element: <Tenants /> },
              { path: 'tenants/:tenantId', element: <TenantPage /> },
              { path: 'keys', element: <Keys /> },
              { path: 'audit', element: <Audit /> },
              { path: 'system', element: <System /> },
              { path: '*', element: <NotFound /> },
            ],
          },
        ],
      },
      { path: '*', element: <NotFound /> },
    ],
  },
]);

const schemeManager = localStorageColorSchemeManager({ key: 'guidon.theme' });

export function App({ nonce }: { nonce: string }) {
  return (
    <LanguageProvider>
      <MantineProvider
        theme={theme}
        cssVariablesResolver={variables}
        defaultColorScheme="auto"
        colorSchemeManager={schemeManager}
        getStyleNonce={() => nonce}
      >
        <QueryClientProvider client={queryClient}>
          <Notifications position="bottom-right" limit={4} />
          <ConfirmProvider>
            <RouterProvider router={router} />
          </ConfirmProvider>
        </QueryClientProvider>
      </MantineProvider>
    </LanguageProvider>
  );
}
