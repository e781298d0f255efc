// SPDX-License-Identifier: Apache-2.0
// Takes the pictures of the documentation, from the demo data of a real server.
//   node pictures.mjs FOLDER
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Server, closeBrowser, openBrowser, person } from './browser.mjs';

const folder = process.argv[2];
const QUALITY = 80;
const NARROW = 360;

await openBrowser();
const server = await Server.start();
await server.call('PUT', '/api/v1/environments/production/kill-switches/flag%3Abanner', { reason: 'Prices in the banner are wrong since 03:10' });

// WebP, which Playwright does not offer: a fifth of the bytes of PNG.
async function picture(name, look, path, prepare = async () => {}) {
  const me = await person(server, look);
  await me.go(path);
  await prepare(me.page);
  const session = await me.page.context().newCDPSession(me.page);
  const { data } = await session.send('Page.captureScreenshot', { format: 'webp', quality: QUALITY });
  await writeFile(join(folder, `${name}.webp`), Buffer.from(data, 'base64'));
  await me.close();
}

await picture('flags', { language: 'en', theme: 'light' }, '/env/production/flags');
await picture('flag', { language: 'en', theme: 'light' }, '/env/production/flags/mobile-sync', async (page) => {
  await page.getByLabel('Attributes (JSON)').fill('{"app": {"version": "2.5.0"}}');
  await page.getByRole('button', { name: 'Evaluate', exact: true }).click();
  await page.getByText('Decided by rule recent-apps.').waitFor();
  await page.getByRole('region', { name: 'Rules', exact: true }).evaluate((rules) => rules.scrollIntoView({ block: 'center' }));
});
await picture('kill-switches', { language: 'ja', theme: 'light' }, '/env/production/kill-switches?scope=tenant:acme');
await picture('tenant', { language: 'ja', theme: 'dark' }, '/env/production/tenants/acme');
await picture('narrow', { language: 'en', theme: 'dark', width: NARROW }, '/env/development/overview');

await server.remove();
await closeBrowser();
