// The pages, in a real browser: node browser.mjs http://127.0.0.1:8080
import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';

const origin = process.argv[2];
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
try {
  for (const viewport of [{ width: 1200, height: 900 }, { width: 390, height: 844 }]) {
    await docs(await browser.newPage({ viewport }));
    console.log(`docs at ${viewport.width}: ok`);
  }
} finally {
  await browser.close();
}

// From the front page to an answer by "try it out", with no request to anybody else and no error on the console.
async function docs(page) {
  const elsewhere = [];
  const wrong = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(origin) && !request.url().startsWith('data:')) elsewhere.push(request.url());
  });
  page.on('console', (message) => { if (message.type() === 'error') wrong.push(message.text()); });
  page.on('pageerror', (error) => wrong.push(error.message));
  await page.goto(`${origin}/`);
  assert.equal(page.url(), `${origin}/docs/`);
  await page.click('#operations-tag-orders');
  for (const operation of ['list', 'create']) await tryOut(page, operation, operation === 'list' ? 200 : 201);
  const width = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(width <= 0, `the page is ${width} px wider than the screen`);
  assert.deepEqual(elsewhere, []);
  assert.deepEqual(wrong, []);
}

async function tryOut(page, operation, status) {
  const block = page.locator(`[id^="operations-orders-orders"][id$="${operation}"]`);
  await block.locator('.opblock-summary-control').click();
  await block.locator('.try-out__btn').click();
  await block.locator('.execute').click();
  const answered = block.locator('.live-responses-table .response-col_status').last();
  await answered.waitFor();
  assert.match(await answered.innerText(), new RegExp(`^${status}`));
  await block.locator('.opblock-summary-control').click();
}
