// SPDX-License-Identifier: Apache-2.0
import { MantineProvider } from '@mantine/core';
import { render } from '@testing-library/react';
import type { ReactElement } from 'react';
import { LanguageProvider, type Language } from '../i18n/i18n';

export function show(element: ReactElement, language: Language = 'en') {
  return render(
    <LanguageProvider fixed={language}>
      <MantineProvider env="test">{element}</MantineProvider>
    </LanguageProvider>,
  );
}
