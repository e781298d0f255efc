// SPDX-License-Identifier: Apache-2.0
// What this node runs with, and where each value came from.
import { Checkbox } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { configurationQuery } from '../api/queries';
import { useT } from '../i18n/i18n';
import { Card, ErrorNotice, Loading, Tag, sharedStyles } from '../shared/ui';

export function Configuration() {
  const t = useT();
  const { data, error, isPending } = useQuery(configurationQuery);
  const [chosenOnly, setChosenOnly] = useState(false);
  const isChosen = (origin: string) => origin !== 'default' && origin !== 'profile';
  const shown = data?.filter(({ origin }) => !chosenOnly || isChosen(origin)) ?? [];
  return (
    <Card title={t('system.configuration')} flush actions={<Checkbox size="xs" label={t('system.chosenOnly')} checked={chosenOnly} onChange={(event) => setChosenOnly(event.currentTarget.checked)} />}>
      {error ? <div style={{ padding: 14 }}><ErrorNotice error={error} /></div> : isPending ? <Loading lines={6} /> : (
        <div className={sharedStyles.scroll} tabIndex={0} role="region" aria-label={t('system.configuration')}>
          <table className={sharedStyles.table} style={{ minWidth: 560 }}>
            <thead><tr><th scope="col">{t('system.setting')}</th><th scope="col">{t('system.value')}</th><th scope="col">{t('system.origin')}</th></tr></thead>
            <tbody>
              {shown.map(({ name, value, origin, source }) => (
                <tr key={name}>
                  <td className="mono">{name}</td>
                  <td className="mono">{value || '–'}</td>
                  <td><Tag tone={isChosen(origin) ? 'accent' : 'plain'}>{t(`origin.${origin}`)}</Tag>{source ? <span className="mono" style={{ marginLeft: 8, fontSize: '0.8rem' }}>{source}</span> : null}</td>
                </tr>
              ))}
              {shown.length === 0 ? <tr><td colSpan={3}>{t('system.nothingChosen')}</td></tr> : null}
            </tbody>
          </table>
        </div>
      )}
    </Card>
  );
}
