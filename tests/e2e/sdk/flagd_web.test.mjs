// SPDX-License-Identifier: Apache-2.0
// flagd's provider for browsers, unmodified from npm, on the real binary's main port: the Connect protocol over fetch.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { FlagdWebProvider } from '@openfeature/flagd-web-provider';
import { OpenFeature, ProviderEvents } from '@openfeature/web-sdk';

import { Guidon, createSampleFlags } from '../lib/guidon.mjs';

const CHANGE_MS_MAX = 20_000;

let guidon;

// `headers`: what a page adds to each call, with the provider's own option for it.
function provider(headers = {}, logger = undefined) {
  const { hostname, port } = new URL(guidon.url);
  const add = (next) => (request) => {
    for (const [name, value] of Object.entries(headers)) request.header.set(name, value);
    return next(request);
  };
  return new FlagdWebProvider({ host: hostname, port: Number(port), tls: false, maxDelay: 500, interceptors: [add] }, logger);
}

// The provider asks for the application's context, whatever the domain, so one is in use at a time.
async function clientOf(headers, context) {
  await OpenFeature.setContext(context);
  const used = provider(headers);
  await OpenFeature.setProviderAndWait('flagd-web', used);
  return { client: OpenFeature.getClient('flagd-web'), close: () => close(used) };
}

// A provider that is closed opens its stream again, as after an accident; without tries left it stays closed.
function close(used) {
  used._maxRetries = 0;
  return used.onClose();
}

async function until(condition, what) {
  const deadline = Date.now() + CHANGE_MS_MAX;
  while (!condition()) {
    assert.ok(Date.now() < deadline, `timed out waiting for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

before(async () => {
  guidon = await Guidon.start({ args: ['--allowed-origins', 'https://shop.example'] });
  await createSampleFlags(guidon);
  await guidon.call('PUT', '/api/v1/environments/development/flags/bool-off/overrides/acme', { variation: 'on' });
});
after(async () => {
  await OpenFeature.close();
  assert.deepEqual(await guidon.stop(), { code: 0, signal: null }, guidon.output);
});

describe('evaluation', () => {
  let used;
  before(async () => { used = await clientOf({}, { targetingKey: 'user-7', tenantId: 'acme', plan: 'pro' }); });
  after(() => used.close());

  test('all types', () => {
    assert.deepEqual(used.client.getBooleanDetails('bool-on', false).value, true);
    const text = used.client.getStringDetails('text', 'x');
    assert.deepEqual([text.value, text.variant, text.reason], ['red', 'red', 'STATIC']);
    assert.equal(used.client.getNumberValue('number', -1), 12.5);
    assert.deepEqual(used.client.getObjectValue('object', {}), { limit: 10, names: ['x', 'y'], nested: { deep: true } });
    const targeted = used.client.getBooleanDetails('targeted', false);
    assert.deepEqual([targeted.value, targeted.reason], [true, 'TARGETING_MATCH']);
    assert.equal(used.client.getBooleanDetails('rollout', false).reason, 'SPLIT');
  });

  test('what is not there, another type, and a disabled flag leave the value to the program', () => {
    for (const own of [true, false]) {
      const missing = used.client.getBooleanDetails('nowhere', own);
      assert.deepEqual([missing.value, missing.errorCode], [own, 'FLAG_NOT_FOUND']);
      assert.equal(used.client.getBooleanDetails('disabled', own).value, own);
    }
    const wrong = used.client.getStringDetails('bool-on', 'mine');
    assert.deepEqual([wrong.value, wrong.errorCode], ['mine', 'TYPE_MISMATCH']);
  });

  test('another context is evaluated anew', async () => {
    assert.equal(used.client.getBooleanValue('bool-off', false), true);
    assert.equal(used.client.getBooleanValue('owned', false), true);
    await OpenFeature.setContext({ targetingKey: 'user-7', tenantId: 'globex' });
    assert.equal(used.client.getBooleanValue('bool-off', true), false);
    assert.equal(used.client.getBooleanDetails('owned', false).errorCode, 'FLAG_NOT_FOUND');
    assert.equal(used.client.getBooleanValue('targeted', true), false);
    await OpenFeature.setContext({ targetingKey: 'user-7', tenantId: 'acme', plan: 'pro' });
  });
});

describe('changes', () => {
  let used;
  let changes = 0;
  before(async () => {
    used = await clientOf({}, { targetingKey: 'user-7' });
    used.client.addHandler(ProviderEvents.ConfigurationChanged, () => { changes += 1; });
  });
  after(() => used.close());

  // The handler was called, and by then the answer is the new one.
  async function changed(act, flag, wanted) {
    changes = 0;
    const answer = await act();
    await until(() => changes > 0, 'the change event');
    assert.equal(used.client.getBooleanValue(flag, !wanted), wanted);
    return answer;
  }

  test('a change and a kill switch reach handler and answer', async () => {
    await changed(() => guidon.patchFlag('bool-on', { defaultEnabled: false }), 'bool-on', false);
    await changed(() => guidon.patchFlag('bool-on', { defaultEnabled: true }), 'bool-on', true);
    await changed(() => guidon.engage('flag:bool-on'), 'bool-on', false);
    await changed(() => guidon.release('flag:bool-on'), 'bool-on', true);
  });

  test('who has a change is known', async () => {
    const killed = await changed(() => guidon.engage('flag:bool-on'), 'bool-on', false);
    const sequence = killed.headers.get('guidon-sequence');
    const { body } = await guidon.call('GET', `/api/v1/environments/development/propagation/${sequence}?wait=20s`);
    assert.deepEqual([body.complete, body.clients], [true, { ...body.clients, connected: 1, converged: 1 }]);
    await changed(() => guidon.release('flag:bool-on'), 'bool-on', true);
  });

  test('after a restart of the server the stream is opened again', async () => {
    await guidon.restart();
    await guidon.patchFlag('bool-on', { defaultEnabled: false });
    await until(() => used.client.getBooleanValue('bool-on', true) === false, 'the value of the new server');
    await changed(() => guidon.patchFlag('bool-on', { defaultEnabled: true }), 'bool-on', true);
  });
});

describe('keys', () => {
  const made = async (fields) =>
    (await guidon.call('POST', '/api/v1/keys', { name: 'e2e', environment: 'development', ...fields })).body.token;

  test('the environment, and a tenant that sees and hears nothing of another', async () => {
    await guidon.createFlag({ flagKey: 'staged', owner: 'e2e', description: 'x', defaultEnabled: true }, 'staging');
    const staging = await clientOf({ 'Flagd-Selector': 'flagSetId=staging' }, {});
    assert.equal(staging.client.getBooleanValue('staged', false), true);
    assert.equal(staging.client.getBooleanDetails('bool-on', false).errorCode, 'FLAG_NOT_FOUND');
    staging.close();

    const token = await made({ kind: 'server', tenantId: 'globex' });
    const globex = await clientOf({ Authorization: `Bearer ${token}` }, {});
    let heard = 0;
    globex.client.addHandler(ProviderEvents.ConfigurationChanged, () => { heard += 1; });
    assert.equal(globex.client.getBooleanDetails('owned', false).errorCode, 'FLAG_NOT_FOUND');
    await guidon.patchFlag('owned', { description: 'a change of acme' });
    await guidon.engage('tenant:acme');
    await guidon.release('tenant:acme');
    assert.equal(heard, 0);
    // Had there been more than this one, they would have come before it.
    await guidon.patchFlag('bool-on', { description: 'for everybody' });
    await until(() => heard > 0, 'the event for everybody');
    assert.equal(heard, 1);
    globex.close();
  });

  test("a client's key evaluates what is marked for clients", async () => {
    await guidon.createFlag({ flagKey: 'public', owner: 'e2e', description: 'x', defaultEnabled: true, clientVisible: true });
    const browser = await clientOf({ 'X-API-Key': await made({ kind: 'client' }) }, {});
    assert.equal(browser.client.getBooleanValue('public', false), true);
    assert.equal(browser.client.getBooleanDetails('bool-on', false).errorCode, 'FLAG_NOT_FOUND');
    browser.close();
  });

  test('pages of a configured origin may call, others may not', async () => {
    const url = `${guidon.url}/flagd.evaluation.v1.Service/ResolveAll`;
    const preflight = (origin) => fetch(url, { method: 'OPTIONS', headers: { Origin: origin,
      'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'connect-protocol-version,content-type,flagd-selector' } });
    const allowed = await preflight('https://shop.example');
    assert.equal(allowed.headers.get('access-control-allow-origin'), 'https://shop.example');
    for (const name of ['Connect-Protocol-Version', 'Content-Type', 'Flagd-Selector', 'X-API-Key'])
      assert.ok(allowed.headers.get('access-control-allow-headers').split(', ').includes(name), name);
    assert.equal((await preflight('https://other.example')).headers.get('access-control-allow-origin'), null);
  });

  test('the provider logs why it was refused', async () => {
    const said = [];
    const logger = { debug() {}, info() {}, warn() {}, error: (text) => said.push(text) };
    const refused = provider({ Authorization: 'Bearer nonsense' }, logger);
    refused.initialize(); // goes on trying, as with every accident
    await until(() => said.length > 0, 'the refusal');
    assert.match(said[0], /\[unauthenticated\]/);
    close(refused);
  });
});
