// SPDX-License-Identifier: Apache-2.0
// flagd's own provider for Node.js, unmodified from npm, on the real binary: evaluated by the server (rpc) and in the
// program (in-process). And what the interfaces refuse, with gRPC's plain client.
import assert from 'node:assert/strict';
import http2 from 'node:http2';
import { after, before, describe, test } from 'node:test';

import grpc from '@grpc/grpc-js';
import { FlagdProvider } from '@openfeature/flagd-provider';
import { OpenFeature, ProviderEvents } from '@openfeature/server-sdk';

import { Guidon, createSampleFlags, freePort } from '../lib/guidon.mjs';

const CHANGE_MS_MAX = 20_000;
const USER = { targetingKey: 'user-7', tenantId: 'acme' };

let guidon;
let ports;

async function portsOf(server) {
  const deadline = Date.now() + CHANGE_MS_MAX;
  for (;;) {
    const found = / port=(\d+) +sync_port=(\d+)/.exec(server.output);
    if (found) return { rpc: Number(found[1]), 'in-process': Number(found[2]) };
    assert.ok(Date.now() < deadline, `no ports in\n${server.output}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

before(async () => {
  guidon = await Guidon.start({ args: ['--flagd-enabled', '--flagd-port', '0', '--flagd-sync-port', '0'] });
  ports = await portsOf(guidon);
  await createSampleFlags(guidon);
  await guidon.call('PUT', '/api/v1/environments/development/flags/bool-off/overrides/acme', { variation: 'on' });
  await guidon.createFlag({ flagKey: 'network', owner: 'e2e', description: 'what flagd cannot say', defaultEnabled: false,
    targetingRules: [{ id: 'inside', when: { all: [{ attribute: 'ip', operator: 'inCidr', values: ['10.0.0.0/8'] }] }, variation: 'on' }] });
  await guidon.createFlag({ flagKey: 'paused', owner: 'e2e', description: 'disabled', state: 'DISABLED', defaultEnabled: true });
});
after(async () => {
  await OpenFeature.close();
  await guidon.stop();
});

for (const mode of ['rpc', 'in-process']) {
  describe(mode, () => {
    let client;
    before(async () => {
      const provider = new FlagdProvider({ host: '127.0.0.1', port: ports[mode], resolverType: mode, selector: 'flagSetId=development' });
      await OpenFeature.setProviderAndWait(mode, provider);
      client = OpenFeature.getClient(mode);
    });

    test('all types', async () => {
      assert.equal(await client.getBooleanValue('bool-on', false, USER), true);
      assert.equal(await client.getStringValue('text', 'x', USER), 'red');
      assert.equal(await client.getNumberValue('number', -1, USER), 12.5);
      assert.deepEqual(await client.getObjectValue('object', {}, USER), { limit: 10, names: ['x', 'y'], nested: { deep: true } });
    });

    test("a tenant's override", async () => {
      assert.equal(await client.getBooleanValue('bool-off', false, USER), true);
      assert.equal(await client.getBooleanValue('bool-off', true, { targetingKey: 'user-7', tenantId: 'globex' }), false);
    });

    test('what is not there, and another type', async () => {
      const missing = await client.getBooleanDetails('nowhere', true, USER);
      assert.deepEqual([missing.value, missing.errorCode], [true, 'FLAG_NOT_FOUND']);
      const wrong = await client.getStringDetails('bool-off', 'mine', USER);
      assert.deepEqual([wrong.value, wrong.errorCode], ['mine', 'TYPE_MISMATCH']);
    });

    test('a disabled flag leaves the value to the program', async () => {
      for (const own of [true, false]) {
        const paused = await client.getBooleanDetails('paused', own, USER);
        assert.deepEqual([paused.value, paused.reason], [own, 'DISABLED']);
      }
    });

    test('a change and a kill switch reach handler and answer', async () => {
      const changes = [];
      let wake = () => {};
      client.addHandler(ProviderEvents.ConfigurationChanged, ({ flagsChanged }) => {
        changes.push(...(flagsChanged ?? []));
        wake();
      });
      const changed = async (key) => {
        const deadline = Date.now() + CHANGE_MS_MAX;
        while (!changes.includes(key)) {
          assert.ok(Date.now() < deadline, `no event for ${key}: ${changes}`);
          await new Promise((resolve) => { wake = resolve; setTimeout(resolve, 100); });
        }
        changes.length = 0;
      };
      await guidon.patchFlag('bool-on', { defaultEnabled: false });
      await changed('bool-on');
      assert.equal(await client.getBooleanValue('bool-on', true, USER), false);
      await guidon.patchFlag('bool-on', { defaultEnabled: true });
      await changed('bool-on');
      await guidon.engage('flag:bool-on');
      await changed('bool-on');
      assert.equal(await client.getBooleanValue('bool-on', true, USER), false);
      await guidon.release('flag:bool-on');
      await changed('bool-on');
      assert.equal(await client.getBooleanValue('bool-on', false, USER), true);
    });

    test('what the stream was sent is what it is known to have', async () => {
      const paused = await guidon.patchFlag('paused', { description: `seen by ${mode}` });
      const sequence = paused.headers.get('guidon-sequence');
      const { body } = await guidon.call('GET', `/api/v1/environments/development/propagation/${sequence}?wait=20s`);
      assert.equal(body.complete, true, JSON.stringify(body));
      assert.ok(body.clients.converged >= 1, JSON.stringify(body));
      assert.equal(body.clients.converged, body.clients.connected);
    });

    test('a flag that flagd cannot say is evaluated by the server, and left out of the definitions', async () => {
      const answer = await client.getBooleanDetails('network', false, { targetingKey: 'u', ip: '10.1.2.3' });
      if (mode === 'rpc') assert.deepEqual([answer.value, answer.flagMetadata.ruleId], [true, 'inside']);
      else assert.equal(answer.errorCode, 'FLAG_NOT_FOUND');
    });
  });
}

// A call with bytes instead of generated code.
function call(port, method, metadata = {}, request = Buffer.alloc(0)) {
  const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  const sent = new grpc.Metadata();
  for (const [name, value] of Object.entries(metadata)) sent.set(name, value);
  return new Promise((resolve) => {
    client.makeUnaryRequest(method, (bytes) => bytes, (bytes) => bytes, request, sent, { deadline: Date.now() + CHANGE_MS_MAX }, (error, answer) => {
      client.close();
      resolve({ code: error?.code ?? 0, details: error?.details ?? '', answer });
    });
  });
}

const FETCH = '/flagd.sync.v1.FlagSyncService/FetchAllFlags';
const RESOLVE = '/flagd.evaluation.v1.Service/ResolveBoolean';

test('selectors and credentials', async () => {
  const port = ports['in-process'];
  assert.match((await call(port, FETCH, { 'flagd-selector': 'flagSetId=staging' })).answer.toString(), /"flags":\{\}/);
  assert.match((await call(port, FETCH, { 'flagd-selector': 'flagSetId=development/acme' })).answer.toString(), /"bool-on"/);
  for (const selector of ['flagSetId=nowhere', 'source=git', 'flagSetId=development/', 'a/b/c'])
    assert.equal((await call(port, FETCH, { 'flagd-selector': selector })).code, grpc.status.INVALID_ARGUMENT, selector);
  assert.equal((await call(port, FETCH, { authorization: 'Bearer nonsense' })).code, grpc.status.UNAUTHENTICATED);

  const key = async (fields) => (await guidon.call('POST', '/api/v1/keys', { name: 'e2e', environment: 'development', ...fields })).body.token;
  const client = await key({ kind: 'client' });
  assert.equal((await call(port, FETCH, { authorization: `Bearer ${client}` })).code, grpc.status.PERMISSION_DENIED);
  const bound = await key({ kind: 'server', tenantId: 'acme' });
  assert.equal((await call(port, FETCH, { 'x-api-key': bound, 'flagd-selector': 'flagSetId=development/globex' })).code, grpc.status.PERMISSION_DENIED);
  assert.equal((await call(port, FETCH, { 'x-api-key': bound, 'flagd-selector': 'flagSetId=staging' })).code, grpc.status.PERMISSION_DENIED);
  const own = await call(port, FETCH, { 'x-api-key': bound });
  assert.equal(own.code, 0, own.details);
  // A flag of a client key is one that is marked for clients; the others are not there. Field 1 is the flag's key.
  const asking = Buffer.concat([Buffer.from([0x0a, 7]), Buffer.from('bool-on')]);
  assert.equal((await call(ports.rpc, RESOLVE, { authorization: `Bearer ${client}` }, asking)).code, grpc.status.NOT_FOUND);
  assert.equal((await call(ports.rpc, RESOLVE, { authorization: `Bearer ${bound}` }, asking)).code, 0);
});

// What a client of flagd does in an hour without a change: it answers our pings, and sends its own, one a second for the
// most careful settings. Servers with gRPC's usual policy end such a connection after the third.
test('an hour of idling, as pings, ends no stream and delays no change', { timeout: 60_000 }, async () => {
  const PINGS = 3600;
  const session = http2.connect(`http://127.0.0.1:${ports['in-process']}`);
  const ends = [];
  session.on('goaway', (code) => ends.push(`goaway ${code}`));
  session.on('error', (error) => ends.push(String(error)));
  session.on('close', () => ends.push('close'));
  const stream = session.request({ ':method': 'POST', ':path': '/flagd.sync.v1.FlagSyncService/SyncFlags', 'content-type': 'application/grpc',
    te: 'trailers', 'flagd-selector': 'flagSetId=development' });
  stream.on('error', (error) => ends.push(String(error)));
  stream.on('end', () => ends.push('end of the stream'));
  let bytes = 0;
  let heard = () => {};
  stream.on('data', (chunk) => { bytes += chunk.length; heard(); });
  const more = (than) => new Promise((resolve) => { heard = () => bytes > than && resolve(); heard(); });
  stream.write(Buffer.alloc(5)); // an empty message
  await more(0);

  // The provider itself, told to be as impatient as it can be.
  const provider = new FlagdProvider({ host: '127.0.0.1', port: ports['in-process'], resolverType: 'in-process',
    selector: 'flagSetId=development', keepAliveTime: 10 });
  await OpenFeature.setProviderAndWait('idle', provider);
  const client = OpenFeature.getClient('idle');
  const lost = [];
  for (const event of [ProviderEvents.Error, ProviderEvents.Stale]) client.addHandler(event, () => lost.push(event));

  for (let i = 0; i < PINGS; ++i)
    await new Promise((resolve, reject) => session.ping((error) => (error ? reject(error) : resolve())));
  const before = bytes;
  const changed = new Promise((resolve) => client.addHandler(ProviderEvents.ConfigurationChanged, resolve));
  await guidon.createFlag({ flagKey: 'after-an-hour', owner: 'e2e', description: 'new', defaultEnabled: true });
  await more(before);
  await changed;
  assert.deepEqual([ends, lost], [[], []]);
  session.removeAllListeners('close');
  stream.removeAllListeners('end');
  stream.on('error', () => {});
  session.destroy();
});

test('a server that dies is reported, and what changed meanwhile is there when it is back', { timeout: 120_000 }, async () => {
  const [rpc, sync] = [await freePort(), await freePort()];
  const mortal = await Guidon.start({ args: ['--flagd-enabled', '--flagd-port', `${rpc}`, '--flagd-sync-port', `${sync}`] });
  const providers = [];
  try {
    await mortal.createFlag({ flagKey: 'here', owner: 'e2e', description: 'on', defaultEnabled: true });
    const clients = new Map();
    const heard = [];
    for (const [mode, port] of [['rpc', rpc], ['in-process', sync]]) {
      const name = `mortal-${mode}`;
      providers.push(new FlagdProvider({ host: '127.0.0.1', port, resolverType: mode, selector: 'flagSetId=development' }));
      await OpenFeature.setProviderAndWait(name, providers.at(-1));
      const client = OpenFeature.getClient(name);
      for (const event of [ProviderEvents.Stale, ProviderEvents.Error, ProviderEvents.Ready, ProviderEvents.ConfigurationChanged])
        client.addHandler(event, () => heard.push(`${mode} ${event}`));
      clients.set(mode, client);
      assert.equal(await client.getBooleanValue('here', false, USER), true);
    }
    heard.length = 0;
    const until = async (condition, what) => {
      const deadline = Date.now() + 2 * CHANGE_MS_MAX;
      while (!(await condition())) {
        assert.ok(Date.now() < deadline, `${what}; heard ${heard}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    await mortal.kill();
    for (const mode of clients.keys())
      await until(() => heard.some((event) => event.startsWith(mode) && /STALE|ERROR/.test(event)), `${mode} does not notice`);
    // In the program, what was last known goes on.
    assert.equal(await clients.get('in-process').getBooleanValue('here', false, USER), true);
    heard.length = 0;
    await mortal.startAgain();
    await mortal.patchFlag('here', { defaultEnabled: false });
    for (const [mode, client] of clients) {
      await until(async () => (await client.getBooleanValue('here', true, USER)) === false, `${mode} has the old value`);
      await until(() => heard.some((event) => event.startsWith(mode) && /READY|CHANGED/.test(event)), `${mode} does not come back`);
    }
  } finally {
    // While their server is there: they would try to reach it for ever.
    for (const provider of providers) await provider.onClose();
    await mortal.stop();
  }
});

test('what is too large is refused, and the server goes on', async () => {
  const huge = Buffer.concat([Buffer.from([0x0a, 0x80, 0x80, 0x08]), Buffer.alloc(128 * 1024, 'x')]);
  assert.equal((await call(ports.rpc, RESOLVE, {}, huge)).code, grpc.status.RESOURCE_EXHAUSTED);
  assert.equal((await call(ports.rpc, RESOLVE, {}, Buffer.from([0xff, 0xff, 0xff]))).code !== 0, true);
  assert.equal((await call(ports.rpc, '/grpc.health.v1.Health/Check')).code, 0);
});
