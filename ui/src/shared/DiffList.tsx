// SPDX-License-Identifier: Apache-2.0
import type { Json } from '../api/types';
import { useT } from '../i18n/i18n';
import { attributeLabel } from './labels';
import type { Difference } from './diff';
import { sharedStyles as styles } from './ui';

const textOf = (value: Json) => (typeof value === 'string' ? value : JSON.stringify(value, null, typeof value === 'object' ? 2 : 0));

export function DiffList({ changes }: { changes: Difference[] }) {
  const t = useT();
  if (changes.length === 0) return <p>{t('diff.none')}</p>;
  return (
    <ul className={styles.diff}>
      {changes.map(({ path, before, after }) => (
        <li key={path} className={styles.diffItem}>
          <div className={styles.diffPath}>
            {attributeLabel(path, t)}
            <code>{path}</code>
          </div>
          {before === undefined ? null : (
            <div className={styles.diffSide} data-side="before">
              <span aria-label={t('diff.before')}>−</span>
              <span>{textOf(before)}</span>
            </div>
          )}
          {after === undefined ? null : (
            <div className={styles.diffSide} data-side="after">
              <span aria-label={t('diff.after')}>+</span>
              <span>{textOf(after)}</span>
            </div>
          )}
        </li>
      ))}
    </ul>
  );
}
