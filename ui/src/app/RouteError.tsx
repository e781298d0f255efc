// SPDX-License-Identifier: Apache-2.0
import { Button } from '@mantine/core';
import { Link, useRouteError } from 'react-router';
import { useT } from '../i18n/i18n';
import { Empty, Notice, Page } from '../shared/ui';

export function NotFound() {
  const t = useT();
  return (
    <Page title={t('notFound.title')}>
      <Empty
        icon="search"
        title={t('notFound.heading')}
        action={
          <Button component={Link} to="/" variant="default">
            {t('notFound.back')}
          </Button>
        }
      >
        {t('notFound.text')}
      </Empty>
    </Page>
  );
}

// A page that threw, or a part of the UI that could not be loaded (a new release replaced it).
export function RouteError() {
  const t = useT();
  const error = useRouteError();
  return (
    <Page title={t('crash.title')}>
      <Notice
        tone="bad"
        live
        action={
          <Button variant="default" size="xs" onClick={() => window.location.reload()}>
            {t('crash.reload')}
          </Button>
        }
      >
        <p>{t('crash.text')}</p>
        <small>{error instanceof Error ? error.message : String(error)}</small>
      </Notice>
    </Page>
  );
}
