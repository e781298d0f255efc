// SPDX-License-Identifier: Apache-2.0
// Which environment an address is about, and how dangerous that is.
import { useParams } from 'react-router';

export type Tone = 'production' | 'staging' | 'development' | 'other';

export function toneOf(env: string): Tone {
  if (/^(prod|production|live|prd)(-|$)/.test(env)) return 'production';
  if (/^(stag|staging|stg|preprod|uat|qa)(-|$)/.test(env)) return 'staging';
  if (/^(dev|development|local|test)(-|$)/.test(env)) return 'development';
  return 'other';
}

export const isProduction = (env: string) => toneOf(env) === 'production';

// Of the page shown; every page below the shell has one.
export function useEnvironment(): string {
  const { env } = useParams();
  if (env === undefined) throw new Error('this page has no environment');
  return env;
}

export const pathOf = (env: string, ...parts: string[]) =>
  `/env/${[env, ...parts].map((part) => encodeURIComponent(part)).join('/')}`;
