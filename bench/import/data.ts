/** The data of the export bench as an export of the layout images, with real JPEGs of about 100 KB. */
import { createHash } from 'node:crypto';
import sharp from 'sharp';
import { readVersion } from '../../src/export/dataset-version.ts';
import { writeExport } from '../../src/export/export.ts';
import type { ExportAnnotation } from '../../src/export/rows.ts';
import { annotations, IMAGE_BYTES, POLICY } from '../export/data.ts';

/** Noise on a gradient: at quality 80 it takes about as much as a photograph of twice its sides. */
const SIDE = 512;
/** Different pictures; a comment makes every file another one. */
const PICTURES = 16;

export async function writeExportOfJpegs(folder: string): Promise<void> {
  const pictures = await Promise.all(Array.from({ length: PICTURES }, (_, n) => picture(n)));
  const images = new Map<string, Buffer>();
  let made = 0;
  async function* withJpegs(): AsyncGenerator<ExportAnnotation> {
    for await (const annotation of annotations()) {
      images.clear();
      const candidates = annotation.candidates.map((candidate) => {
        const bytes = withComment(pictures[made % PICTURES]!, made++);
        const sha256 = createHash('sha256').update(bytes).digest('hex');
        images.set(sha256, bytes);
        return { ...candidate, sha256, width: SIDE, height: SIDE };
      });
      yield { ...annotation, candidates };
    }
  }
  const { version } = await readVersion(POLICY, withJpegs());
  made = 0;
  await writeExport({
    annotations: withJpegs(),
    load: async (sha256) => images.get(sha256)!,
    policy: POLICY,
    version,
    layouts: ['images'],
    writer: 'hyparquet-writer',
    folder,
    run: '00000000-0000-4000-8000-000000000000',
    votes: 0,
    facts: {},
    command: () => '',
    onAnnotation() {},
  });
}

/** Of the best quality that takes no more than IMAGE_BYTES. */
async function picture(seed: number): Promise<Buffer> {
  const noise = { type: 'gaussian' as const, mean: 128, sigma: 20 + (seed % 8) };
  const image = sharp({ create: { width: SIDE, height: SIDE, channels: 3, background: '#888', noise } });
  const pixels = await image.png().toBuffer();
  let [low, high] = [1, 100];
  while (low < high) {
    const quality = Math.ceil((low + high) / 2);
    const { length } = await sharp(pixels).jpeg({ quality }).toBuffer();
    if (length > IMAGE_BYTES) high = quality - 1;
    else low = quality;
  }
  return sharp(pixels).jpeg({ quality: low }).toBuffer();
}

/** After the two bytes that begin a JPEG. */
function withComment(jpeg: Buffer, n: number): Buffer {
  const text = Buffer.from(`image ${n}`);
  const head = Buffer.from([0xff, 0xfe, 0, text.length + 2]);
  return Buffer.concat([jpeg.subarray(0, 2), head, text, jpeg.subarray(2)]);
}
