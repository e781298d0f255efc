// SPDX-License-Identifier: Apache-2.0
import { ActionIcon, Button, Menu, Tooltip, useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { useLanguage } from '../i18n/i18n';
import { Icon } from '../shared/icons';
import styles from './shell.module.css';

export function LanguageMenu() {
  const { language, setLanguage, t } = useLanguage();
  return (
    <Menu position="bottom-end" width={160}>
      <Menu.Target>
        <Button variant="subtle" size="compact-md" className={styles.barButton} leftSection={<Icon name="globe" />} aria-label={t('shell.language')}>
          {language === 'ja' ? 'JA' : 'EN'}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item lang="ja" onClick={() => setLanguage('ja')} rightSection={language === 'ja' ? <Icon name="check" /> : null}>
          日本語
        </Menu.Item>
        <Menu.Item lang="en" onClick={() => setLanguage('en')} rightSection={language === 'en' ? <Icon name="check" /> : null}>
          English
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

export function ThemeButton() {
  const { t } = useLanguage();
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme('light');
  const label = scheme === 'dark' ? t('shell.light') : t('shell.dark');
  return (
    <Tooltip label={label}>
      <ActionIcon variant="subtle" size="lg" className={styles.barButton} aria-label={label} onClick={() => setColorScheme(scheme === 'dark' ? 'light' : 'dark')}>
        <Icon name={scheme === 'dark' ? 'sun' : 'moon'} />
      </ActionIcon>
    </Tooltip>
  );
}
