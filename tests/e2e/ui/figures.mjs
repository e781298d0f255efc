// SPDX-License-Identifier: Apache-2.0
// Measures the admin UI in a real browser and prints one JSON object: `make bench BENCH=ui` shows it as a table.
//   node figures.mjs [ROUNDS]
import { Server, closeBrowser, openBrowser, person } from './browser.mjs';

const ROUNDS = Number(process.argv[2] ?? 5);
const FLAGS = 10_000;
const PER_REQUEST = 500;
const SCROLL_STEPS = 120;
const SCROLL_PIXELS = 400;
const TYPED = 'flag-04711';

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const say = (text) => process.stderr.isTTY && process.stderr.write(`\r\x1b[K${text}`);

// A first visit, nothing cached: bytes over the wire, and when what the page is for can be seen and used.
async function firstVisit(server) {
  const me = await person(server);
  const { page } = me;
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  let bytes = 0;
  session.on('Network.loadingFinished', ({ encodedDataLength }) => { bytes += encodedDataLength; });
  await page.addInitScript(() => {
    window.seen = {};
    const look = () => {
      if (document.querySelector('[role="row"] [role="switch"]')) {
        // The frame after the one in which it was added has been drawn.
        requestAnimationFrame(() => { window.seen.rows = performance.now(); });
      } else {
        requestAnimationFrame(look);
      }
    };
    requestAnimationFrame(look);
  });
  await page.goto(`${server.url}/env/production/flags`);
  await page.locator('[role="row"] [role="switch"]').first().waitFor();
  await page.getByRole('searchbox').press('b');
  const figures = await page.evaluate(() => ({
    firstPaint: performance.getEntriesByName('first-contentful-paint')[0].startTime,
    rows: window.seen.rows,
  }));
  const visit = { ...figures, kib: bytes / 1024 };
  await me.close();
  return visit;
}

// The longest frames while the list is scrolled by more than two screens a second.
async function scrolling(page) {
  return page.evaluate(async ([steps, pixels]) => {
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    const times = [];
    let last = await frame();
    for (let step = 0; step < steps; ++step) {
      window.scrollBy(0, pixels);
      const now = await frame();
      times.push(now - last);
      last = now;
    }
    times.sort((a, b) => a - b);
    return { median: times[steps / 2], p95: times[Math.floor(steps * 0.95)], longest: times[steps - 1] };
  }, [SCROLL_STEPS, SCROLL_PIXELS]);
}

// From a key to the frame that shows its letter.
async function typing(page) {
  await page.evaluate(() => {
    window.keys = [];
    document.addEventListener('keydown', (event) => {
      if (event.target.type !== 'search') return;
      requestAnimationFrame(() => requestAnimationFrame(() => window.keys.push(performance.now() - event.timeStamp)));
    }, { capture: true });
  });
  await page.getByRole('searchbox').focus();
  await page.keyboard.type(TYPED, { delay: 40 });
  await page.getByText('1 flag', { exact: true }).waitFor();
  const times = await page.evaluate(() => window.keys);
  await page.getByRole('searchbox').fill('');
  await page.getByRole('row').nth(5).waitFor();
  return Math.max(...times);
}

// Until a toggle on one screen has changed what another person's screen shows.
async function toggle(server) {
  const [one, other] = [await person(server), await person(server)];
  const look = (page) => page.getByRole('row').filter({ hasText: 'new-checkout' }).getByRole('switch');
  for (const { go } of [one, other]) await go('/env/development/flags');
  const times = [];
  for (let round = 0; round < ROUNDS; ++round) {
    const before = await look(other.page).isChecked();
    const seen = other.page.evaluate((was) => new Promise((done) => {
      const row = [...document.querySelectorAll('[role="row"]')].find((candidate) => candidate.textContent.includes('new-checkout'));
      const watch = () => (row.querySelector('[role="switch"]').checked === was ? requestAnimationFrame(watch) : done(Date.now()));
      watch();
    }), before);
    const pressed = await one.page.evaluate(() => {
      const row = [...document.querySelectorAll('[role="row"]')].find((candidate) => candidate.textContent.includes('new-checkout'));
      row.querySelector('[role="switch"]').click();
      return Date.now();
    });
    times.push((await seen) - pressed);
    await look(one.page).waitFor();
  }
  await one.close();
  await other.close();
  return times;
}

await openBrowser();
const server = await Server.start();
const visits = [];
for (let round = 0; round < ROUNDS; ++round) {
  say(`first visit ${round + 1} of ${ROUNDS}`);
  visits.push(await firstVisit(server));
}
say('a toggle seen by another browser');
const toggles = await toggle(server);
for (let first = 0; first < FLAGS; first += PER_REQUEST) {
  say(`writing ${FLAGS} flags: ${first}`);
  const flags = Array.from({ length: PER_REQUEST }, (_, index) => ({ flagKey: `flag-${String(first + index).padStart(5, '0')}`, owner: `team-${(first + index) % 40}`, description: 'one of many', defaultEnabled: index % 3 === 0 }));
  await server.call('POST', '/api/v1/environments/staging/import?portions=true', { flags });
}
const me = await person(server);
const scrolls = [];
const keys = [];
for (let round = 0; round < ROUNDS; ++round) {
  say(`list of ${FLAGS} flags, round ${round + 1} of ${ROUNDS}`);
  await me.go('/env/staging/flags');
  await me.page.getByRole('row').nth(5).waitFor();
  scrolls.push(await scrolling(me.page));
  await me.page.evaluate(() => window.scrollTo(0, 0));
  keys.push(await typing(me.page));
}
await me.close();
await server.remove();
await closeBrowser();
say('');
console.log(JSON.stringify({
  rounds: ROUNDS,
  initial_load_kib: median(visits.map(({ kib }) => kib)),
  first_paint_ms: median(visits.map(({ firstPaint }) => firstPaint)),
  flags_shown_ms: median(visits.map(({ rows }) => rows)),
  toggle_seen_ms: median(toggles),
  toggle_seen_worst_ms: Math.max(...toggles),
  scroll_frame_median_ms: median(scrolls.map((scroll) => scroll.median)),
  scroll_frame_p95_ms: median(scrolls.map((scroll) => scroll.p95)),
  scroll_frame_longest_ms: median(scrolls.map((scroll) => scroll.longest)),
  key_to_frame_longest_ms: median(keys),
}));
