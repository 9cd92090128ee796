/** Every parser of foreign bytes answers broken ones with a value or an error that has a code, and soon. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { readAnnotations } from '../../src/annotations/records.ts';
import { decodeImage } from '../../src/engine/png.ts';
import { readTensors, writeSafetensors } from '../../src/engine/safetensors.ts';
import { DiptychError } from '../../src/errors.ts';
import { readPickapic } from '../../src/import/pickapic.ts';
import { createRandom, hashSeed } from '../../src/random.ts';
import { writePickapic } from '../import/made-up-pickapic.ts';
import { scenes } from '../scenes.ts';
import { temporaryFolder } from '../temporary.ts';
import { mutated } from './mutate.ts';

const CORPUS = path.join(import.meta.dirname, 'corpus');
/** The same files every time, unless another seed is asked for. */
const SEED = Number(process.env.DIPTYCH_FUZZ_SEED ?? 1);
const SECONDS = Number(process.env.DIPTYCH_FUZZ_SECONDS ?? 3);
/** An answer that takes longer is a hang. */
const PATIENCE_MS = 10_000;
const folder = await temporaryFolder({ after });

interface Parser {
  seeds(): Promise<Buffer[]>;
  parse(bytes: Buffer): Promise<unknown>;
}

async function* pieces(bytes: Buffer) {
  for (let from = 0; from < bytes.length; from += 100) yield bytes.subarray(from, from + 100);
}

const image = () =>
  sharp({ create: { width: 24, height: 16, channels: 4, background: { r: 200, g: 30, b: 90, alpha: 0.5 } } });

const PARSERS: Record<string, Parser> = {
  annotations: {
    async seeds() {
      const records = scenes(3);
      const lines = Buffer.from(records.map((record) => JSON.stringify(record)).join('\n'));
      return [Buffer.from(JSON.stringify(records)), lines, gzipSync(lines)];
    },
    async parse(bytes) {
      for await (const { problem } of readAnnotations(pieces(bytes)))
        if (problem) assert.ok(problem.reason.length > 0);
    },
  },
  safetensors: {
    async seeds() {
      const file = path.join(folder, 'good.safetensors');
      await writeSafetensors(file, {
        a: { shape: [2, 3], dtype: 'float32', data: new Float32Array(6) },
        b: { shape: [], dtype: 'int32', data: new Int32Array(1) },
        none: { shape: [0, 4], dtype: 'float32', data: new Float32Array(0) },
      });
      return [await readFile(file)];
    },
    async parse(bytes) {
      const file = path.join(folder, 'broken.safetensors');
      await writeFile(file, bytes);
      return readTensors(file);
    },
  },
  parquet: {
    async seeds() {
      const file = path.join(folder, 'good.parquet');
      await writePickapic(file, 3);
      return [await readFile(file)];
    },
    async parse(bytes) {
      const file = path.join(folder, 'broken.parquet');
      await writeFile(file, bytes);
      return Array.fromAsync(readPickapic(file, 'broken.parquet'));
    },
  },
  images: {
    seeds: () =>
      Promise.all([
        image().png().toBuffer(),
        image().png({ palette: true }).toBuffer(),
        image().flatten().jpeg().toBuffer(),
        image().flatten().jpeg({ progressive: true }).toBuffer(),
        image().webp().toBuffer(),
        image().webp({ lossless: true }).toBuffer(),
      ]),
    parse: (bytes) => decodeImage(bytes),
  },
};

/** Why a case is answered badly; null when it is not. */
async function complaint({ parse }: Parser, bytes: Buffer): Promise<string | null> {
  let timer: NodeJS.Timeout | undefined;
  const hang = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`no answer within ${PATIENCE_MS / 1000} s`), PATIENCE_MS);
  });
  const answer = parse(bytes).then(
    () => null,
    (thrown) => (thrown instanceof DiptychError ? null : `threw ${thrown?.stack ?? thrown}`),
  );
  return Promise.race([answer, hang]).finally(() => clearTimeout(timer));
}

for (const [name, parser] of Object.entries(PARSERS)) {
  const kept = path.join(CORPUS, name);

  test(`${name}: what was once answered badly is answered well`, async () => {
    for (const file of await readdir(kept).catch(() => []))
      assert.equal(await complaint(parser, await readFile(path.join(kept, file))), null, file);
  });

  test(`${name}: good input is taken, and broken input is answered (seed ${SEED})`, async () => {
    const seeds = await parser.seeds();
    for (const seed of seeds) await parser.parse(seed);
    const random = createRandom(hashSeed(SEED, name));
    let tried = 0;
    for (const end = Date.now() + 1000 * SECONDS; Date.now() < end || tried < 100; tried++) {
      const bytes = mutated(seeds, random);
      const wrong = await complaint(parser, bytes);
      if (wrong === null) continue;
      const file = path.join(kept, createHash('sha256').update(bytes).digest('hex').slice(0, 16));
      await mkdir(kept, { recursive: true });
      await writeFile(file, bytes);
      assert.fail(`${wrong}\nkept as ${file}`);
    }
  });
}
