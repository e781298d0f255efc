// SPDX-License-Identifier: Apache-2.0
// A real server and a real browser. Whatever the console says, any breach of the content policy, any request to another
// host and any script that content smuggled in fails the test that opened the page.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';

const run = promisify(execFile);
export const binary = resolve(process.env.GUIDON_BINARY ?? 'build/ci/bin/guidon');
const START_MS_MAX = 30_000;
const STEP_MS_MAX = 20_000;

const axeSource = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

async function freePort() {
  const server = createServer();
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

// A server that can be stopped and started again on the same port with the same data.
export class Server {
  static async start({ keys = false, demo = true } = {}) {
    const server = new Server();
    server.data = await mkdtemp(join(tmpdir(), 'guidon-ui-'));
    server.port = await freePort();
    server.url = `http://127.0.0.1:${server.port}`;
    server.args = ['--store', 'rocksdb', '--data', server.data];
    if (keys) {
      server.args.push('--profile', 'prod');
      const { stdout } = await run(binary, ['key', 'bootstrap', ...server.args, '--output', 'json']);
      server.key = JSON.parse(stdout).token;
    } else {
      server.args.push('--profile', 'local', ...(demo ? [] : ['--no-demo']));
    }
    await server.up();
    return server;
  }

  async up() {
    this.output = '';
    this.child = spawn(binary, ['serve', ...this.args, '--listen', `127.0.0.1:${this.port}`], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.child.stdout, this.child.stderr]) stream.on('data', (chunk) => { this.output += chunk; });
    this.exited = new Promise((done) => this.child.once('exit', done));
    const deadline = Date.now() + START_MS_MAX;
    for (;;) {
      if (this.child.exitCode !== null) throw new Error(`guidon ended at start:\n${this.output}`);
      const ready = await fetch(`${this.url}/readyz`).then((answer) => answer.ok, () => false);
      if (ready) return;
      if (Date.now() > deadline) throw new Error(`guidon was not ready:\n${this.output}`);
      await new Promise((done) => setTimeout(done, 30));
    }
  }

  async down() {
    this.child.kill('SIGTERM');
    await this.exited;
  }

  async remove() {
    await this.down();
    await rm(this.data, { recursive: true, force: true });
  }

  async call(method, path, body, headers = {}) {
    const answer = await fetch(this.url + path, {
      method,
      headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...(this.key ? { Authorization: `Bearer ${this.key}` } : {}), ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  flag(env, key) {
    return this.call('GET', `/api/v1/environments/${env}/flags/${key}`);
  }
}

let browser;
export async function openBrowser() {
  const executablePath = process.env.GUIDON_CHROMIUM ?? '/usr/bin/chromium';
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update'] });
}
export const closeBrowser = () => browser.close();

// One person's browser. `expected`: what of the console is the point of the test (a server that is down, a refused key).
export async function person(server, { language = 'en', theme = 'light', width = 1280, expected = [] } = {}) {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: theme, locale: language === 'ja' ? 'ja-JP' : 'en-GB', reducedMotion: 'reduce', timezoneId: 'Asia/Tokyo' });
  await context.addInitScript(([chosen, scheme]) => {
    try {
      localStorage.setItem('guidon.language', chosen);
      localStorage.setItem('guidon.theme', scheme);
    } catch {
      // an error page of the browser has no storage
    }
    window.violations = [];
    document.addEventListener('securitypolicyviolation', (event) => window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
  }, [language, theme]);
  const page = await context.newPage();
  page.setDefaultTimeout(STEP_MS_MAX);
  const troubles = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type()) && !expected.some((pattern) => pattern.test(message.text()))) troubles.push(`${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => troubles.push(`uncaught: ${error.message}`));
  page.on('dialog', (dialog) => {
    if (dialog.type() !== 'beforeunload') troubles.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    const { protocol, origin } = new URL(request.url());
    if (protocol.startsWith('http') && origin !== server.url) troubles.push(`request to ${origin}`);
  });
  const me = {
    page,
    go: async (path) => {
      await page.goto(server.url + path);
      await page.locator('h1').first().waitFor();
      // Something is drawn before everything was read.
      await page.locator('[role="status"][aria-label]').first().waitFor({ state: 'detached' });
    },
    calm: async () => {
      troubles.push(...(await page.evaluate(() => window.violations.splice(0))).map((text) => `policy: ${text}`));
      if (await page.evaluate(() => window.hacked !== undefined)) troubles.push('smuggled script ran');
      assert.deepEqual(troubles.splice(0), [], page.url());
    },
    close: async () => {
      await me.calm();
      await context.close();
    },
  };
  return me;
}

// Rules of WCAG 2.1 A and AA, in the page's own world (the content policy keeps a script element out).
export async function accessible(page) {
  await page.evaluate(axeSource);
  const found = await page.evaluate(async () => {
    const { violations } = await window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 4).map(({ target, failureSummary }) => `${target.join(' ')} — ${failureSummary}`).join(' | ')}`);
  });
  assert.deepEqual(found, [], page.url());
}
