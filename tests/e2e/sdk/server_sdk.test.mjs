// SPDX-License-Identifier: Apache-2.0
// The server SDK with its OFREP provider, both unmodified from npm, against the real binary.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { OFREPProvider } from '@openfeature/ofrep-provider';
import { ErrorCode, OpenFeature, StandardResolutionReasons } from '@openfeature/server-sdk';

import { Guidon, createSampleFlags } from '../lib/guidon.mjs';

let guidon;
let client;

before(async () => {
  guidon = await Guidon.start();
  await createSampleFlags(guidon);
  await OpenFeature.setProviderAndWait(new OFREPProvider({ baseUrl: guidon.url }));
  client = OpenFeature.getClient();
});

after(async () => {
  await OpenFeature.close();
  const ended = await guidon.stop();
  assert.deepEqual(ended, { code: 0, signal: null }, guidon.output);
});

const user = { targetingKey: 'user-1', tenantId: 'acme' };

describe('all types', () => {
  test('boolean', async () => {
    const details = await client.getBooleanDetails('bool-on', false, user);
    assert.equal(details.value, true);
    assert.equal(details.variant, 'on');
    assert.equal(details.reason, StandardResolutionReasons.STATIC);
    assert.equal(await client.getBooleanValue('bool-off', true, user), false);
  });

  test('string', async () => {
    const details = await client.getStringDetails('text', 'none', user);
    assert.equal(details.value, 'red');
    assert.equal(details.variant, 'red');
  });

  test('number', async () => {
    assert.equal(await client.getNumberValue('number', 0, user), 12.5);
  });

  test('object', async () => {
    const value = await client.getObjectValue('object', {}, user);
    assert.deepEqual(value, { limit: 10, names: ['x', 'y'], nested: { deep: true } });
  });
});

describe('targeting', () => {
  test('a rule matches its audience and nobody else', async () => {
    const pro = await client.getBooleanDetails('targeted', false, { ...user, plan: 'pro' });
    assert.equal(pro.value, true);
    assert.equal(pro.reason, StandardResolutionReasons.TARGETING_MATCH);
    const free = await client.getBooleanDetails('targeted', true, { ...user, plan: 'free' });
    assert.equal(free.value, false);
    assert.equal(free.reason, StandardResolutionReasons.DEFAULT);
  });

  test('a rollout is sticky and splits', async () => {
    const answers = new Map();
    for (let i = 0; i < 200; i++) {
      const details = await client.getBooleanDetails('rollout', false, { targetingKey: `user-${i}` });
      assert.equal(details.reason, StandardResolutionReasons.SPLIT);
      answers.set(i, details.value);
    }
    const on = [...answers.values()].filter(Boolean).length;
    assert.ok(on > 60 && on < 140, `${on} of 200 are on`);
    for (const [i, value] of answers) {
      assert.equal(await client.getBooleanValue('rollout', !value, { targetingKey: `user-${i}` }), value);
    }
  });

  test('a flag of a tenant is served to this tenant only', async () => {
    assert.equal(await client.getBooleanValue('owned', false, user), true);
    const other = await client.getBooleanDetails('owned', false, { ...user, tenantId: 'globex' });
    assert.equal(other.value, false);
    assert.equal(other.errorCode, ErrorCode.FLAG_NOT_FOUND);
  });
});

describe('errors leave the code default', () => {
  test('unknown flag', async () => {
    const details = await client.getBooleanDetails('no-such-flag', true, user);
    assert.equal(details.value, true);
    assert.equal(details.errorCode, ErrorCode.FLAG_NOT_FOUND);
  });

  test('wrong type', async () => {
    const details = await client.getNumberDetails('text', 7, user);
    assert.equal(details.value, 7);
    assert.equal(details.errorCode, ErrorCode.TYPE_MISMATCH);
  });

  test('targeting key missing', async () => {
    const details = await client.getBooleanDetails('rollout', true, {});
    assert.equal(details.value, true);
    assert.equal(details.errorCode, ErrorCode.TARGETING_KEY_MISSING);
  });

  test('invalid context', async () => {
    const details = await client.getBooleanDetails('bool-on', false, { targetingKey: 'u', tenantId: 'not a tenant!' });
    assert.equal(details.value, false);
    assert.equal(details.errorCode, ErrorCode.INVALID_CONTEXT);
  });

  test('a disabled flag has no value', async () => {
    // This provider's generation asks for a value in every answer and calls an answer without one GENERAL.
    assert.equal(await client.getBooleanValue('disabled', true, user), true);
    assert.equal(await client.getBooleanValue('disabled', false, user), false);
  });

  test('a wrong key', async () => {
    const provider = new OFREPProvider({
      baseUrl: guidon.url, headers: [['Authorization', 'Bearer gdn_server_0000000000000000_wrong']],
    });
    await OpenFeature.setProviderAndWait('wrong-key', provider);
    const details = await OpenFeature.getClient('wrong-key').getBooleanDetails('bool-on', false, user);
    assert.equal(details.value, false);
    assert.equal(details.errorCode, ErrorCode.GENERAL);
  });
});

describe('a definition that does not compile', () => {
  test('is refused when it is saved, so no SDK ever meets it', async () => {
    await assert.rejects(
      guidon.createFlag({
        flagKey: 'bad-regex', owner: 'e2e', description: 'x', defaultEnabled: true,
        targetingRules: [{
          id: 'r', when: { all: [{ attribute: 'a', operator: 'matches', values: ['('] }] }, variation: 'on',
        }],
      }),
      /400|422/,
    );
  });
});

describe('changes are seen at the next call', () => {
  test('kill switch of the flag, and its release', async () => {
    assert.equal(await client.getStringValue('text', 'none', user), 'red');
    await guidon.engage('flag:text', 'red burns');
    const killed = await client.getStringDetails('text', 'none', user);
    assert.equal(killed.value, 'blue');
    assert.equal(killed.reason, StandardResolutionReasons.DISABLED);
    assert.equal(killed.flagMetadata.killSwitch, 'flag:text');
    await guidon.release('flag:text');
    assert.equal(await client.getStringValue('text', 'none', user), 'red');
  });

  test('kill switches of tenant, owner and everything', async () => {
    for (const scope of ['tenant:acme', 'owner:e2e', 'global']) {
      await guidon.engage(scope);
      const killed = await client.getBooleanDetails('bool-on', true, user);
      assert.equal(killed.value, false, scope);
      assert.equal(killed.flagMetadata.killSwitch, scope);
      if (scope === 'tenant:acme') {
        assert.equal(await client.getBooleanValue('bool-on', false, { ...user, tenantId: 'globex' }), true);
      }
      await guidon.release(scope);
      assert.equal(await client.getBooleanValue('bool-on', false, user), true, scope);
    }
  });

  test('tenant override', async () => {
    await guidon.call('PUT', '/api/v1/environments/development/flags/bool-off/overrides/acme', { enabled: true });
    const details = await client.getBooleanDetails('bool-off', false, user);
    assert.equal(details.value, true);
    assert.equal(details.reason, StandardResolutionReasons.TARGETING_MATCH);
    assert.equal(await client.getBooleanValue('bool-off', true, { ...user, tenantId: 'globex' }), false);
    await guidon.call('DELETE', '/api/v1/environments/development/flags/bool-off/overrides/acme');
    assert.equal(await client.getBooleanValue('bool-off', true, user), false);
  });

  test('patch, archive and delete', async () => {
    await guidon.createFlag({ flagKey: 'short-lived', owner: 'e2e', description: 'x', defaultEnabled: false });
    assert.equal(await client.getBooleanValue('short-lived', true, user), false);
    await guidon.patchFlag('short-lived', { defaultEnabled: true });
    assert.equal(await client.getBooleanValue('short-lived', false, user), true);
    await guidon.call('POST', '/api/v1/environments/development/flags/short-lived/archive');
    assert.equal((await client.getBooleanDetails('short-lived', false, user)).errorCode, ErrorCode.FLAG_NOT_FOUND);
    await guidon.call('DELETE', '/api/v1/environments/development/flags/short-lived');
    assert.equal((await client.getBooleanDetails('short-lived', false, user)).errorCode, ErrorCode.FLAG_NOT_FOUND);
  });
});

describe('keys decide environment and tenant', () => {
  test('a server key of staging bound to a tenant', async () => {
    await guidon.createFlag({ flagKey: 'bool-on', owner: 'e2e', description: 'staging', defaultEnabled: false }, 'staging');
    await guidon.createFlag(
      { flagKey: 'owned', owner: 'e2e', description: 'x', defaultEnabled: true, tenantId: 'acme' }, 'staging');
    const { body } = await guidon.call('POST', '/api/v1/keys',
      { kind: 'server', name: 'e2e', environment: 'staging', tenantId: 'acme' });
    await OpenFeature.setProviderAndWait('staging', new OFREPProvider({
      baseUrl: guidon.url, headers: [['Authorization', `Bearer ${body.token}`]],
    }));
    const staging = OpenFeature.getClient('staging');
    assert.equal(await staging.getBooleanValue('bool-on', true, { targetingKey: 'u' }), false);
    assert.equal(await staging.getBooleanValue('owned', false, { targetingKey: 'u' }), true);
    const foreign = await staging.getBooleanDetails('owned', false, { targetingKey: 'u', tenantId: 'globex' });
    assert.equal(foreign.value, false);
    assert.equal(foreign.errorCode, ErrorCode.GENERAL);
  });
});
