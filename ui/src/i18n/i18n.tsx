// SPDX-License-Identifier: Apache-2.0
// Texts by key in the reader's language. `{name}` is replaced; `{n:flag|flags}` picks by the number `n` and leaves it out.
import { createContext, useCallback, useContext, useEffect, useMemo, useState, type ReactNode } from 'react';
import { messages, type MessageKey } from './messages';

export type Language = 'ja' | 'en';
export type Parameters = Record<string, string | number>;
export type Translate = (key: MessageKey, parameters?: Parameters) => string;

const STORAGE_KEY = 'guidon.language';
const PLACEHOLDER = /\{(\w+)(?::([^|}]*)\|([^}]*))?\}/g;

export function format(text: string, parameters: Parameters = {}): string {
  return text.replace(PLACEHOLDER, (whole, name: string, one?: string, many?: string) => {
    const value = parameters[name];
    if (value === undefined) return whole;
    if (one === undefined || many === undefined) return String(value);
    return value === 1 ? one : many;
  });
}

export function translate(language: Language, key: MessageKey, parameters?: Parameters): string {
  return format(messages[key][language === 'en' ? 0 : 1], parameters);
}

function initialLanguage(): Language {
  const kept = localStorage.getItem(STORAGE_KEY);
  if (kept === 'ja' || kept === 'en') return kept;
  return navigator.languages.some((language) => language.toLowerCase().startsWith('ja')) ? 'ja' : 'en';
}

type Setting = { language: Language; setLanguage: (language: Language) => void; t: Translate };
const LanguageContext = createContext<Setting | null>(null);

export function LanguageProvider({ children, fixed }: { children: ReactNode; fixed?: Language }) {
  const [language, setState] = useState<Language>(() => fixed ?? initialLanguage());
  const setLanguage = useCallback((next: Language) => {
    localStorage.setItem(STORAGE_KEY, next);
    setState(next);
  }, []);
  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  const value = useMemo<Setting>(
    () => ({ language, setLanguage, t: (key, parameters) => translate(language, key, parameters) }),
    [language, setLanguage],
  );
  return <LanguageContext.Provider value={value}>{children}</LanguageContext.Provider>;
}

export function useLanguage(): Setting {
  const setting = useContext(LanguageContext);
  if (!setting) throw new Error('no LanguageProvider');
  return setting;
}

export function useT(): Translate {
  return useLanguage().t;
}
