// SPDX-License-Identifier: Apache-2.0
// The web SDK with its OFREP provider, both unmodified from npm, on event streams of the real binary (OFREP 0.3.0).
// Browsers have EventSource, Node.js has not: the npm package of that name stands for it.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { OFREPWebProvider } from '@openfeature/ofrep-web-provider';
import { OpenFeature, ProviderEvents } from '@openfeature/web-sdk';
import { EventSource } from 'eventsource';

import { Guidon, createSampleFlags } from '../lib/guidon.mjs';

const WAIT_MS_MAX = 30_000;

const opened = [];
globalThis.EventSource = class extends EventSource {
  constructor(url, init) {
    super(url, init);
    opened.push(this);
    this.addEventListener('open', () => { this.isOpen = true; });
  }
};

let guidon;
const calls = [];

async function recordingFetch(request, init) {
  const sent = new Request(request, init);
  calls.push(sent.url);
  return fetch(sent);
}

async function until(condition, what) {
  const deadline = Date.now() + WAIT_MS_MAX;
  while (Date.now() < deadline) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.fail(`timed out waiting for ${what}\n${guidon.output}`);
}

async function connect(domain, tenantId, options = {}) {
  await OpenFeature.setContext(domain, { targetingKey: 'user-1', tenantId });
  const before = opened.length;
  await OpenFeature.setProviderAndWait(domain, new OFREPWebProvider({
    baseUrl: guidon.url, fetchImplementation: recordingFetch, cacheMode: 'disabled', pollInterval: 0, ...options,
  }));
  await until(() => opened.slice(before).some((source) => source.isOpen), 'the stream to open');
  const changes = [];
  const client = OpenFeature.getClient(domain);
  client.addHandler(ProviderEvents.ConfigurationChanged, (event) => changes.push(...event.flagsChanged));
  return { client, changes, source: opened.at(-1) };
}

before(async () => {
  guidon = await Guidon.start({ env: { GUIDON_LOG_LEVEL: 'debug' } });
  await createSampleFlags(guidon);
});

after(async () => {
  await OpenFeature.close();
  for (const source of opened) source.close();
  assert.deepEqual(await guidon.stop(), { code: 0, signal: null }, guidon.output);
});

describe('event streams', () => {
  test('a change reaches the handler without polling, and the refetch says what announced it', async () => {
    const { client, changes } = await connect('acme', 'acme');
    assert.equal(client.getStringValue('text', ''), 'red');
    calls.length = 0;
    await guidon.engage('flag:text', 'red burns');
    await until(() => changes.includes('text'), 'the change handler');
    assert.equal(client.getStringValue('text', ''), 'blue');
    assert.equal(calls.length, 1, 'one refetch for one change');
    const query = new URL(calls[0]).searchParams;
    assert.match(query.get('flagConfigEtag'), /^"[A-Za-z0-9_-]{32}"$/);
    assert.ok(Math.abs(Number(query.get('flagConfigLastModified')) - Date.now() / 1000) < 60);
    changes.length = 0;
    await guidon.release('flag:text');
    await until(() => changes.includes('text'), 'the change handler after the release');
    assert.equal(client.getStringValue('text', ''), 'red');
  });

  test("another tenant's change makes no event and no request", async () => {
    const { changes } = await connect('globex', 'globex');
    const other = await connect('acme-2', 'acme');
    calls.length = 0;
    await guidon.patchFlag('owned', { defaultEnabled: false });
    await until(() => other.changes.includes('owned'), "acme's handler");
    // A change for all afterwards: what came before it on the stream has come.
    const seen = calls.length;
    await guidon.patchFlag('bool-on', { defaultEnabled: false });
    await until(() => changes.includes('bool-on'), "globex's handler");
    assert.deepEqual(changes, ['bool-on']);
    assert.ok(seen <= 2, `${seen} requests for a change that concerns the two streams of acme`);
    await guidon.patchFlag('bool-on', { defaultEnabled: true });
  });

  test('after a restart of the server clients come back by themselves and learn what they missed', async () => {
    const { client, changes } = await connect('restart', 'acme');
    await guidon.restart();
    await guidon.patchFlag('bool-off', { defaultEnabled: true });
    await until(() => changes.includes('bool-off'), 'the change handler after the restart');
    assert.equal(client.getBooleanValue('bool-off', false), true);
  });

  test("the stream's token is in no log", async () => {
    const tokens = opened.map((source) => new URL(source.url).searchParams.get('token'));
    assert.ok(tokens.length >= 3);
    for (const token of tokens) assert.ok(token.length > 50 && !guidon.output.includes(token));
    assert.match(guidon.output, /\/ofrep\/v1\/events/, 'requests are logged, by route');
  });
});
