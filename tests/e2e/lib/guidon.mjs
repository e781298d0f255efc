// SPDX-License-Identifier: Apache-2.0
// Starts the real binary on a free loopback port with a data folder of its own, and talks to its API.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const START_MS_MAX = 20_000;
const STOP_MS_MAX = 15_000;

export const binary = process.env.GUIDON_BINARY ?? 'build/ci/bin/guidon';

export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export class Guidon {
  constructor(child, port, data) {
    this.child = child;
    this.url = `http://127.0.0.1:${port}`;
    this.data = data;
  }

  static async start({ args = [], env = {}, store = 'rocksdb', demo = false } = {}) {
    const data = await mkdtemp(join(tmpdir(), 'guidon-e2e-'));
    const port = await freePort();
    const run = () => spawn(
      binary,
      ['serve', '--profile', 'local', '--store', store, '--data', data, '--listen', `127.0.0.1:${port}`,
        ...(demo ? [] : ['--no-demo']), ...args],
      { env: { PATH: process.env.PATH, ...env }, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const guidon = new Guidon(run(), port, data);
    guidon.run = run;
    guidon.output = '';
    guidon.watch();
    await guidon.untilReady();
    return guidon;
  }

  watch() {
    const { child } = this;
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => { this.output += chunk; });
    this.exited = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
  }

  // Ends the server as an operator does, and starts it again on the same port and data.
  async restart() {
    this.child.kill('SIGTERM');
    const ended = await this.exited;
    if (ended.code !== 0) throw new Error(`guidon ended with ${JSON.stringify(ended)}:\n${this.output}`);
    await this.startAgain();
  }

  async kill() {
    this.child.kill('SIGKILL');
    await this.exited;
  }

  async startAgain() {
    this.child = this.run();
    this.watch();
    await this.untilReady();
  }

  async untilReady() {
    const deadline = Date.now() + START_MS_MAX;
    while (Date.now() < deadline) {
      if (this.child.exitCode !== null) throw new Error(`guidon ended at start:\n${this.output}`);
      try {
        const answer = await fetch(`${this.url}/readyz`);
        if (answer.status === 200) return;
      } catch {
        // not listening yet
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`guidon was not ready after ${START_MS_MAX} ms:\n${this.output}`);
  }

  async stop() {
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), STOP_MS_MAX);
    const ended = await this.exited;
    clearTimeout(timer);
    await rm(this.data, { recursive: true, force: true });
    return ended;
  }

  // A call of the management API; throws on a status that is not `expected` (default: any 2xx).
  async call(method, path, body, { headers = {}, expected } = {}) {
    const answer = await fetch(this.url + path, {
      method,
      headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    const fine = expected === undefined ? answer.ok : answer.status === expected;
    if (!fine) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return { status: answer.status, headers: answer.headers, body: text === '' ? undefined : JSON.parse(text) };
  }

  createFlag(flag, env = 'development') {
    return this.call('POST', `/api/v1/environments/${env}/flags`, flag);
  }

  patchFlag(key, patch, env = 'development') {
    return this.call('PATCH', `/api/v1/environments/${env}/flags/${key}`, patch, { headers: { 'If-Match': '*' } });
  }

  engage(scope, reason = 'test', env = 'development') {
    return this.call('PUT', `/api/v1/environments/${env}/kill-switches/${encodeURIComponent(scope)}`, { reason });
  }

  release(scope, reason = 'test', env = 'development') {
    return this.call('DELETE',
      `/api/v1/environments/${env}/kill-switches/${encodeURIComponent(scope)}?reason=${encodeURIComponent(reason)}`);
  }
}

// One flag of each type and state that the SDK tests evaluate.
export async function createSampleFlags(guidon) {
  await guidon.createFlag({ flagKey: 'bool-on', owner: 'e2e', description: 'always on', defaultEnabled: true });
  await guidon.createFlag({ flagKey: 'bool-off', owner: 'e2e', description: 'always off', defaultEnabled: false });
  await guidon.createFlag({
    flagKey: 'text', owner: 'e2e', description: 'a string', type: 'string', defaultEnabled: true,
    variations: { red: 'red', blue: 'blue', grey: 'grey' }, defaultVariation: 'red', offVariation: 'grey',
    killVariation: 'blue',
  });
  await guidon.createFlag({
    flagKey: 'number', owner: 'e2e', description: 'a number', type: 'number', defaultEnabled: true,
    variations: { low: 1, high: 12.5 }, defaultVariation: 'high', offVariation: 'low',
  });
  await guidon.createFlag({
    flagKey: 'object', owner: 'e2e', description: 'an object', type: 'object', defaultEnabled: true,
    variations: { a: { limit: 10, names: ['x', 'y'], nested: { deep: true } }, none: {} },
    defaultVariation: 'a', offVariation: 'none',
  });
  await guidon.createFlag({
    flagKey: 'rollout', owner: 'e2e', description: 'half of the users', defaultEnabled: true, rolloutPercentage: 50,
  });
  await guidon.createFlag({
    flagKey: 'targeted', owner: 'e2e', description: 'for the pro plan', defaultEnabled: false,
    targetingRules: [{
      id: 'pro', when: { all: [{ attribute: 'plan', operator: 'in', values: ['pro'] }] }, variation: 'on',
    }],
  });
  await guidon.createFlag({
    flagKey: 'disabled', owner: 'e2e', description: 'switched off', defaultEnabled: true, state: 'DISABLED',
  });
  await guidon.createFlag({
    flagKey: 'owned', owner: 'e2e', description: 'of one tenant', defaultEnabled: true, tenantId: 'acme',
  });
}
