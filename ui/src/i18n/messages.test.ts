// SPDX-License-Identifier: Apache-2.0
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { format, translate } from './i18n';
import { messages, type MessageKey } from './messages';

const entries = Object.entries(messages) as [MessageKey, readonly [string, string]][];
const names = (text: string) => [...new Set([...text.matchAll(/\{(\w+)/g)].map((found) => found[1]))].sort();
const JAPANESE = /[\u3040-\u30ff\u4e00-\u9fff]/;
// The same in every language.
const SYMBOLS = /^[\s\d=<>≤≥.:TZ/-]+$/;

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    return /\.tsx?$/.test(entry.name) && !/\.test\.|messages\.ts$|\.gen\./.test(entry.name) ? [readFileSync(path, 'utf8')] : [];
  });
}

describe('messages', () => {
  it.each(entries)('%s is there in both languages', (_, [english, japanese]) => {
    expect(english.trim()).not.toBe('');
    expect(japanese.trim()).not.toBe('');
    expect(english).not.toMatch(JAPANESE);
    if (!SYMBOLS.test(english)) expect(japanese).toMatch(JAPANESE);
  });

  it.each(entries)('%s speaks of the same things in both languages', (_, [english, japanese]) => {
    expect(names(japanese).filter((name) => !names(english).includes(name))).toEqual([]);
    // A number may be left to the plural form in English only.
    const plurals = new Set([...english.matchAll(/\{(\w+):/g)].map((found) => found[1]));
    expect(names(english).filter((name) => !names(japanese).includes(name) && !plurals.has(name))).toEqual([]);
  });

  it('are all used, and all that is used is there', () => {
    const text = sources('src').join('\n');
    // Keys that are put together from a prefix and a name of the contract.
    const prefixes = [...text.matchAll(/`([a-zA-Z.]+\.)\$\{/g)].map((found) => found[1] ?? '');
    const looked = [...text.matchAll(/known\('(\w+)'/g)].map((found) => `${found[1]}.`);
    const unused = entries.map(([key]) => key).filter((key) => !text.includes(`'${key}'`) && ![...prefixes, ...looked].some((prefix) => key.startsWith(prefix)));
    expect(unused).toEqual([]);
    const asked = [...text.matchAll(/\bt\('([\w.]+)'/g)].map((found) => found[1] ?? '');
    expect(asked.length).toBeGreaterThan(200);
    expect(asked.filter((key) => !(key in messages))).toEqual([]);
  });

  it('picks the plural and leaves braces of others alone', () => {
    expect(format('{n} {n:flag|flags}', { n: 1 })).toBe('1 flag');
    expect(format('{n} {n:flag|flags}', { n: 0 })).toBe('0 flags');
    expect(format('{missing} { "a": 1 }', { n: 1 })).toBe('{missing} { "a": 1 }');
    expect(translate('ja', 'nav.killSwitches')).toBe('キルスイッチ');
    // What is put in is never looked at again.
    expect(format('{a}{b}', { a: '{b}', b: 'x' })).toBe('{b}x');
  });
});
