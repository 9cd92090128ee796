/** One export of the bench's data (arguments: folder of images, folder to make); tells its time and peak memory. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { readVersion } from '../../src/export/dataset-version.ts';
import { writeExport } from '../../src/export/export.ts';
import { annotations, POLICY } from './data.ts';

const [blobs, folder] = process.argv.slice(2) as [string, string];
const start = performance.now();
const { version } = await readVersion(POLICY, annotations());
await writeExport({
  annotations: annotations(),
  load: (sha256) => readFile(path.join(blobs, sha256)),
  policy: POLICY,
  version,
  layouts: ['images'],
  writer: 'hyparquet-writer',
  folder,
  run: '',
  votes: 0,
  facts: {},
  command: () => '',
  onAnnotation() {},
});
const seconds = (performance.now() - start) / 1000;
process.send!({ seconds, peakMegabytes: process.resourceUsage().maxRSS / 1000 });
process.disconnect();
