// SPDX-License-Identifier: Apache-2.0
import { Tabs } from '@mantine/core';
import type { Flag } from '../api/types';
import { useT } from '../i18n/i18n';
import { Card, CopyButton, Notice, sharedStyles } from '../shared/ui';
import { snippetsOf } from './snippets';

export function Snippets({ env, flag }: { env: string; flag: Flag }) {
  const t = useT();
  const list = snippetsOf(flag, window.location.origin);
  return (
    <Card title={t('snippets.title')}>
      <p style={{ marginTop: 0, fontSize: '0.875rem', color: 'var(--g-dim)' }}>{t('snippets.text', { env })}</p>
      {flag.clientVisible ? null : <div style={{ marginBottom: 12 }}><Notice>{t('snippets.notClient')}</Notice></div>}
      <Tabs defaultValue="node">
        <Tabs.List>
          {list.map(({ id, name }) => <Tabs.Tab key={id} value={id}>{name}</Tabs.Tab>)}
        </Tabs.List>
        {list.map(({ id, install, code }) => (
          <Tabs.Panel key={id} value={id} pt="sm">
            <div style={{ display: 'grid', gap: 10 }}>
              {[install, code].map((text) => (
                <div key={text} className={sharedStyles.copyLine}>
                  <pre className={sharedStyles.code} style={{ flex: 1, minWidth: 0 }} tabIndex={0}>{text}</pre>
                  <CopyButton text={text} />
                </div>
              ))}
            </div>
          </Tabs.Panel>
        ))}
      </Tabs>
    </Card>
  );
}
