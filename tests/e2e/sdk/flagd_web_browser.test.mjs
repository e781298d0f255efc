// SPDX-License-Identifier: Apache-2.0
// flagd's provider for browsers where it belongs: in Debian's chromium, on a page of another origin than Guidon's, its
// modules as npm delivers them, with a client key in a header.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';

import { Guidon } from '../lib/guidon.mjs';

const WAIT_MS_MAX = 20_000;
const modules = fileURLToPath(new URL('../node_modules/', import.meta.url));
const IMPORTS = {
  '@openfeature/flagd-web-provider': '/@openfeature/flagd-web-provider/index.esm.js',
  '@openfeature/web-sdk': '/@openfeature/web-sdk/dist/esm/index.js',
  '@openfeature/core': '/@openfeature/core/dist/esm/index.js',
  '@bufbuild/protobuf': '/@bufbuild/protobuf/dist/esm/index.js',
  '@connectrpc/connect': '/@connectrpc/connect/dist/esm/index.js',
  '@connectrpc/connect/protocol': '/@connectrpc/connect/dist/esm/protocol/index.js',
  '@connectrpc/connect/protocol-connect': '/@connectrpc/connect/dist/esm/protocol-connect/index.js',
  '@connectrpc/connect/protocol-grpc-web': '/@connectrpc/connect/dist/esm/protocol-grpc-web/index.js',
  '@connectrpc/connect-web': '/@connectrpc/connect-web/dist/esm/index.js',
};

// What an application's page does. It shows the flag's value, and what went wrong.
const page = (port, key) => `<!doctype html><title>shop</title><output id="flag">waiting</output>
<script type="importmap">${JSON.stringify({ imports: IMPORTS })}</script>
<script type="module">
  import { FlagdWebProvider } from '@openfeature/flagd-web-provider';
  import { OpenFeature, ProviderEvents } from '@openfeature/web-sdk';
  const flag = document.getElementById('flag');
  const interceptors = [(next) => (request) => { request.header.set('X-API-Key', '${key}'); return next(request); }];
  const logger = { debug() {}, info() {}, warn() {}, error: (text) => { flag.textContent = text; } };
  OpenFeature.setContext({ targetingKey: 'u', plan: 'pro' });
  await OpenFeature.setProviderAndWait(new FlagdWebProvider({ host: '127.0.0.1', port: ${port}, tls: false, interceptors }, logger));
  const client = OpenFeature.getClient();
  const show = () => { flag.textContent = client.getStringValue('colour', 'none') + ' ' + client.getBooleanDetails('hidden', false).errorCode; };
  client.addHandler(ProviderEvents.ConfigurationChanged, show);
  show();
</script>`;

let shop;
let guidon;
let browser;
let html = '';

before(async () => {
  shop = createServer(async (request, response) => {
    if (request.url === '/') return response.setHeader('Content-Type', 'text/html').end(html);
    const path = normalize(join(modules, request.url));
    const text = path.startsWith(modules) && extname(path) === '.js' ? await readFile(path).catch(() => null) : null;
    if (text === null) return response.writeHead(404).end();
    return response.setHeader('Content-Type', 'text/javascript').end(text);
  });
  await new Promise((resolve) => shop.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${shop.address().port}`;
  guidon = await Guidon.start({ args: ['--allowed-origins', origin] });
  await guidon.createFlag({ flagKey: 'colour', owner: 'e2e', description: 'x', type: 'string', defaultEnabled: true,
    clientVisible: true, variations: { red: 'red', blue: 'blue', grey: 'grey' }, defaultVariation: 'red',
    offVariation: 'grey', targetingRules: [{ id: 'pro', when: { all: [{ attribute: 'plan', operator: 'in', values: ['pro'] }] }, variation: 'blue' }] });
  await guidon.createFlag({ flagKey: 'hidden', owner: 'e2e', description: 'x', defaultEnabled: true });
  const { body } = await guidon.call('POST', '/api/v1/keys', { kind: 'client', environment: 'development', name: 'shop' });
  html = page(new URL(guidon.url).port, body.token);
  browser = await chromium.launch({ executablePath: process.env.GUIDON_CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update'] });
});
after(async () => {
  await browser.close();
  assert.deepEqual(await guidon.stop(), { code: 0, signal: null }, guidon.output);
  await new Promise((resolve) => { shop.closeAllConnections(); shop.close(resolve); });
});

async function shows(tab, wanted) {
  await tab.waitForFunction((text) => document.getElementById('flag').textContent === text, wanted, { timeout: WAIT_MS_MAX })
    .catch(async () => assert.equal(await tab.locator('#flag').textContent(), wanted));
}

test('a page of an allowed origin evaluates, hears of a kill switch, and comes back after a restart', async () => {
  const tab = await browser.newPage();
  await tab.goto(`http://127.0.0.1:${shop.address().port}/`);
  await shows(tab, 'blue FLAG_NOT_FOUND');
  await guidon.engage('flag:colour');
  await shows(tab, 'grey FLAG_NOT_FOUND');
  await guidon.restart();
  // Until its stream is open again the page hears of nothing, and asks for everything when it is.
  const open = async () => /guidon_streams(?:\{[^}]*\})? 1\b/.test(await (await fetch(`${guidon.url}/metrics`)).text());
  for (const deadline = Date.now() + WAIT_MS_MAX; !(await open()) && Date.now() < deadline;) await new Promise((resolve) => setTimeout(resolve, 20));
  await guidon.release('flag:colour');
  await shows(tab, 'blue FLAG_NOT_FOUND');
  await tab.close();
});

test('a page of another origin gets nothing', async () => {
  const tab = await browser.newPage();
  await tab.goto(`http://localhost:${shop.address().port}/`);
  await tab.waitForFunction(() => /fetch/i.test(document.getElementById('flag').textContent), undefined, { timeout: WAIT_MS_MAX });
  await tab.close();
});
