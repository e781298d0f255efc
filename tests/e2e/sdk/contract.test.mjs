// SPDX-License-Identifier: Apache-2.0
// The served OpenAPI document against what the binary really answers: every operation is called, with success and with
// the usual mistakes, and each answer must be one that the document describes.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import Ajv from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

import { Guidon, createSampleFlags } from '../lib/guidon.mjs';

let guidon;
let contract;
let ajv;
const operations = new Map(); // "GET /path" → Set of statuses seen
const validators = new Map();

before(async () => {
  guidon = await Guidon.start();
  contract = await (await fetch(`${guidon.url}/openapi.json`)).json();
  ajv = new Ajv({ strict: false, allErrors: true, validateFormats: true });
  addFormats(ajv);
  ajv.addSchema({ $id: 'contract', ...contract });
  for (const [path, item] of Object.entries(contract.paths)) {
    for (const method of Object.keys(item)) {
      if (['get', 'put', 'post', 'patch', 'delete', 'head', 'options'].includes(method)) {
        operations.set(`${method.toUpperCase()} ${path}`, new Set());
      }
    }
  }
});

after(async () => {
  assert.deepEqual(await guidon.stop(), { code: 0, signal: null }, guidon.output);
});

const escapePointer = (text) => text.replaceAll('~', '~0').replaceAll('/', '~1');

function resolve(node, pointer) {
  while (node?.$ref) {
    pointer = node.$ref;
    node = pointer.slice(2).split('/').reduce(
      (at, part) => at[part.replaceAll('~1', '/').replaceAll('~0', '~')], contract);
  }
  return [node, pointer];
}

function findOperation(method, path) {
  const parts = path.split('/');
  let best;
  for (const template of Object.keys(contract.paths)) {
    const wanted = template.split('/');
    if (wanted.length !== parts.length) continue;
    if (!wanted.every((part, i) => part.startsWith('{') || part === parts[i])) continue;
    if (!contract.paths[template][method.toLowerCase()]) continue;
    const literal = wanted.filter((part) => !part.startsWith('{')).length;
    if (!best || literal > best.literal) best = { template, literal };
  }
  assert.ok(best, `${method} ${path} is not in the contract`);
  return best.template;
}

function check(method, template, status, contentType, text, headers) {
  const where = `${method} ${template} → ${status}`;
  const operation = contract.paths[template][method.toLowerCase()];
  const base = `#/paths/${escapePointer(template)}/${method.toLowerCase()}/responses/`;
  const key = operation.responses[status] ? status : operation.responses.default ? 'default' : undefined;
  assert.ok(key !== undefined, `${where}: status is not in the contract: ${text}`);
  const [response, pointer] = resolve(operation.responses[key], base + key);
  for (const [name, described] of Object.entries(response.headers ?? {})) {
    if (resolve(described)[0].required) assert.ok(headers.has(name), `${where}: header ${name} is missing`);
  }
  if (!response.content) {
    assert.equal(text, '', `${where}: has a body that the contract does not know`);
    return;
  }
  const type = contentType?.split(';')[0].trim();
  assert.ok(response.content[type], `${where}: content type ${contentType} is not in the contract`);
  if (!type.endsWith('json') || type === 'application/connect+json') return; // frames are no document
  const schema = `contract${pointer}/content/${escapePointer(type)}/schema`;
  if (!validators.has(schema)) validators.set(schema, ajv.compile({ $ref: schema.replaceAll('{', '%7B').replaceAll('}', '%7D') }));
  const validate = validators.get(schema);
  assert.ok(validate(JSON.parse(text)), `${where}: ${ajv.errorsText(validate.errors)}\n${text}`);
}

// Calls, checks the answer against the contract, and returns it.
async function call(method, path, { body, raw, headers = {}, expect } = {}) {
  const answer = await fetch(guidon.url + path, {
    method,
    headers: { ...(body !== undefined || raw !== undefined ? { 'Content-Type': 'application/json' } : {}), ...headers },
    body: raw ?? (body === undefined ? undefined : JSON.stringify(body)),
  });
  const text = await answer.text();
  const type = answer.headers.get('content-type')?.split(';')[0];
  const template = findOperation(method, new URL(guidon.url + path).pathname);
  check(method, template, String(answer.status), answer.headers.get('content-type'), text, answer.headers);
  operations.get(`${method} ${template}`).add(answer.status);
  if (expect !== undefined) assert.equal(answer.status, expect, `${method} ${path}: ${text}`);
  return { status: answer.status, headers: answer.headers, text, body: /json$/.test(type ?? '') ? JSON.parse(text) : text };
}

const dev = '/api/v1/environments/development';
const any = { 'If-Match': '*' };

test('flags', async () => {
  await createSampleFlags(guidon);
  const flag = { flagKey: 'contract', owner: 'e2e', description: 'x', defaultEnabled: true, tags: ['a'] };
  const made = await call('POST', `${dev}/flags`, { body: flag, headers: { 'Idempotency-Key': 'one' }, expect: 201 });
  const again = await call('POST', `${dev}/flags`, { body: flag, headers: { 'Idempotency-Key': 'one' }, expect: 201 });
  assert.equal(again.headers.get('idempotency-replayed'), 'true');
  assert.deepEqual(again.body, made.body);
  await call('POST', `${dev}/flags`, { body: { ...flag, owner: 'other' }, headers: { 'Idempotency-Key': 'one' } });
  await call('POST', `${dev}/flags`, { body: flag, expect: 409 });
  await call('POST', `${dev}/flags`, { body: { ...flag, flagKey: 'has#hash' } });
  await call('POST', `${dev}/flags`, { body: { ...flag, surprise: 1 } });
  await call('POST', `${dev}/flags`, { raw: '{"flagKey":', expect: 400 });
  const got = await call('GET', `${dev}/flags/contract`, { expect: 200 });
  assert.equal(got.headers.get('etag'), '"1"');
  await call('GET', `${dev}/flags/nobody`, { expect: 404 });
  await call('GET', `/api/v1/environments/nowhere/flags/contract`, { expect: 404 });
  await call('PUT', `${dev}/flags/contract`, { body: got.body, expect: 428 });
  const put = await call('PUT', `${dev}/flags/contract`, { body: { ...got.body, description: 'y' }, headers: { 'If-Match': '"1"' }, expect: 200 });
  assert.equal(put.body.version, 2);
  const stale = await call('PUT', `${dev}/flags/contract`, { body: got.body, headers: { 'If-Match': '"1"' }, expect: 412 });
  assert.equal(stale.body.currentVersion, 2);
  await call('PATCH', `${dev}/flags/contract`, { body: { rolloutPercentage: 12.345 }, headers: any, expect: 200 });
  await call('PATCH', `${dev}/flags/contract`, { body: { rolloutPercentage: 100.0001 }, headers: any });
  for (const query of ['', '?limit=2', '?owner=e2e', '?tag=a', '?tenantId=acme', '?state=ENABLED', '?q=contr']) {
    await call('GET', `${dev}/flags${query}`, { expect: 200 });
  }
  const page = await call('GET', `${dev}/flags?limit=2`, { expect: 200 });
  await call('GET', `${dev}/flags?limit=2&cursor=${page.body.nextCursor}`, { expect: 200 });
  for (const query of ['?limit=0', '?limit=x', '?cursor=tampered', '?state=NO', '?unknown=1']) {
    const refused = await call('GET', `${dev}/flags${query}`);
    assert.ok(refused.status >= 400 && refused.status < 500, query);
    assert.ok(refused.body.field, `${query}: ${refused.text}`);
  }
  await call('POST', `${dev}/flags/contract/copy`, { body: { environment: 'staging' }, expect: 201 });
  await call('POST', `${dev}/flags/contract/copy`, { body: { environment: 'staging' }, expect: 409 });
  await call('POST', `${dev}/flags/nobody/copy`, { body: { environment: 'staging' }, expect: 404 });
  const exported = await call('GET', `${dev}/export?format=flagd`, { expect: 200 });
  await call('GET', `${dev}/export?format=yaml`, { expect: 400 });
  await call('POST', `${dev}/import?format=flagd&dryRun=true`, { body: exported.body?.document ?? { flags: {} }, expect: 200 });
  await call('POST', `${dev}/import?format=flagd`, { body: { flags: { 'from-flagd': { state: 'ENABLED', variants: { on: true, off: false }, defaultVariant: 'on', targeting: { if: [{ var: 'x' }, 'on', 'off'] } } } }, expect: 200 });
  await call('POST', `${dev}/import`, { body: { flags: {} }, expect: 400 });
  await call('DELETE', `${dev}/flags/from-flagd`, { expect: 204 });
  const context = { context: { targetingKey: 'u', tenantId: 'acme', plan: 'pro' } };
  for (const key of ['bool-on', 'text', 'object', 'rollout', 'targeted', 'disabled', 'owned', 'contract']) {
    await call('POST', `${dev}/flags/${key}/explain`, { body: context, expect: 200 });
  }
  await call('POST', `${dev}/flags/nobody/explain`, { body: context });
  await call('GET', `${dev}/flags/contract/lint`, { expect: 200 });
  await call('GET', `${dev}/flags/nobody/lint`, { expect: 404 });
  await call('POST', `${dev}/flags/contract/archive`, { expect: 200 });
  await call('DELETE', `${dev}/flags/contract`, { expect: 204 });
  await call('DELETE', `${dev}/flags/contract`, { expect: 404 });
});

test('overrides', async () => {
  await call('PUT', `${dev}/flags/text/overrides/acme`, { body: { variation: 'blue' }, expect: 200 });
  await call('PUT', `${dev}/flags/text/overrides/acme`, { body: { variation: 'no-such' } });
  await call('PUT', `${dev}/flags/nobody/overrides/acme`, { body: { enabled: true }, expect: 404 });
  await call('GET', `${dev}/flags/text/overrides/acme`, { expect: 200 });
  await call('GET', `${dev}/flags/text/overrides/globex`, { expect: 404 });
  await call('PUT', `${dev}/flags/text/overrides`, { body: { overrides: [
    { tenantId: 't1', enabled: true }, { tenantId: 't2', variation: 'grey' }] }, expect: 200 });
  await call('PUT', `${dev}/flags/text/overrides`, { body: { overrides: [{ tenantId: 'not ok', enabled: true }] } });
  const list = await call('GET', `${dev}/flags/text/overrides`, { expect: 200 });
  assert.equal(list.body.items.length, 3);
  const ofTenant = await call('GET', `${dev}/overrides?tenantId=acme`, { expect: 200 });
  assert.equal(ofTenant.body.items.length, 1);
  await call('DELETE', `${dev}/flags/text/overrides/acme`, { expect: 204 });
  await call('DELETE', `${dev}/flags/text/overrides/acme`, { expect: 404 });
});

test('segments', async () => {
  const segment = { segmentKey: 'beta', description: 'x', included: ['u1'], excluded: ['u2'],
    when: { any: [{ attribute: 'plan', operator: 'in', values: ['pro'] }] } };
  await call('POST', `${dev}/segments`, { body: segment, expect: 201 });
  await call('POST', `${dev}/segments`, { body: segment, expect: 409 });
  const got = await call('GET', `${dev}/segments/beta`, { expect: 200 });
  await call('PUT', `${dev}/segments/beta`, { body: got.body, headers: { 'If-Match': '"1"' }, expect: 200 });
  await call('PATCH', `${dev}/segments/beta`, { body: { description: 'z' }, headers: any, expect: 200 });
  await call('PATCH', `${dev}/segments/beta`, { body: { included: 'z' }, headers: any });
  await call('GET', `${dev}/segments`, { expect: 200 });
  await call('GET', `${dev}/segments/nobody`, { expect: 404 });
  const keys = `${dev}/segments/beta/keys`;
  await call('POST', keys, { body: { add: { included: ['u3', 'u4'] }, remove: { excluded: ['u2'] } }, expect: 200 });
  await call('POST', keys, { body: { add: { included: [7] } } });
  await call('PUT', keys, { body: { excluded: ['u5'] }, headers: any, expect: 200 });
  await call('PUT', keys, { body: { excluded: [] }, expect: 428 });
  assert.deepEqual((await call('GET', `${keys}?prefix=u&limit=2`, { expect: 200 })).body.items, ['u1', 'u3']);
  await call('GET', `${keys}?list=excluded`, { expect: 200 });
  await call('GET', `${dev}/segments/nobody/keys`, { expect: 404 });
  await guidon.createFlag({ flagKey: 'uses-beta', owner: 'e2e', description: 'x', defaultEnabled: false, targetingRules: [
    { id: 'r', when: { all: [{ operator: 'inSegment', values: ['beta'] }] }, variation: 'on' }] });
  await call('DELETE', `${dev}/segments/beta`, { expect: 409 });
  await call('DELETE', `${dev}/flags/uses-beta`, { expect: 204 });
  await call('DELETE', `${dev}/segments/beta`, { expect: 204 });
});

test('kill switches', async () => {
  for (const scope of ['global', 'flag%3Atext', 'tenant%3Aacme', 'owner%3Ae2e']) {
    await call('PUT', `${dev}/kill-switches/${scope}`, { body: { reason: 'test' }, expect: 200 });
  }
  await call('PUT', `${dev}/kill-switches/flag%3Anobody`, { body: { reason: 'test' }, expect: 404 });
  await call('PUT', `${dev}/kill-switches/everything`, { body: { reason: 'test' } });
  await call('PUT', `${dev}/kill-switches/global`, { body: {} });
  const list = await call('GET', `${dev}/kill-switches`, { expect: 200 });
  assert.equal(list.body.items.length, 4);
  for (const scope of ['global', 'flag%3Atext', 'tenant%3Aacme', 'owner%3Ae2e']) {
    await call('DELETE', `${dev}/kill-switches/${scope}?reason=over`, { expect: 204 });
  }
  await call('DELETE', `${dev}/kill-switches/global?reason=over`, { expect: 404 });
});

test('tenants', async () => {
  await call('POST', '/api/v1/tenants', { body: { tenantId: 'acme', name: 'Acme', plan: 'pro' }, expect: 201 });
  await call('POST', '/api/v1/tenants', { body: { tenantId: 'acme', name: 'Acme', plan: 'pro' }, expect: 409 });
  await call('POST', '/api/v1/tenants', { body: { tenantId: 'no spaces', name: 'x' } });
  const got = await call('GET', '/api/v1/tenants/acme', { expect: 200 });
  await call('PUT', '/api/v1/tenants/acme', { body: got.body, headers: { 'If-Match': '"1"' }, expect: 200 });
  await call('PATCH', '/api/v1/tenants/acme', { body: { plan: 'free' }, headers: any, expect: 200 });
  await call('GET', '/api/v1/tenants', { expect: 200 });
  await call('POST', '/api/v1/tenants', { body: { tenantId: 'gone', name: 'x' }, expect: 201 });
  await call('DELETE', '/api/v1/tenants/gone', { expect: 204 });
  await call('GET', '/api/v1/tenants/gone', { expect: 404 });
});

test('keys', async () => {
  const made = await call('POST', '/api/v1/keys', { body: { kind: 'server', environment: 'development', name: 'x' }, expect: 201 });
  assert.match(made.body.token, /^gdn_server_/);
  await call('POST', '/api/v1/keys', { body: { kind: 'server' } });
  await call('POST', '/api/v1/keys', { body: { kind: 'root', environment: 'development' } });
  const { keyId } = made.body.key;
  const got = await call('GET', `/api/v1/keys/${keyId}`, { expect: 200 });
  assert.equal(got.text.includes(made.body.token.split('_').at(-1)), false);
  await call('GET', '/api/v1/keys', { expect: 200 });
  const rotated = await call('POST', `/api/v1/keys/${keyId}/rotate`, { body: { overlapSeconds: 60 }, expect: 201 });
  assert.notEqual(rotated.body.token, made.body.token);
  await call('DELETE', `/api/v1/keys/${keyId}`, { expect: 200 });
  await call('GET', '/api/v1/keys/0000000000000000', { expect: 404 });
  const server = { headers: { Authorization: `Bearer ${rotated.body.token}` } };
  await call('GET', `${dev}/flags`, { ...server, expect: 403 });
  await call('GET', `${dev}/flags`, { headers: { Authorization: `Bearer ${made.body.token}` }, expect: 401 });
});

test('audit', async () => {
  const all = await call('GET', '/api/v1/audit', { expect: 200 });
  assert.ok(all.body.items.length > 20);
  for (const query of ['?environment=development', '?environment=development&resource=text', '?actor=local',
    '?tenantId=acme', '?limit=3', '?from=2026-01-01T00:00:00Z&to=2026-12-31T00:00:00Z']) {
    await call('GET', `/api/v1/audit${query}`, { expect: 200 });
  }
  await call('GET', '/api/v1/audit?from=2026-02-30T00:00:00Z', { expect: 400 });
  await call('GET', '/api/v1/audit?from=2020-01-01T00:00:00Z&to=2099-01-01T00:00:00Z', { expect: 400 });
  await call('GET', '/api/v1/audit/export?format=jsonl', { expect: 200 });
  await call('GET', '/api/v1/audit/export?format=csv', { expect: 200 });
  let verified = await call('GET', '/api/v1/audit/verify?from=2026-01-01', { expect: 200 });
  while (verified.body.nextCursor) verified = await call('GET', `/api/v1/audit/verify?cursor=${verified.body.nextCursor}`, { expect: 200 });
  assert.ok(verified.body.chains.length >= 3);
  assert.deepEqual([...new Set(verified.body.chains.map((chain) => chain.state))], ['ok']);
  await call('GET', '/api/v1/audit/verify?environment=development&to=2026-01-01&from=2025-12-31', { expect: 200 });
  await call('GET', '/api/v1/audit/verify?from=2000-01-01', { expect: 400 });
});

test('evaluation', async () => {
  const context = { context: { targetingKey: 'u', tenantId: 'acme' } };
  for (const key of ['bool-on', 'text', 'number', 'object', 'rollout', 'targeted', 'disabled', 'owned']) {
    await call('POST', `/ofrep/v1/evaluate/flags/${key}`, { body: context, expect: 200 });
  }
  await call('POST', '/ofrep/v1/evaluate/flags/nobody', { body: context, expect: 404 });
  await call('POST', '/ofrep/v1/evaluate/flags/rollout', { body: { context: {} }, expect: 400 });
  await call('POST', '/ofrep/v1/evaluate/flags/bool-on', { raw: '{', expect: 400 });
  const bulk = await call('POST', '/ofrep/v1/evaluate/flags', { body: context, expect: 200 });
  await call('POST', '/ofrep/v1/evaluate/flags', { body: context, headers: { 'If-None-Match': bulk.headers.get('etag') }, expect: 304 });
  await call('POST', '/ofrep/v1/evaluate/flags', { raw: '[]', expect: 400 });
  await call('POST', '/ofrep/v1/evaluate/flags', { body: context, headers: { Authorization: 'Bearer nonsense' }, expect: 401 });
  const old = await call('POST', '/api/evaluate', { body: { tenantId: 'acme', flagKey: 'bool-on', userId: 'u' }, expect: 200 });
  assert.equal(old.body.enabled, true);
  await call('POST', '/api/evaluate', { body: { tenantId: 'acme' } });
});

test('system', async () => {
  await call('GET', '/', { expect: 200 });
  await call('GET', '/healthz', { expect: 200 });
  await call('GET', '/readyz', { expect: 200 });
  const metrics = await call('GET', '/metrics', { expect: 200 });
  assert.match(metrics.text, /^guidon_/m);
  await call('GET', '/openapi.json', { expect: 200 });
  const access = await call('GET', '/api/v1/access', { expect: 200 });
  assert.equal(access.body.kind, 'local');
  const { settings } = (await call('GET', '/api/v1/configuration', { expect: 200 })).body;
  const setting = (wanted) => settings.find(({ name }) => name === wanted);
  assert.deepEqual(setting('profile'), { name: 'profile', value: 'local', origin: 'flag', source: '--profile' });
  await call('POST', '/api/v1/refresh', { expect: 200 });
});

// Streams have no end: their heads are checked.
test('event streams', async () => {
  const open = async (path, expect) => {
    const abort = new AbortController();
    const answer = await fetch(guidon.url + path, { signal: abort.signal });
    const template = findOperation('GET', new URL(guidon.url + path).pathname);
    check('GET', template, String(answer.status), answer.headers.get('content-type'), '', answer.headers);
    assert.equal(answer.status, expect);
    operations.get(`GET ${template}`).add(answer.status);
    abort.abort();
  };
  const bulk = await call('POST', '/ofrep/v1/evaluate/flags', { body: { context: { tenantId: 'acme' } }, expect: 200 });
  await open(bulk.body.eventStreams[0].endpoint.requestUri, 200);
  await open(`${dev}/events`, 200);
  await call('GET', '/ofrep/v1/events?token=nonsense', { expect: 401 });
  await call('GET', '/api/v1/environments/nowhere/events', { expect: 404 });
});

test("flagd's service", async () => {
  for (const version of ['v1', 'v2']) {
    const service = `/flagd.evaluation.${version}.Service`;
    const context = { targetingKey: 'u', tenantId: 'acme' };
    for (const [method, flagKey] of [['ResolveBoolean', 'bool-on'], ['ResolveString', 'text'], ['ResolveFloat', 'number'],
      ['ResolveInt', 'number'], ['ResolveObject', 'object'], ['ResolveBoolean', 'disabled'], ['ResolveAll', undefined]]) {
      await call('POST', `${service}/${method}`, { body: { flagKey, context }, expect: 200 });
    }
    const all = await call('POST', `${service}/ResolveAll`, { body: {}, headers: { 'Flagd-Selector': 'flagSetId=development' }, expect: 200 });
    assert.equal(all.body.flags.text.stringValue, 'red');
    await call('POST', `${service}/ResolveBoolean`, { body: { flagKey: 'nobody' }, expect: 404 });
    await call('POST', `${service}/ResolveBoolean`, { body: { flagKey: 'text' }, expect: 400 });
    await call('POST', `${service}/ResolveAll`, { body: {}, headers: { Authorization: 'Bearer nonsense' }, expect: 401 });
    await call('POST', `${service}/ResolveNothing`, { body: {}, expect: 501 });

    const path = `${service}/EventStream`;
    const abort = new AbortController();
    const answer = await fetch(guidon.url + path, { method: 'POST', signal: abort.signal,
      headers: { 'Content-Type': 'application/connect+json' }, body: Buffer.from('\0\0\0\0\u0002{}') });
    check('POST', path, String(answer.status), answer.headers.get('content-type'), '', answer.headers);
    const { value } = await answer.body.getReader().read();
    assert.equal(Buffer.from(value).subarray(5).toString(), '{"type":"provider_ready"}');
    operations.get(`POST ${path}`).add(answer.status);
    abort.abort();
    const wrong = await fetch(guidon.url + path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}' });
    check('POST', path, String(wrong.status), wrong.headers.get('content-type'), await wrong.text(), wrong.headers);
    assert.equal(wrong.status, 415);
  }
});

test('usage', async () => {
  const record = { minute: new Date().toISOString(), flagKey: 'text', variation: 'a', tenantId: 'acme', count: 3 };
  await call('POST', '/api/v1/usage', { body: { client: 'contract', records: [record] }, expect: 204 });
  await call('POST', '/api/v1/usage', { body: { records: [{ ...record, count: 0 }] }, expect: 400 });
  const usage = await call('GET', `${dev}/flags/text/usage?by=day&tenantId=acme`, { expect: 200 });
  assert.ok(usage.body.variations.some(({ variation, evaluations }) => variation === 'a' && evaluations === 3));
  await call('GET', `${dev}/flags/nobody/usage`, { expect: 404 });
  await call('GET', `${dev}/flags/text/usage?by=week`, { expect: 400 });
  const list = await call('GET', `${dev}/usage?limit=1`, { expect: 200 });
  await call('GET', `${dev}/usage?cursor=${encodeURIComponent(list.body.nextCursor)}&unusedSince=2020-01-01`, { expect: 200 });
  await call('GET', `${dev}/flags/text/evaluations?limit=5`, { expect: 200 });
});

test('definitions', async () => {
  const all = await call('GET', `${dev}/definitions`, { expect: 200 });
  assert.equal(all.body.complete, true);
  await call('GET', `${dev}/definitions`, { headers: { 'If-None-Match': all.headers.get('etag') }, expect: 304 });
  const some = await call('GET', `${dev}/definitions?flags=text`, { expect: 200 });
  assert.deepEqual(some.body.flags.map(({ flagKey }) => flagKey), ['text']);
});

test('propagation', async () => {
  const bulk = await call('POST', '/ofrep/v1/evaluate/flags', { body: { context: {} }, expect: 200 });
  const abort = new AbortController();
  const stream = await fetch(guidon.url + bulk.body.eventStreams[0].endpoint.requestUri, { signal: abort.signal });
  const reader = stream.body.pipeThrough(new TextDecoderStream()).getReader();
  const change = await call('PUT', `${dev}/kill-switches/flag:text`, { body: { reason: 'r' }, expect: 200 });
  const sequence = change.headers.get('guidon-sequence');
  let text = '';
  while (!/^id: .+$/m.test(text)) text += (await reader.read()).value;
  const etag = /^id: (.+)$/m.exec(text)[1];
  const waiting = await call('GET', `${dev}/propagation/${sequence}?wait=10ms`, { expect: 200 });
  assert.equal(waiting.body.complete, false);
  await call('POST', `${dev}/acknowledgements`, { body: { client: 'contract', etag }, expect: 204 });
  await call('POST', `${dev}/acknowledgements`, { body: { client: 'contract', etag: 'nonsense' }, expect: 400 });
  const done = await call('GET', `${dev}/propagation/${sequence}?wait=10s`, { expect: 200 });
  assert.deepEqual([done.body.complete, done.body.clients.converged], [true, 1]);
  await call('GET', `${dev}/propagation?limit=3`, { expect: 200 });
  await call('GET', `${dev}/propagation/999999`, { expect: 404 });
  abort.abort();
  await call('DELETE', `${dev}/kill-switches/flag:text`, { expect: 204 });
});

test('every operation of the contract was called with success', () => {
  const missed = [...operations].filter(([, seen]) => ![...seen].some((status) => status < 400)).map(([name]) => name);
  assert.deepEqual(missed, []);
});
