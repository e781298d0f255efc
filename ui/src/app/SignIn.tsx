// SPDX-License-Identifier: Apache-2.0
import { Button, PasswordInput } from '@mantine/core';
import { useState } from 'react';
import { sessionKey } from '../api/client';
import { accessQuery, queryClient } from '../api/queries';
import { useT } from '../i18n/i18n';
import { Icon } from '../shared/icons';
import { ErrorNotice, Notice } from '../shared/ui';
import { LanguageMenu, ThemeButton } from './Preferences';
import styles from './shell.module.css';

export function SignIn({ problem, onSignedIn }: { problem: string | undefined; onSignedIn: () => void }) {
  const t = useT();
  const [key, setKey] = useState('');
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);

  const submit = async () => {
    setBusy(true);
    setWrong(null);
    setError(null);
    sessionKey.set(key.trim());
    try {
      const access = await queryClient.fetchQuery({ ...accessQuery, staleTime: 0 });
      if (access.kind === 'anonymous') setWrong(t('signIn.wrong'));
      else if (!access.permissions.includes('flags:read')) setWrong(t('signIn.evaluator'));
      else onSignedIn();
      if (!access.permissions.includes('flags:read')) sessionKey.clear();
    } catch (failure) {
      sessionKey.clear();
      setError(failure);
    }
    setBusy(false);
  };

  return (
    <div className={styles.signIn}>
      <title>{`${t('signIn.title')} · Guidon`}</title>
      <div className={styles.signInTop}>
        <LanguageMenu />
        <ThemeButton />
      </div>
      <main className={styles.signInCard}>
        <span className={styles.brand}>
          <Icon name="flag" size={26} /> Guidon
        </span>
        <h1>{t('signIn.title')}</h1>
        <p>{t('signIn.lead')}</p>
        {problem && !wrong ? <Notice tone="warn">{problem}</Notice> : null}
        {error ? <ErrorNotice error={error} /> : null}
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (key.trim() && !busy) void submit();
          }}
        >
          <PasswordInput
            label={t('signIn.key')}
            placeholder="gdn_admin_…"
            value={key}
            onChange={(event) => setKey(event.currentTarget.value)}
            error={wrong}
            autoFocus
            autoComplete="off"
            spellCheck={false}
            visibilityToggleButtonProps={{ 'aria-label': t('signIn.show') }}
          />
          <Button type="submit" fullWidth mt="md" loading={busy} disabled={!key.trim()}>
            {t('signIn.submit')}
          </Button>
        </form>
        <p className={styles.fine}>{t('signIn.fine')}</p>
      </main>
    </div>
  );
}
