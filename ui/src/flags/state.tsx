// SPDX-License-Identifier: Apache-2.0
import type { Flag } from '../api/types';
import { useT } from '../i18n/i18n';
import { Tag } from '../shared/ui';

export const isExpired = (flag: Pick<Flag, 'expiresAt'>) => flag.expiresAt !== undefined && Date.parse(flag.expiresAt) <= Date.now();

// Expiry wins over ENABLED: that is what evaluation sees.
export function StateTag({ flag }: { flag: Pick<Flag, 'state' | 'expiresAt'> }) {
  const t = useT();
  if (flag.state === 'ARCHIVED') return <Tag>{t('state.ARCHIVED')}</Tag>;
  if (flag.state === 'DISABLED') return <Tag tone="warn">{t('state.DISABLED')}</Tag>;
  if (isExpired(flag)) return <Tag tone="warn">{t('state.expired')}</Tag>;
  return <Tag tone="ok">{t('state.ENABLED')}</Tag>;
}
