// SPDX-License-Identifier: Apache-2.0
// Differences of two JSON values as a person would list them: by path, lists of things with an id by that id.
import type { Json } from '../api/types';

export type Difference = { path: string; before?: Json; after?: Json };

type JsonObject = { [name: string]: Json };

const isObject = (value: Json | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);

export function equal(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const left = Object.entries(a).filter(([, value]) => value !== undefined);
  const right = Object.entries(b).filter(([, value]) => value !== undefined);
  if (left.length !== right.length) return false;
  return left.every(([name, value]) => Object.hasOwn(b, name) && equal(value, (b as Record<string, unknown>)[name]));
}

function idsOf(list: Json[]): string[] | undefined {
  const ids = list.map((entry) => (isObject(entry) && typeof entry.id === 'string' ? entry.id : undefined));
  return ids.every((id) => id !== undefined) && new Set(ids).size === ids.length ? (ids as string[]) : undefined;
}

function collect(before: Json | undefined, after: Json | undefined, path: string, out: Difference[]) {
  if (equal(before, after)) return;
  const at = (name: string) => (path ? `${path}.${name}` : name);
  if (isObject(before) && isObject(after)) {
    for (const name of [...new Set([...Object.keys(before), ...Object.keys(after)])]) collect(before[name], after[name], at(name), out);
    return;
  }
  if (Array.isArray(before) && Array.isArray(after)) {
    const left = idsOf(before);
    const right = idsOf(after);
    if (left && right) {
      const common = left.filter((id) => right.includes(id));
      const moved = right.filter((id) => left.includes(id));
      if (!equal(common, moved)) out.push({ path: `${path} ⇅`, before: left, after: right });
      for (const id of new Set([...left, ...right])) {
        collect(before[left.indexOf(id)], after[right.indexOf(id)], `${path}[${id}]`, out);
      }
      return;
    }
  }
  out.push({ path, before, after });
}

export function differences(before: unknown, after: unknown): Difference[] {
  const out: Difference[] = [];
  collect((before ?? {}) as Json, (after ?? {}) as Json, '', out);
  return out;
}

// Members of an entity that only the server sets: not what a person changed.
const BOOKKEEPING = ['version', 'createdAt', 'updatedAt', 'updatedBy', 'schema', 'warnings', 'environment'];

export function withoutBookkeeping<T extends object>(entity: T): Partial<T> {
  return Object.fromEntries(Object.entries(entity).filter(([name]) => !BOOKKEEPING.includes(name))) as Partial<T>;
}
