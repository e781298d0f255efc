// SPDX-License-Identifier: Apache-2.0
// The one way to the server: typed by the contract, with the session's key, failures as ApiError.
import createClient from 'openapi-fetch';
import type { paths } from './schema.gen';
import type { Problem } from './types';

const KEY_STORAGE = 'guidon.key';

// The key lives as long as the tab and is never written anywhere else.
export const sessionKey = {
  get: () => sessionStorage.getItem(KEY_STORAGE),
  set: (key: string) => sessionStorage.setItem(KEY_STORAGE, key),
  clear: () => sessionStorage.removeItem(KEY_STORAGE),
};

export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly field: string | undefined;
  readonly requestId: string | undefined;
  readonly currentVersion: number | undefined;

  constructor(status: number, problem: Partial<Problem>, requestId?: string) {
    super(problem.detail ?? problem.title ?? `HTTP ${status}`);
    this.status = status;
    this.code = problem.code ?? 'UNKNOWN';
    this.field = problem.field;
    this.requestId = problem.requestId ?? requestId;
    this.currentVersion = problem.currentVersion;
  }

  // Another change came first: with If-Match 412, for a race lost inside the server 409 that carries a version.
  get isConflict() {
    return this.status === 412 || (this.status === 409 && this.currentVersion !== undefined);
  }
}

// The server could not be reached, or what answered was not it.
export class UnreachableError extends Error {}

// Keeps Mantine's and the router's tests simple: whoever wants to know that the key stopped working registers here.
let onUnauthenticated: () => void = () => {};
export function whenUnauthenticated(callback: () => void) {
  onUnauthenticated = callback;
}

// `this` of fetch must be the window, and tests replace it: look it up at each call.
export const client = createClient<paths>({ baseUrl: globalThis.location?.origin ?? '', fetch: (request) => globalThis.fetch(request) });

client.use({
  onRequest({ request }) {
    const key = sessionKey.get();
    if (key) request.headers.set('Authorization', `Bearer ${key}`);
    return request;
  },
  onError({ error }) {
    // An aborted request is no failure of the server.
    if (error instanceof DOMException && error.name === 'AbortError') return error;
    return new UnreachableError(error instanceof Error ? error.message : String(error));
  },
});

type Answer<T> = { data?: T; error?: unknown; response: Response };

export async function ask<T>(call: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await call;
  if (response.ok) return data as T;
  if (response.status === 401) onUnauthenticated();
  const problem = typeof error === 'object' && error !== null ? (error as Partial<Problem>) : {};
  throw new ApiError(response.status, problem, response.headers.get('X-Request-Id') ?? undefined);
}

export const ifMatch = (version: number) => ({ 'If-Match': `"${version}"` as const });
