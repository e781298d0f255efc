// SPDX-License-Identifier: Apache-2.0
// Every page, in both languages and themes, wide and narrow: nothing in the console, nothing for axe to find.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Server, accessible, closeBrowser, openBrowser, person } from './browser.mjs';

const PAGES = {
  overview: '/env/production/overview',
  flags: '/env/production/flags',
  'new flag': '/env/development/new-flag',
  'a flag with rules': '/env/production/flags/mobile-sync',
  'a flag with a split': '/env/production/flags/search-engine',
  'an object flag': '/env/production/flags/banner',
  compare: '/env/development/flags/new-checkout/compare',
  usage: '/env/production/flags/new-checkout/usage',
  history: '/env/development/flags/new-checkout/history',
  code: '/env/development/flags/new-checkout/code',
  'kill switches': '/env/production/kill-switches',
  segments: '/env/staging/segments',
  'a segment': '/env/staging/segments/beta-testers',
  tenants: '/env/production/tenants',
  'a tenant': '/env/production/tenants/acme',
  keys: '/env/production/keys',
  audit: '/env/production/audit',
  system: '/env/production/system',
  'nothing there': '/env/production/nothing',
};
const LOOKS = [
  { language: 'en', theme: 'light', width: 1280 },
  { language: 'ja', theme: 'dark', width: 1280 },
  { language: 'ja', theme: 'light', width: 360 },
  { language: 'en', theme: 'dark', width: 360 },
];
// Initial load of the list, compressed; the figure.
const BYTES_MAX = 300 * 1024;

let server;
before(async () => {
  server = await Server.start();
  await openBrowser();
  await server.call('PUT', '/api/v1/environments/production/kill-switches/owner%3Amarketing', { reason: 'a picture of it' });
  const usage = (flagKey, variation, tenantId, count) => ({ minute: new Date(Date.now() - 3_600_000).toISOString(), flagKey, variation, tenantId, count });
  await server.call('POST', '/api/v1/usage', { records: [usage('new-checkout', 'on', 'acme', 70), usage('new-checkout', 'off', 'globex', 30)] }, { 'Guidon-Environment': 'production' });
  await server.call('POST', '/api/v1/keys', { kind: 'server', name: 'checkout', environment: 'production' });
});
after(async () => {
  await closeBrowser();
  await server.remove();
});

for (const look of LOOKS) {
  test(`every page: ${Object.values(look).join(' ')}`, async () => {
    const me = await person(server, look);
    const wrong = [];
    for (const [name, path] of Object.entries(PAGES)) {
      const see = async (check) => {
        try {
          await check();
        } catch (error) {
          wrong.push(`${name}: ${error.message}`);
        }
      };
      await me.go(path);
      if (name === 'a flag with rules') await me.page.getByRole('button', { expanded: false, name: /recent-apps/ }).click();
      if (name === 'a flag with a split') await me.page.getByRole('button', { expanded: false, name: /traffic-split/ }).click();
      await see(() => accessible(me.page));
      const { text, wide, language } = await me.page.evaluate(() => ({ text: document.body.innerText, wide: document.documentElement.scrollWidth - innerWidth, language: document.documentElement.lang }));
      await see(() => {
        assert.equal(language, look.language);
        assert.doesNotMatch(text, /\{[a-z]+(:[^}]*)?\}/i, 'a text whose blank was not filled in');
        assert.equal(/[\u3040-\u30ff]/.test(text), look.language === 'ja' || /夏の|たぬき/.test(text), 'a text in the other language');
        assert.ok(wide <= 0, `scrolls sideways by ${wide} px`);
      });
      await see(me.calm);
    }
    assert.deepEqual(wrong, []);
    await me.close();
  });
}

test('the first load is small, compressed and kept', async () => {
  const me = await person(server);
  const sizes = [];
  me.page.on('response', (response) => {
    if (new URL(response.url()).pathname.endsWith('/events')) return;  // never ends, so it has no size
    sizes.push(response.request().sizes().then(({ responseBodySize }) => ({ path: new URL(response.url()).pathname, size: responseBodySize, headers: response.headers() })));
  });
  await me.go('/env/development/flags');
  await me.page.getByRole('row').nth(3).waitFor();
  const files = (await Promise.all(sizes)).filter(({ path }) => !path.startsWith('/api/') && path !== '/readyz');
  const total = files.reduce((sum, { size }) => sum + size, 0);
  console.log(`initial load: ${files.length} files, ${(total / 1024).toFixed(1)} KiB`);
  assert.ok(files.length >= 4 && total > 50_000, 'the sizes were seen');
  assert.ok(total <= BYTES_MAX, `${total} bytes`);
  for (const { path, headers } of files.filter((file) => file.path.startsWith('/assets/'))) {
    assert.match(headers['cache-control'], /immutable/, path);
    if (/\.(js|css)$/.test(path) && files.find((file) => file.path === path).size > 2_000) assert.equal(headers['content-encoding'], 'gzip', path);
  }
  await me.close();
});

test('the language is remembered and changes at once', async () => {
  const me = await person(server, { language: 'en' });
  await me.go('/env/development/flags');
  await me.page.getByRole('button', { name: 'Language' }).click();
  await me.page.getByRole('menuitem', { name: '日本語' }).click();
  await me.page.getByRole('heading', { name: 'フラグ', level: 1 }).waitFor();
  assert.equal(await me.page.evaluate(() => localStorage.getItem('guidon.language')), 'ja');
  assert.equal(await me.page.evaluate(() => document.documentElement.lang), 'ja');
  await me.close();
});

test('the keyboard reaches everything', async () => {
  const me = await person(server);
  const { keyboard } = me.page;
  await me.go('/env/development/flags');
  await keyboard.press('Control+k');
  await me.page.getByPlaceholder('Flag, page or environment').waitFor();
  await keyboard.type('new-check');
  await me.page.getByRole('option', { name: /new-checkout/ }).waitFor();
  await keyboard.press('ArrowUp');  // around to the last, and back to the first
  await keyboard.press('ArrowDown');
  await keyboard.press('Enter');
  await me.page.waitForURL('**/flags/new-checkout');
  await me.page.getByRole('heading', { name: 'new-checkout', level: 1 }).waitFor();
  await me.page.locator('#main').focus();
  await keyboard.press('g');
  await keyboard.press('k');
  await me.page.waitForURL('**/kill-switches');
  await keyboard.press('g');
  await keyboard.press('f');
  await me.page.waitForURL('**/development/flags');
  // The address changes before the page does: a key pressed in between belongs to the page that is left.
  await me.page.getByRole('heading', { name: 'Flags', level: 1 }).waitFor();
  await keyboard.press('/');
  await me.page.locator('[data-page-search]:focus').waitFor();
  await keyboard.type('banner');
  await me.page.waitForURL('**/flags?q=banner');
  await me.page.getByText('1 flag', { exact: true }).waitFor();
  await me.close();
});
