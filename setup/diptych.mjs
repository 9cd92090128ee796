#!/usr/bin/env node
/** The `diptych` command from any folder: `npm link` puts it on the PATH (docs/cli.md). */
process.argv.splice(2, 0, 'src/cli/main.ts');
await import('./launch.mjs');
