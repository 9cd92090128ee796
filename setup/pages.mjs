/** Builds the web pages (ui/) into ui/dist when one of the files that they are made of has changed. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';

/** Sources; of src/ what the pages may import (.dependency-cruiser.cjs). */
const SOURCES = [
  'ui',
  'src/annotations',
  'src/evaluation',
  'src/preference',
  'src/quality',
  'src/scoring',
  'src/errors.ts',
  'src/random.ts',
];

export function ensurePages({ root, node, log }) {
  const built = path.join(root, 'ui', 'dist');
  const stamp = path.join(built, 'built-from');
  const wanted = hashOf(root);
  if (fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === wanted) return;
  log('building the pages ...');
  // Beside the ones that a running service may be sending.
  const fresh = path.join(root, 'ui', `dist-${process.pid}`);
  const vite = path.join(root, 'node_modules', 'vite', 'bin', 'vite.js');
  const result = spawnSync(node, [vite, 'build', 'ui', '--outDir', fresh, '--logLevel', 'error'], {
    cwd: root,
    encoding: 'utf8',
  });
  if (result.status !== 0) {
    console.error(result.stdout, result.stderr);
    throw new Error('vite build failed (its output is above)');
  }
  for (const file of filesOf(fresh).filter((name) => /\.(js|css|html|svg)$/.test(name))) {
    const bytes = fs.readFileSync(file);
    fs.writeFileSync(`${file}.br`, brotliCompressSync(bytes));
    fs.writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }));
  }
  fs.writeFileSync(path.join(fresh, 'built-from'), wanted);
  fs.rmSync(built, { recursive: true, force: true });
  fs.renameSync(fresh, built);
}

function hashOf(root) {
  const hash = createHash('sha256').update(fs.readFileSync(path.join(root, 'package-lock.json')));
  for (const source of SOURCES) {
    for (const file of filesOf(path.join(root, source))) {
      hash.update(path.relative(root, file)).update('\0').update(fs.readFileSync(file));
    }
  }
  return hash.digest('hex');
}

/** All below it in the order of names, or itself; nothing of what was built. */
function filesOf(where) {
  if (!fs.statSync(where).isDirectory()) return [where];
  return fs
    .readdirSync(where, { withFileTypes: true })
    .filter(({ name }) => !/^dist(-|$)/.test(name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap(({ name }) => filesOf(path.join(where, name)));
}
