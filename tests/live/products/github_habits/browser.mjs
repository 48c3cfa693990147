// A person at a headless Chromium: opens an address, says yes on our page, signs in at GitHub's, and ends at the program.
// usage: node browser.mjs ADDRESS LOGIN ENDS_AT; prints what was seen as JSON
import { existsSync } from 'node:fs';
import sparticuz from '@sparticuz/chromium';
import { chromium } from 'playwright-core';

const [address, login, endsAt] = process.argv.slice(2);
const system = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
const executablePath = system || (await sparticuz.executablePath());
const args = system ? ['--no-sandbox', '--headless=new'] : sparticuz.args;
const browser = await chromium.launch({ executablePath, args, headless: true }).catch((error) => {
  console.error(String(error));
  process.exit(3); // there is no browser here
});
const seen = { pages: [], complaints: [] };
try {
  const page = await (await browser.newContext()).newPage();
  page.on('console', (message) => message.type() === 'error' && seen.complaints.push(message.text()));
  // Nobody listens there: that the browser went is what counts.
  page.on('request', (request) => request.url().startsWith(endsAt) && (seen.end = request.url()));
  const opened = await page.goto(address);
  seen.headers = opened.headers();
  seen.asked = await page.locator('body').innerText();
  await page.getByRole('button', { name: /^Yes/ }).click();
  for (let step = 0; step < 6 && !seen.end; step += 1) {
    seen.pages.push(new URL(page.url()).pathname);
    if (await page.locator('input[name=login]').count()) {
      await page.fill('input[name=login]', login);
      await page.fill('input[name=password]', 'any');
    }
    await Promise.allSettled([page.waitForNavigation(), page.locator('button[type=submit]').first().click()]);
  }
} finally {
  await browser.close();
}
console.log(JSON.stringify(seen));
