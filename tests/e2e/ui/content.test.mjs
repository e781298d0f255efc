// SPDX-License-Identifier: Apache-2.0
// Hostile content on every page is only text; ten thousand flags are a list like any other.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Server, closeBrowser, openBrowser, person } from './browser.mjs';

const FLAGS = 10_000;
const PER_REQUEST = 500;
// Ten thousand flags on a machine that is busy with other tests.
const EVERYTHING_MS_MAX = 240_000;
// A screen of rows and what is kept ready around it.
const ROWS_MAX = 80;
const HOSTILE = '"><img src=x onerror="window.hacked=1"><script>window.hacked=2</script><svg onload=window.hacked=3>{n}javascript:window.hacked=4\'`${window.hacked=5}';

let server;
before(async () => {
  server = await Server.start({ demo: false });
  await openBrowser();
});
after(async () => {
  await closeBrowser();
  await server.remove();
});

test('names, descriptions, reasons and JSON with hostile content stay text on every page', async () => {
  const env = '/api/v1/environments/production';
  await server.call('POST', '/api/v1/tenants', { tenantId: 'evil', name: HOSTILE.slice(0, 120), plan: HOSTILE.slice(0, 60) });
  await server.call('POST', `${env}/segments`, { segmentKey: 'evil', description: HOSTILE, included: [HOSTILE], when: { any: [{ attribute: 'a', operator: 'in', values: [HOSTILE] }] } });
  const rule = { id: 'r', description: HOSTILE, when: { any: [{ attribute: 'plan', operator: 'in', values: [HOSTILE] }, { operator: 'inSegment', values: ['evil'] }] }, variation: 'a' };
  await server.call('POST', `${env}/flags`, { flagKey: 'evil', description: HOSTILE, owner: HOSTILE.slice(0, 120), tags: [HOSTILE.slice(0, 60)], type: 'object', variations: { a: { [HOSTILE]: HOSTILE }, b: {} }, defaultVariation: 'a', offVariation: 'b', targetingRules: [rule], metadata: { x: HOSTILE } });
  await server.call('PUT', `${env}/flags/evil/overrides/evil`, { variation: 'a' });
  await server.call('PUT', `${env}/kill-switches/flag%3Aevil`, { reason: HOSTILE });
  await server.call('POST', '/api/v1/keys', { kind: 'server', environment: 'production', name: HOSTILE.slice(0, 120) });
  const me = await person(server);
  const pages = ['overview', 'flags', 'flags/evil', 'flags/evil/usage', 'flags/evil/compare', 'flags/evil/history', 'flags/evil/code', 'new-flag?from=evil', 'kill-switches', 'segments', 'segments/evil', 'tenants', 'tenants/evil', 'keys', 'audit', 'system', `flags?q=${encodeURIComponent(HOSTILE)}`, `kill-switches?scope=${encodeURIComponent(`owner:${HOSTILE}`)}`];
  for (const path of pages) {
    await me.go(`/env/production/${path}`);
    for (const button of await me.page.getByRole('button', { name: /^Details/ }).all()) await button.click();
    if (path === 'flags/evil') {
      await me.page.getByRole('button', { expanded: false, name: /^r/ }).click();
      await me.page.getByRole('button', { name: 'Evaluate', exact: true }).click();
      await me.page.getByText('as of change').waitFor();
    }
    assert.equal(await me.page.locator('img, script:not([src]), body svg[onload]').count(), 0, path);
    await me.calm();
  }
  // It is shown, not swallowed.
  await me.go('/env/production/kill-switches');
  assert.ok((await me.page.getByRole('region', { name: 'flag:evil' }).innerText()).includes(HOSTILE));
  await me.close();
});

test(`a list of ${FLAGS} flags`, async () => {
  for (let first = 0; first < FLAGS; first += PER_REQUEST) {
    const flags = Array.from({ length: PER_REQUEST }, (_, index) => ({ flagKey: `flag-${String(first + index).padStart(5, '0')}`, owner: `team-${(first + index) % 40}`, description: 'one of many', defaultEnabled: index % 3 === 0 }));
    await server.call('POST', '/api/v1/environments/staging/import?portions=true', { flags });
  }
  const me = await person(server);
  const { page } = me;
  await me.go('/env/staging/flags');
  await page.getByRole('row').nth(5).waitFor();
  assert.ok((await page.getByRole('row').count()) <= ROWS_MAX, 'only what is seen is in the page');
  const frames = await page.evaluate(async () => {
    const times = [];
    let last = performance.now();
    for (let step = 0; step < 120; ++step) {
      window.scrollBy(0, 400);
      await new Promise((done) => requestAnimationFrame(done));
      const now = performance.now();
      times.push(now - last);
      last = now;
    }
    return times.sort((a, b) => a - b);
  });
  console.log(`frames while scrolling: median ${frames[60].toFixed(1)} ms, p95 ${frames[113].toFixed(1)} ms, longest ${frames[119].toFixed(1)} ms`);
  assert.ok((await page.getByRole('row').count()) <= ROWS_MAX);
  assert.ok((await page.evaluate(() => window.scrollY)) > 5_000, 'it scrolled');
  await page.evaluate(() => window.scrollTo(0, 0));
  await page.getByRole('searchbox').fill('flag-04711');
  await page.getByText('1 flag', { exact: true }).waitFor();
  await page.getByRole('link', { name: 'flag-04711' }).waitFor();
  await page.getByRole('searchbox').fill('');
  await page.getByRole('button', { name: 'Flag', exact: true }).click();  // by key: everything is loaded first
  await page.getByText(`${FLAGS} flags`).waitFor({ timeout: EVERYTHING_MS_MAX });
  assert.equal(await page.getByRole('table').getAttribute('aria-rowcount'), String(FLAGS + 1));
  await page.getByRole('link', { name: 'flag-00000' }).waitFor();
  assert.ok((await page.getByRole('row').count()) <= ROWS_MAX);
  await me.close();
});
