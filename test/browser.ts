/** The browser of tests and screenshots: the machine's Chromium, driven by playwright-core, which downloads none. */
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
export const CHROMIUM = process.env.DIPTYCH_CHROMIUM ?? PLACES.find((place) => existsSync(place));

/** Why tests of the pages can't run here; false: they can. */
export const NO_BROWSER =
  CHROMIUM === undefined &&
  'there is no Chromium: `apt-get install chromium`, or name one in DIPTYCH_CHROMIUM';

/** Milliseconds that a page may take for anything on a machine that has other work too; a test has an end of its own. */
const PATIENCE = 100_000;

/** Its pages wait longer than playwright's usual half a minute. */
export async function openBrowser(): Promise<Browser> {
  // Root, as in containers, may not use the sandbox.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  const browser = await chromium.launch({ executablePath: CHROMIUM!, args });
  const newPage = browser.newPage.bind(browser);
  browser.newPage = async (options) => {
    const page = await newPage(options);
    page.setDefaultTimeout(PATIENCE);
    return page;
  };
  return browser;
}
