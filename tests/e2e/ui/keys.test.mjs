// SPDX-License-Identifier: Apache-2.0
// Signing in with a key: right, wrong, too weak, revoked under an open page; keys made, rotated and revoked.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Server, accessible, closeBrowser, openBrowser, person } from './browser.mjs';

let server;
before(async () => {
  server = await Server.start({ keys: true });
  await server.call('POST', '/api/v1/tenants', { tenantId: 'acme' });
  await server.call('POST', '/api/v1/environments/production/flags', { flagKey: 'there', owner: 'web', defaultEnabled: true });
  await server.call('POST', '/api/v1/environments/production/flags', { flagKey: 'acmes', owner: 'web', tenantId: 'acme' });
  await openBrowser();
});
after(async () => {
  await closeBrowser();
  await server.remove();
});

const signIn = async (me, key) => {
  await me.page.getByLabel('API key', { exact: true }).fill(key);
  await me.page.getByRole('button', { name: 'Sign in' }).click();
};

test('only a key that manages opens the door, for this tab only', async () => {
  const weak = (await server.call('POST', '/api/v1/keys', { kind: 'server', environment: 'production' })).token;
  const me = await person(server);
  await me.go('/env/production/flags/there');
  await accessible(me.page);
  await signIn(me, 'gdn_admin_0123456789abcdef_' + 'A'.repeat(43));
  await me.page.getByText('This key is not valid').waitFor();
  assert.equal(await me.page.evaluate(() => sessionStorage.getItem('guidon.key')), null, 'a wrong key is not kept');
  await signIn(me, weak);
  await me.page.getByText('can only evaluate flags').waitFor();
  await signIn(me, server.key);
  await me.page.getByRole('heading', { name: 'there', level: 1 }).waitFor();
  assert.equal(await me.page.evaluate(() => sessionStorage.getItem('guidon.key')), server.key);
  assert.equal(await me.page.evaluate((key) => JSON.stringify({ ...localStorage }).includes(key) || document.cookie.includes(key), server.key), false);
  await me.page.getByRole('button', { name: 'Sign out' }).click();
  await me.page.getByLabel('API key', { exact: true }).waitFor();
  assert.equal(await me.page.evaluate(() => sessionStorage.getItem('guidon.key')), null);
  await me.close();
});

test('a key that is revoked or expires under an open page leads back to the door', async () => {
  for (const how of ['revoked', 'expired']) {
    const soon = new Date(Date.now() + 6_000).toISOString();
    const { key, token } = await server.call('POST', '/api/v1/keys', { kind: 'admin', name: how, ...(how === 'expired' ? { expiresAt: soon } : {}) });
    const me = await person(server, { expected: [/401/] });
    await me.go('/env/production/flags');
    await signIn(me, token);
    await me.page.getByRole('link', { name: 'there' }).waitFor();
    if (how === 'revoked') await server.call('DELETE', `/api/v1/keys/${key.keyId}`);
    else await me.page.waitForTimeout(Math.max(0, Date.parse(soon) - Date.now() + 50));  // the server's clock decides
    await me.page.getByRole('link', { name: 'there' }).click();
    await me.page.getByText('The key no longer works').waitFor();
    await signIn(me, server.key);
    await me.page.getByRole('heading', { name: 'there', level: 1 }).waitFor();
    await me.close();
  }
});

test('what a key may not do is not offered', async () => {
  const { token } = await server.call('POST', '/api/v1/keys', { kind: 'admin', tenantId: 'acme' });
  const me = await person(server);
  await me.go('/env/production/flags');
  await signIn(me, token);
  await me.page.getByRole('link', { name: 'acmes' }).waitFor();
  const navigation = await me.page.getByRole('navigation').innerText();
  assert.match(navigation, /Flags/);
  assert.doesNotMatch(navigation, /Segments|System/);
  await me.page.getByText('This key sees only tenant acme.').waitFor();
  await me.close();
});

test('a key is made, shown once, rotated and revoked', async () => {
  const me = await person(server);
  await me.go('/env/production/keys');
  await signIn(me, server.key);
  await me.page.getByRole('button', { name: 'New key' }).click();
  await me.page.getByRole('textbox', { name: 'Name' }).fill('mobile app');
  await me.page.getByRole('button', { name: 'Create key' }).click();
  const token = await me.page.getByTestId('token').innerText();
  assert.match(token, /^gdn_server_/);
  await me.page.getByRole('button', { name: 'I have kept it' }).click();
  const row = me.page.getByRole('row').filter({ hasText: 'mobile app' });
  await row.waitFor();
  assert.equal((await me.page.content()).includes(token), false, 'never shown again');
  await row.getByRole('button', { name: 'Actions for mobile app' }).click();
  await me.page.getByRole('menuitem', { name: /Rotate/ }).click();
  await me.page.getByRole('dialog').getByRole('button', { name: 'Rotate' }).click();
  const next = await me.page.getByTestId('token').innerText();
  assert.notEqual(next, token);
  await me.page.getByRole('button', { name: 'I have kept it' }).click();
  const ofrep = (key) => fetch(`${server.url}/ofrep/v1/evaluate/flags/there`, { method: 'POST', headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' }, body: '{}' });
  // Made for the first environment that is not production, where the flag does not exist: known, and not found.
  assert.equal((await ofrep(token)).status, 404, 'the old one works on');
  assert.equal((await ofrep(next)).status, 404);
  const id = next.split('_')[2];
  await me.page.getByRole('row').filter({ hasText: id }).last().getByRole('button', { name: 'Actions for mobile app' }).click();
  await me.page.getByRole('menuitem', { name: /Revoke/ }).click();
  await me.page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await me.page.getByText('mobile app was revoked').waitFor();
  await me.close();
});
