/** `node setup/launch.mjs` builds the pages into ui/dist; `npm run pages` serves them with live changes. */
import { defineConfig } from 'vite';

/** Of a running service, for `npm run pages`. */
const service = process.env.DIPTYCH_URL ?? 'http://127.0.0.1:8080';

export default defineConfig({
  root: import.meta.dirname,
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: 'es2023',
    // With light-dark(), which is left as it is.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    // Nothing is inlined, so that a content-security policy needs no data: or 'unsafe-inline'.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: Object.fromEntries(['/v1', '/docs', '/reports'].map((path) => [path, service])) },
});
