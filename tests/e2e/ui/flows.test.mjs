// SPDX-License-Identifier: Apache-2.0
// What people do in the admin UI, against the real server, with the effect read from the API.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Server, accessible, closeBrowser, openBrowser, person } from './browser.mjs';

const words = {
  en: { turnOff: 'Turn off', undo: 'Undo', review: 'Review and save', save: /^Save \d+ change/, owner: 'Owner', addRule: 'Add a rule', attribute: 'Attribute', values: 'Values', engage: /^Engage in production/, engageNow: 'Engage now', reason: /^Reason/, release: 'Release', why: /safe again/, toggle: 'new-checkout: on by default', unsaved: 'Unsaved changes', everybody: 'everybody has it', verify: 'Verify', verifyTitle: 'Verify the audit log', intact: 'Nothing was changed', broken: 'The audit chain is broken', changed: /entry was changed/ },
  ja: { turnOff: '無効にする', undo: '元に戻す', review: '確認して保存', save: /件の変更を保存$/, owner: '担当', addRule: 'ルールを追加', attribute: '属性', values: '値', engage: /^production で作動/, engageNow: '今すぐ作動', reason: /^理由/, release: '解除', why: /判断した理由/, toggle: 'new-checkout を既定で有効にする', unsaved: '未保存の変更', everybody: '全体に反映済み', verify: '検証', verifyTitle: '監査ログの検証', intact: '変更・削除・追加された記録はありません', broken: '監査ログの連鎖が壊れています', changed: /記録が改変されています/ },
};
const evaluate = (server, env, key, context) => server.call('POST', `/ofrep/v1/evaluate/flags/${key}`, { context }, { 'Guidon-Environment': env });
const until = async (what, check) => {
  for (let tries = 0; tries < 100; ++tries) {
    if (await check()) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  assert.fail(`did not happen: ${what}`);
};

let server;
before(openBrowser);
after(closeBrowser);
beforeEach(async (t) => {
  server = await Server.start();
  t.after?.(() => {});
});
const flow = (name, body) => test(name, async () => {
  try {
    await body();
  } finally {
    await server.remove();
  }
});

for (const language of ['en', 'ja']) {
  const word = words[language];

  flow(`${language}: the audit log is verified, and found broken where its secret is another`, async () => {
    const me = await person(server, { language });
    await me.go('/env/production/audit');
    await me.page.getByRole('button', { name: word.verify, exact: true }).click();
    const result = me.page.getByRole('alert');
    await result.filter({ hasText: word.intact }).waitFor();
    assert.match(await me.page.getByRole('region', { name: word.verifyTitle }).innerText(), /production/);
    await me.close();
    // As after a node was given the wrong secret: no entry is one of its own.
    await server.down();
    await writeFile(join(server.data, 'key-hash-secret'), 'another secret of at least thirty-two bytes');
    await server.up();
    const again = await person(server, { language, theme: 'dark', width: 360 });
    await again.go('/env/production/audit');
    await again.page.getByRole('button', { name: word.verify, exact: true }).click();
    await again.page.getByRole('alert').filter({ hasText: word.broken }).waitFor();
    const problems = again.page.getByRole('region', { name: word.verifyTitle }).getByRole('list').last().getByRole('listitem');
    assert.ok(await problems.count() > 3);
    assert.match(await problems.first().innerText(), word.changed);
    await accessible(again.page);
    assert.equal(await again.page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), true, 'fits 360 px');
    await again.close();
  });

  flow(`${language}: a toggle in production asks, works and can be undone`, async () => {
    const me = await person(server, { language });
    await me.go('/env/production/flags');
    await me.page.getByRole('switch', { name: word.toggle }).click({ force: true });
    assert.equal((await server.flag('production', 'new-checkout')).defaultEnabled, true, 'not before it was confirmed');
    await me.page.getByRole('dialog').getByRole('button', { name: word.turnOff }).click();
    await until('off', async () => !(await server.flag('production', 'new-checkout')).defaultEnabled);
    await me.page.getByRole('button', { name: word.undo }).click();
    await until('on again', async () => (await server.flag('production', 'new-checkout')).defaultEnabled);
    await me.close();
  });

  flow(`${language}: a rule is built, looked at and saved`, async () => {
    const me = await person(server, { language });
    await me.go('/env/development/flags/dark-mode');
    await me.page.getByRole('button', { name: word.addRule }).click();
    await me.page.getByRole('textbox', { name: word.attribute, exact: true }).fill('plan');
    const values = me.page.getByRole('textbox', { name: word.values, exact: true });
    await values.fill('pro');
    await values.press('Enter');
    await me.page.getByRole('button', { name: word.review }).click();
    const dialog = me.page.getByRole('dialog');
    assert.match(await dialog.innerText(), /targetingRules\[rule-1\]/);
    await dialog.getByRole('button', { name: word.save }).click();
    await me.page.getByRole('region', { name: word.unsaved }).waitFor({ state: 'detached' });
    assert.deepEqual((await server.flag('development', 'dark-mode')).targetingRules, [{ id: 'rule-1', variation: 'on', when: { all: [{ attribute: 'plan', operator: 'in', values: ['pro'] }] } }]);
    assert.equal((await evaluate(server, 'development', 'dark-mode', { targetingKey: 'u', plan: 'pro' })).variant, 'on');
    await me.close();
  });

  flow(`${language}: a kill switch reaches evaluation, shows its way, and is released`, async () => {
    const me = await person(server, { language });
    await me.go('/env/production/kill-switches?scope=flag:banner');
    await me.page.getByRole('textbox', { name: word.reason }).fill('<b>Prices</b> are wrong since 03:10');
    await me.page.getByRole('button', { name: word.engage }).click();
    assert.equal((await evaluate(server, 'production', 'banner', { targetingKey: 'u' })).variant, 'sale', 'not before it was confirmed');
    await me.page.getByRole('dialog').getByRole('button', { name: word.engageNow }).click();
    await me.page.getByRole('region', { name: 'flag:banner' }).waitFor();
    assert.equal((await evaluate(server, 'production', 'banner', { targetingKey: 'u' })).reason, 'DISABLED');
    const way = me.page.getByRole('status').filter({ hasText: '19' });
    await way.filter({ hasText: word.everybody }).waitFor();
    assert.match(await way.innerText(), /ms/, 'after how long');
    assert.match(await me.page.getByRole('region', { name: 'flag:banner' }).innerText(), /<b>Prices<\/b> are wrong/);
    await me.page.getByRole('region', { name: 'flag:banner' }).getByRole('button', { name: word.release }).click();
    await me.page.getByRole('textbox', { name: word.why }).fill('fixed');
    await me.page.getByRole('dialog').getByRole('button', { name: word.release }).click();
    await me.page.getByRole('region', { name: 'flag:banner' }).waitFor({ state: 'detached' });
    assert.equal((await evaluate(server, 'production', 'banner', { targetingKey: 'u' })).variant, 'sale');
    const { items } = await server.call('GET', '/api/v1/audit?environment=production&resource=kill:flag:banner');
    assert.deepEqual(items.map(({ action }) => action), ['kill.release', 'kill.engage']);
    await me.close();
  });

  flow(`${language}: two people edit one flag and neither loses anything`, async () => {
    const one = await person(server, { language, expected: [/412/] });
    const other = await person(server, { language });
    await one.go('/env/development/flags/page-size');
    await other.go('/env/development/flags/page-size');
    const owner = (me) => me.page.getByRole('textbox', { name: word.owner, exact: true });
    await owner(one).fill('first team');
    await owner(other).fill('second team');
    const save = async (me) => {
      await me.page.getByRole('button', { name: word.review }).click();
      await me.page.getByRole('dialog').getByRole('button', { name: word.save }).click();
    };
    await save(other);
    await until('saved', async () => (await server.flag('development', 'page-size')).owner === 'second team');
    await one.page.getByRole('alert').filter({ hasText: '2' }).waitFor();
    assert.equal(await owner(one).inputValue(), 'first team', 'the draft stays');
    await save(one);
    const dialog = one.page.getByRole('dialog');
    await dialog.getByText('second team').waitFor();
    await dialog.getByText('first team').waitFor();
    assert.equal((await server.flag('development', 'page-size')).owner, 'second team', 'nobody was overwritten');
    await dialog.getByRole('radio').first().check();
    await dialog.getByRole('button', { name: language === 'en' ? 'Put together' : '統合する' }).click();
    await save(one);
    await until('merged', async () => (await server.flag('development', 'page-size')).owner === 'first team');
    await until('the other sees it', async () => (await owner(other).inputValue()) === 'first team');
    await one.close();
    await other.close();
  });
}

flow('leaving with unsaved work asks, and staying keeps it', async () => {
  const me = await person(server);
  await me.go('/env/development/flags/page-size');
  await me.page.getByRole('textbox', { name: 'Owner', exact: true }).fill('somebody');
  await me.page.getByRole('link', { name: 'Segments' }).click();
  await me.page.getByRole('button', { name: 'Stay' }).click();
  assert.equal(await me.page.getByRole('textbox', { name: 'Owner', exact: true }).inputValue(), 'somebody');
  await me.page.getByRole('link', { name: 'Segments' }).click();
  await me.page.getByRole('button', { name: 'Discard and leave' }).click();
  await me.page.waitForURL('**/segments');
  assert.notEqual((await server.flag('development', 'page-size')).owner, 'somebody');
  await me.close();
});

flow('the playground shows the answer and where it was decided', async () => {
  const me = await person(server);
  await me.go('/env/production/flags/mobile-sync');
  await me.page.getByLabel('Attributes (JSON)').fill('{"app": {"version": "2.5.0"}}');
  await me.page.getByRole('button', { name: 'Evaluate', exact: true }).click();
  await me.page.getByText('Decided by rule recent-apps.').waitFor();
  assert.match(await me.page.getByRole('region', { name: 'Rules', exact: true }).innerText(), /decided here[\s\S]*semverGte \["2.4.0"\] — seen: 2.5.0/);
  await me.page.getByLabel('Attributes (JSON)').fill('{"app": {"version": "2.3.0"}}');
  await me.page.getByRole('button', { name: 'Evaluate', exact: true }).click();
  await me.page.getByText('No rule matched: the default decided.').waitFor();
  await me.close();
});

flow('a flag is made, promoted with its difference shown, restored and deleted', async () => {
  const me = await person(server);
  await me.go('/env/development/new-flag');
  await me.page.getByRole('textbox', { name: 'Key' }).fill('made-here');
  await me.page.getByRole('textbox', { name: 'Owner' }).fill('web');
  await me.page.getByRole('button', { name: 'Create flag' }).click();
  await me.page.waitForURL('**/flags/made-here');
  assert.equal((await server.flag('development', 'made-here')).defaultEnabled, false);
  const switched = me.page.getByRole('switch', { name: /by default/ });
  await switched.click({ force: true });
  await me.page.getByRole('button', { name: 'Review and save' }).click();
  await me.page.getByRole('dialog').getByRole('button', { name: 'Save 1 change' }).click();
  await until('on', async () => (await server.flag('development', 'made-here')).defaultEnabled);
  await me.page.getByRole('tab', { name: 'Compare environments' }).click();
  await me.page.getByRole('textbox', { name: 'To' }).click();
  await me.page.getByRole('option', { name: 'production' }).click();
  await me.page.getByRole('button', { name: 'Preview from development' }).click();
  await me.page.getByRole('dialog').getByText('This changes production').waitFor();
  await me.page.getByRole('dialog').getByRole('button', { name: 'Promote' }).click();
  await until('promoted', () => server.flag('production', 'made-here').then((flag) => flag.defaultEnabled, () => false));
  await me.page.getByRole('tab', { name: 'History' }).click();
  await me.page.getByRole('button', { name: 'Restore v1' }).click();
  await me.page.getByRole('button', { name: 'Review and save' }).click();
  await me.page.getByRole('dialog').getByRole('button', { name: 'Save 1 change' }).click();
  await until('restored', async () => !(await server.flag('development', 'made-here')).defaultEnabled);
  await me.page.getByRole('button', { name: 'Actions' }).click();
  await me.page.getByRole('menuitem', { name: 'Delete' }).click();
  const confirm = me.page.getByRole('dialog').getByRole('button', { name: 'Delete' });
  assert.equal(await confirm.isDisabled(), true);
  await me.page.getByRole('dialog').getByRole('textbox').fill('made-here');
  await confirm.click();
  await me.page.waitForURL('**/development/flags');
  await assert.rejects(server.flag('development', 'made-here'), /404/);
  await me.close();
});

flow('overrides are pasted, many flags change at once, a segment is edited', async () => {
  const me = await person(server);
  await me.go('/env/development/flags/dark-mode');
  await me.page.getByRole('button', { name: 'Paste many' }).click();
  await me.page.getByLabel('One tenant and one variation a line').fill('acme, on\ncorner maybe');
  await me.page.getByText('Line 2').waitFor();
  await me.page.getByLabel('One tenant and one variation a line').fill('acme, on\ncorner off');
  await me.page.getByRole('button', { name: 'Set 2 overrides' }).click();
  await until('set', async () => (await server.call('GET', '/api/v1/environments/development/flags/dark-mode/overrides')).items.length === 2);
  await me.go('/env/development/flags?q=campaign');
  await me.page.getByText('2 flags').waitFor();
  await me.page.getByRole('checkbox', { name: 'Select all shown' }).check();
  await me.page.getByRole('toolbar').getByRole('button', { name: 'Turn off' }).click();
  await me.page.getByRole('dialog').getByRole('button', { name: 'Turn off' }).click();
  await me.page.getByText('2 flags changed').waitFor();
  assert.equal((await server.flag('development', 'winter-campaign')).defaultEnabled, false);
  await me.go('/env/development/segments/beta-testers');
  await me.page.getByLabel('Included keys').fill('user-1\nuser-99');
  await me.page.getByRole('button', { name: 'Review and save' }).click();
  await me.page.getByRole('dialog').getByText('This changes').waitFor();
  await me.page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await until('saved', async () => (await server.call('GET', '/api/v1/environments/development/segments/beta-testers')).included.includes('user-99'));
  await me.close();
});

flow('an open page outlives a restart of the server and loses no draft', async () => {
  const me = await person(server, { expected: [/ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE|503/] });
  await me.go('/env/development/flags/page-size');
  await me.page.getByRole('textbox', { name: 'Owner', exact: true }).fill('draft');
  await server.down();
  await me.page.getByText('The server does not answer.').waitFor();
  await server.up();
  await me.page.getByText('The server does not answer.').waitFor({ state: 'detached' });
  assert.equal(await me.page.getByRole('textbox', { name: 'Owner', exact: true }).inputValue(), 'draft');
  await me.page.getByRole('button', { name: 'Review and save' }).click();
  await me.page.getByRole('dialog').getByRole('button', { name: 'Save 1 change' }).click();
  await until('saved', async () => (await server.flag('development', 'page-size')).owner === 'draft');
  await me.close();
});

flow('a toggle in one browser is seen in another at once, over the event stream and not by asking', async () => {
  const me = await person(server);
  const other = await person(server);
  const streaming = me.page.waitForResponse((answer) => answer.url().endsWith('/environments/development/events') && answer.ok());
  await me.go('/env/development/flags');
  await streaming;
  await other.go('/env/development/flags');
  const mine = me.page.getByRole('switch', { name: 'dark-mode: on by default' });
  const theirs = other.page.getByRole('switch', { name: 'dark-mode: on by default' });
  const before = await mine.isChecked();
  const asked = [];
  me.page.on('request', (request) => asked.push(new URL(request.url()).pathname));
  await theirs.click({ force: true });
  await until('shown', async () => (await mine.isChecked()) === !before);
  assert.ok(!asked.includes('/readyz'), `the stream told of it, no poll: ${asked}`);
  await other.close();
  await me.close();
});

flow('without event streams a change elsewhere is seen by asking now and then', async () => {
  const me = await person(server, { expected: [/ERR_FAILED/] });
  await me.page.route('**/events', (route) => route.abort());
  await me.go('/env/development/flags');
  const toggle = me.page.getByRole('switch', { name: 'dark-mode: on by default' });
  const before = await toggle.isChecked();
  await server.call('PATCH', '/api/v1/environments/development/flags/dark-mode', { defaultEnabled: !before }, { 'If-Match': '*' });
  await until('shown', async () => (await toggle.isChecked()) === !before);
  await me.close();
});

flow('the usage of a flag is shown by variation, tenant and hour', async () => {
  const me = await person(server);
  const minute = new Date(Date.now() - 2 * 3_600_000).toISOString();
  const record = (variation, tenantId, count) => ({ minute, flagKey: 'new-checkout', variation, tenantId, count });
  await server.call('POST', '/api/v1/usage', { client: 'shop-1', records: [record('on', 'acme', 1200), record('off', 'acme', 300), record('off', 'globex', 500)] }, { 'Guidon-Environment': 'production' });
  await me.go('/env/production/flags/new-checkout/usage');
  const row = (name) => me.page.getByRole('row').filter({ has: me.page.getByRole('rowheader', { name }) });
  await row('on').waitFor();
  assert.deepEqual(await row('on').getByRole('cell').allInnerTexts(), ['1,200', '0', '60%']);
  assert.deepEqual(await row('off').getByRole('cell').allInnerTexts(), ['800', '0', '40%']);
  assert.deepEqual(await row('acme').getByRole('cell').allInnerTexts(), ['1,500', '0', '75%']);
  const hours = me.page.getByRole('img', { name: 'Evaluations by variation over time' });
  assert.equal(await hours.locator('g').count(), 24);
  assert.match(await hours.locator('g', { has: me.page.locator('rect:nth-of-type(3)') }).locator('title').textContent(), /2,000\noff 800\non 1,200$/);
  await me.page.getByText('30 days', { exact: true }).click();
  await until('by days', async () => (await hours.locator('g').count()) === 30);
  assert.deepEqual(await row('on').getByRole('cell').allInnerTexts(), ['1,200', '0', '60%']);
  await me.close();
});
