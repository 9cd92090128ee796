/** The browser of tests and screenshots: the machine's Chromium, driven by playwright-core, which downloads none. */
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
export const CHROMIUM = process.env.DIPTYCH_CHROMIUM ?? PLACES.find((place) => existsSync(place));

/** Why tests of the pages can't run here; false: they can. */
export const NO_BROWSER =
  CHROMIUM === undefined &&
  'there is no Chromium: `apt-get install chromium`, or name one in DIPTYCH_CHROMIUM';

// Root, as in containers, may not use the sandbox.
export const openBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: CHROMIUM!, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
