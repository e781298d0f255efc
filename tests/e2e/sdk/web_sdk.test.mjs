// SPDX-License-Identifier: Apache-2.0
// The web SDK with its OFREP provider (bulk evaluation, ETag, 304), both unmodified from npm, against the real binary.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { OFREPWebProvider } from '@openfeature/ofrep-web-provider';
import { ErrorCode, OpenFeature, ProviderEvents, StandardResolutionReasons } from '@openfeature/web-sdk';

import { Guidon, createSampleFlags } from '../lib/guidon.mjs';

const POLL_MS = 100;
const WAIT_MS_MAX = 5_000;

let guidon;
const seen = [];

// Records what the provider sent and got, and changes nothing.
async function recordingFetch(request, init) {
  const sent = new Request(request, init);
  const answer = await fetch(sent);
  seen.push({ status: answer.status, ifNoneMatch: sent.headers.get('if-none-match'), etag: answer.headers.get('etag') });
  return answer;
}

function provider(options = {}) {
  return new OFREPWebProvider({
    baseUrl: guidon.url, fetchImplementation: recordingFetch, cacheMode: 'disabled', ...options,
  });
}

async function until(condition, what) {
  const deadline = Date.now() + WAIT_MS_MAX;
  while (Date.now() < deadline) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail(`timed out waiting for ${what}`);
}

before(async () => {
  guidon = await Guidon.start();
  await createSampleFlags(guidon);
});

after(async () => {
  await OpenFeature.close();
  assert.deepEqual(await guidon.stop(), { code: 0, signal: null }, guidon.output);
});

describe('bulk evaluation', () => {
  test('serves every type at once', async () => {
    await OpenFeature.setContext({ targetingKey: 'user-1', tenantId: 'acme' });
    await OpenFeature.setProviderAndWait(provider());
    const client = OpenFeature.getClient();
    assert.equal(client.getBooleanValue('bool-on', false), true);
    assert.equal(client.getBooleanValue('bool-off', true), false);
    assert.equal(client.getStringValue('text', ''), 'red');
    assert.equal(client.getNumberValue('number', 0), 12.5);
    assert.deepEqual(client.getObjectValue('object', {}), { limit: 10, names: ['x', 'y'], nested: { deep: true } });
    assert.equal(client.getBooleanValue('owned', false), true);
    assert.equal(client.getBooleanDetails('bool-on', false).reason, StandardResolutionReasons.STATIC);
  });

  test('a disabled flag has no value: the code default applies', () => {
    const client = OpenFeature.getClient();
    const details = client.getBooleanDetails('disabled', true);
    assert.equal(details.value, true);
    assert.equal(details.reason, StandardResolutionReasons.DISABLED);
    assert.equal(client.getBooleanValue('disabled', false), false);
  });

  test('unknown flags and wrong types leave the code default', () => {
    const client = OpenFeature.getClient();
    assert.equal(client.getBooleanDetails('no-such-flag', true).errorCode, ErrorCode.FLAG_NOT_FOUND);
    const mismatch = client.getNumberDetails('text', 3);
    assert.equal(mismatch.value, 3);
    assert.equal(mismatch.errorCode, ErrorCode.TYPE_MISMATCH);
  });

  test('a new context is evaluated anew', async () => {
    const client = OpenFeature.getClient();
    assert.equal(client.getBooleanValue('targeted', true), false);
    await OpenFeature.setContext({ targetingKey: 'user-1', tenantId: 'acme', plan: 'pro' });
    assert.equal(client.getBooleanValue('targeted', false), true);
    await OpenFeature.setContext({ targetingKey: 'user-1', tenantId: 'globex' });
    assert.equal(client.getBooleanDetails('owned', false).errorCode, ErrorCode.FLAG_NOT_FOUND);
  });

  test('a context without targeting key reports it for the flags that need one', async () => {
    await OpenFeature.setContext({ tenantId: 'acme' });
    const client = OpenFeature.getClient();
    assert.equal(client.getBooleanDetails('rollout', true).errorCode, ErrorCode.TARGETING_KEY_MISSING);
    assert.equal(client.getBooleanValue('bool-on', false), true);
  });
});

describe('polling', () => {
  test('an unchanged answer is 304, a changed one reaches the handler', async () => {
    await OpenFeature.setContext({ targetingKey: 'user-1', tenantId: 'acme' });
    await OpenFeature.setProviderAndWait('polling', provider({ pollInterval: POLL_MS }));
    const client = OpenFeature.getClient('polling');
    seen.length = 0;
    await until(() => seen.filter((call) => call.status === 304).length >= 2, 'two answers 304');
    const unchanged = seen.find((call) => call.status === 304);
    assert.ok(unchanged.ifNoneMatch);
    assert.equal(unchanged.etag, unchanged.ifNoneMatch);
    assert.ok(seen.every((call) => call.status === 304), JSON.stringify(seen));

    let changed;
    client.addHandler(ProviderEvents.ConfigurationChanged, (event) => { changed = event.flagsChanged; });
    await guidon.engage('flag:text', 'red burns');
    await until(() => changed !== undefined, 'the change handler');
    assert.deepEqual(changed, ['text']);
    assert.equal(client.getStringValue('text', ''), 'blue');
    assert.equal(client.getStringDetails('text', '').reason, StandardResolutionReasons.DISABLED);

    changed = undefined;
    await guidon.release('flag:text');
    await until(() => changed !== undefined, 'the change handler after the release');
    assert.equal(client.getStringValue('text', ''), 'red');
  });

  test('a change of another flag of another tenant does not change the ETag', async () => {
    const evaluate = () => guidon.call('POST', '/ofrep/v1/evaluate/flags', { context: { targetingKey: 'u', tenantId: 'acme' } });
    const before = (await evaluate()).headers.get('etag');
    await guidon.createFlag({ flagKey: 'other', owner: 'e2e', description: 'x', defaultEnabled: true, tenantId: 'globex' });
    assert.equal((await evaluate()).headers.get('etag'), before);
    await guidon.patchFlag('bool-on', { defaultEnabled: false });
    assert.notEqual((await evaluate()).headers.get('etag'), before);
    await guidon.patchFlag('bool-on', { defaultEnabled: true });
  });
});

describe('client keys', () => {
  test('see only flags marked for clients', async () => {
    await guidon.createFlag({
      flagKey: 'for-browsers', owner: 'e2e', description: 'x', defaultEnabled: true, clientVisible: true,
    });
    const { body } = await guidon.call('POST', '/api/v1/keys', { kind: 'client', environment: 'development' });
    await OpenFeature.setProviderAndWait('browser', provider({
      headers: [['Authorization', `Bearer ${body.token}`]],
    }));
    const client = OpenFeature.getClient('browser');
    assert.equal(client.getBooleanValue('for-browsers', false), true);
    assert.equal(client.getBooleanDetails('bool-on', false).errorCode, ErrorCode.FLAG_NOT_FOUND);
  });

  test('a wrong key is fatal at once', async () => {
    await assert.rejects(OpenFeature.setProviderAndWait('wrong', provider({
      headers: [['Authorization', 'Bearer gdn_client_0000000000000000_wrong']],
    })));
    assert.equal(OpenFeature.getClient('wrong').getBooleanValue('bool-on', false), false);
  });
});
