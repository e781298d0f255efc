// SPDX-License-Identifier: Apache-2.0
// Two programs on one table: Guidon writes and this one reads, and the other way round. GUIDON_BINARY is the program,
// GUIDON_TEST_DYNAMODB_ENDPOINT an emulator.
import assert from 'node:assert/strict';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';

import { DynamoDBClient } from '@aws-sdk/client-dynamodb';

import { FlagTable } from './access_patterns.js';

const binary = process.env.GUIDON_BINARY ?? '';
const endpoint = process.env.GUIDON_TEST_DYNAMODB_ENDPOINT ?? '';
const tableName = 'feature-flags-interop';
const region = 'ap-northeast-1';
const data = mkdtempSync(join(tmpdir(), 'guidon-interop-'));
const environment: NodeJS.ProcessEnv = {
  PATH: process.env.PATH,
  GUIDON_TABLE: tableName,
  GUIDON_REGION: region,
  GUIDON_DYNAMODB_ENDPOINT: endpoint,
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
};

let server: ChildProcess;
let url = '';
const client = new DynamoDBClient({ endpoint, region, credentials: { accessKeyId: 'a', secretAccessKey: 'b' } });
const table = new FlagTable(client, tableName);

const guidon = (...args: string[]): string =>
  execFileSync(binary, args, { env: { ...environment, GUIDON_URL: url }, encoding: 'utf8' });

async function evaluate(flag: string): Promise<Record<string, unknown>> {
  const answer = await fetch(`${url}/ofrep/v1/evaluate/flags/${flag}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Guidon-Environment': 'production' },
    body: JSON.stringify({ context: { targetingKey: 'u' } }),
  });
  return await answer.json() as Record<string, unknown>;
}

before(async () => {
  guidon('table', 'create');
  server = spawn(binary, ['serve', '--store', 'dynamodb', '--no-demo', '--data', data, '--listen', '127.0.0.1:0',
    '--log-format', 'json', '--cache-ttl', '1h'], { env: environment, stdio: ['ignore', 'ignore', 'pipe'] });
  for await (const line of createInterface({ input: server.stderr! })) {
    const entry = JSON.parse(line) as { message: string; url?: string };
    if (entry.message === 'listening') {
      url = entry.url ?? '';
      break;
    }
  }
  server.stderr!.resume();
  guidon('tenant', 'create', 'acme', '--name', 'Acme');
  for (const [flag, owner] of [['first', 'web'], ['second', 'web'], ['third', 'search']] as const)
    guidon('flag', 'create', flag, '-e', 'production', '--owner', owner, '--enabled', 'true', '--description', flag);
  guidon('flag', 'create', 'of-acme', '-e', 'production', '--owner', 'web', '--tenant', 'acme', '--enabled', 'false');
});

after(async () => {
  client.destroy();
  server.kill('SIGTERM');
  await once(server, 'exit');
  rmSync(data, { recursive: true, force: true });
});

test('a flag by key, with a projection', async () => {
  assert.deepEqual(await table.flag('production', 'first'),
    { flagKey: { S: 'first' }, defaultEnabled: { BOOL: true }, owner: { S: 'web' } });
  assert.equal(await table.flag('staging', 'first'), undefined);
});

test('flags of an environment, newest first, in pages', async () => {
  const pages: string[][] = [];
  for await (const page of table.newestFirst('production', 3)) pages.push(page.map((flag) => flag.flagKey));
  assert.deepEqual(pages[0], ['of-acme', 'third', 'second']);
  assert.deepEqual(pages.flat(), ['of-acme', 'third', 'second', 'first']);
});

test('flags of an owner and of a tenant', async () => {
  assert.deepEqual((await table.ofOwner('production', 'web')).map((flag) => flag.flagKey), ['first', 'of-acme', 'second']);
  assert.deepEqual(await table.ofTenant('production', 'acme'),
    [{ flagKey: 'of-acme', defaultEnabled: false, owner: 'web' }]);
  assert.deepEqual(await table.ofTenant('production', 'acm'), []);
});

test('many flags by their keys', async () => {
  const found = await table.many('production', ['first', 'third', 'missing']);
  assert.deepEqual(found.map((flag) => flag.flagKey).sort(), ['first', 'third']);
});

test('a plain flag of another program is served after a refresh, and keeps its shape when Guidon changes it', async () => {
  await table.putPlain('production', 'plain', true, true);
  assert.equal((await evaluate('plain')).errorCode, 'FLAG_NOT_FOUND');
  guidon('refresh');
  assert.equal((await evaluate('plain')).value, true);
  guidon('flag', 'update', 'plain', '-e', 'production', '--enabled', 'false');
  assert.deepEqual(await table.flag('production', 'plain'),
    { flagKey: { S: 'plain' }, defaultEnabled: { BOOL: false }, owner: { S: 'ops' } });
  assert.equal((await evaluate('plain')).value, false);
});

test('missing index keys are mended by the next change', async () => {
  await table.putPlain('production', 'bare', true, false);
  guidon('refresh');
  const listed = async () => {
    const keys: string[] = [];
    for await (const page of table.newestFirst('production', 100)) keys.push(...page.map((flag) => flag.flagKey));
    return keys.includes('bare');
  };
  assert.equal(await listed(), false);
  guidon('flag', 'update', 'bare', '-e', 'production', '--description', 'mended');
  assert.equal(await listed(), true);
  assert.deepEqual((await table.ofOwner('production', 'ops')).map((flag) => flag.flagKey), ['bare', 'plain']);
  assert.equal((await evaluate('bare')).value, true);
});
