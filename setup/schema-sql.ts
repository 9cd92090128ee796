/**
 * `node setup/schema-sql.ts DATABASE_URL`: the SQL that makes prisma/schema.prisma out of nothing, on stdout. For
 * writing migrations, and for the test that the migrations lead to the same place. Works without Prisma's
 * downloaded engine.
 */
import fs from 'node:fs';
import path from 'node:path';
import { PrismaPg } from '@prisma/adapter-pg';
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import { SchemaEngine } from '@prisma/schema-engine-wasm';

const content = fs.readFileSync(path.join(import.meta.dirname, '..', 'prisma', 'schema.prisma'), 'utf8');
const files = [{ path: 'schema.prisma', content }];
// Only asked for its version; nothing in it is read or changed.
const adapter = bindMigrationAwareSqlAdapterFactory(new PrismaPg({ connectionString: process.argv[2] }));
const engine = await SchemaEngine.new({ datamodels: [['schema.prisma', content]] }, () => {}, adapter);
const { stdout } = await engine.diff({
  from: { tag: 'empty' },
  to: { tag: 'schemaDatamodel', files },
  script: true,
  exitCode: false,
  filters: { externalTables: [], externalEnums: [] },
});
process.stdout.write(stdout ?? '');
