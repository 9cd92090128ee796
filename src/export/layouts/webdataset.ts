/**
 * webdataset tars for diffusers' ORPO trainer, which reads labels as text and so never exchanges the images: the winner
 * is always image 0.
 */
import { closeSplits, type Layout, openSplits } from '../layout.ts';
import type { CandidatePair } from '../pairs.ts';
import type { ExportAnnotation } from '../rows.ts';
import type { Shard } from '../shards.ts';
import { fileSink } from '../sink.ts';
import type { Field, Of } from '../table.ts';
import { TAR_END, tarEntry } from '../tar.ts';
import { LABEL_SOURCE } from './common-fields.ts';

interface SampleSource {
  annotation: ExportAnnotation;
  pair: CandidatePair;
  winner: Uint8Array;
  loser: Uint8Array;
  version: string;
}

/** As text: loaders that guess types from single samples take 1 for another type than 0.5. */
function details({ annotation, pair, version }: SampleSource): string {
  const both = <T>(of: (candidate: CandidatePair['winner']) => T) => [of(pair.winner), of(pair.loser)];
  return JSON.stringify({
    annotation_id: annotation.imgId,
    uids: [pair.winnerUid, pair.loserUid],
    seeds: both(({ seed }) => seed),
    rewards: both(({ reward }) => reward),
    margin: pair.margin,
    metrics: both(({ scores }) => scores),
    label_source: LABEL_SOURCE.of({ pair }),
    votes: pair.votes && [pair.votes.winner, pair.votes.loser, pair.votes.neither],
    dataset_version: version,
  });
}

const FIELDS: readonly Of<SampleSource, Field>[] = [
  {
    name: 'original_prompt.txt',
    type: 'text',
    about: 'text made from the scene graph',
    of: (s) => s.annotation.prompt,
  },
  {
    name: 'jpg_0.jpg',
    type: 'image',
    about: 'the better image (PNG; the readers sniff the format)',
    of: (s) => s.winner,
  },
  { name: 'jpg_1.jpg', type: 'image', about: 'the worse image', of: (s) => s.loser },
  { name: 'label_0.txt', type: 'text', about: 'always 1', of: () => '1' },
  { name: 'label_1.txt', type: 'text', about: 'always 0', of: () => '0' },
  {
    name: 'details.txt',
    type: 'text',
    about:
      'JSON: annotation_id, uids, seeds, rewards, margin and raw scores, the winner first; label_source; votes for the winner, the loser and neither, or null; dataset_version',
    of: details,
  },
];

interface Sample {
  /** What the names of its entries begin with, up to the first dot. */
  key: string;
  source: SampleSource;
}

async function openTar(path: string): Promise<Shard<Sample>> {
  const sink = fileSink(path);
  let rows = 0;
  return {
    async write({ key, source }) {
      for (const { name, of } of FIELDS) {
        const value = of(source);
        const content = typeof value === 'string' ? Buffer.from(value) : (value as Uint8Array);
        for (const bytes of tarEntry(`${key}.${name}`, content)) sink.write(bytes);
      }
      rows++;
    },
    async close() {
      sink.write(TAR_END);
      return { path, rows, ...sink.close() };
    },
  };
}

export const webdataset: Layout = {
  title: 'Preference pairs (webdataset)',
  about:
    "One sample per pair in tar files, for diffusers' ORPO trainer (`train_diffusion_orpo_sdxl_lora_wds.py`); the winner is always image 0.",
  fields: () => FIELDS,
  tellsTies: false,
  isParquet: false,
  filesOf: (split) => `data/${split}-*.tar`,
  async open(folder, { version }) {
    const splits = await openSplits(folder, 'tar', openTar);
    const rows = { train: 0, validation: 0 };
    return {
      async write({ annotation, split, pairs, image }) {
        for (const pair of pairs) {
          const [winner, loser] = [await image(pair.winner.sha256), await image(pair.loser.sha256)];
          const key = String(rows[split]++).padStart(9, '0');
          const source = { annotation, pair, winner, loser, version };
          await splits[split].write({ key, source }, winner.length + loser.length);
        }
      },
      close: () => closeSplits(folder, splits),
    };
  },
};
