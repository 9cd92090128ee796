/**
 * `npm run study [-- --only TEXT] [--most N] [--list]`
 *
 * Objectives compared in the sample world at equal candidates and optimizer steps, each with settings chosen the same way:
 * docs/study.md has what came of it, docs/data/study/results.jsonl every number. A cell that is in the file is not made
 * again; a study that is stopped goes on with the one it was in, and each rewrites the page's tables. --only: cells whose
 * line in the list contains the text; --most: so many cells; --list: what is planned and what is there.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { asError } from '../src/errors.ts';
import { mean } from '../src/mean.ts';
import { type Cell, runCell } from './study/cell.ts';
import { openLab } from './study/lab.ts';
import { writeLook, writePictures } from './study/pictures.ts';
import { plannedCells } from './study/plan.ts';
import { openResults } from './study/results.ts';
import { studyScenes } from './study/scenes.ts';
import { withTables } from './study/tables.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
const { only, most, list } = optionsOf(process.argv.slice(2));
const DATA = path.join(ROOT, 'docs', 'data', 'study');
const results = openResults(path.join(DATA, 'results.jsonl'));
const PAGE = path.join(ROOT, 'docs', 'study.md');
/** The page's tables and its pictures, of what is there. */
function show(): void {
  writeFileSync(PAGE, withTables(readFileSync(PAGE, 'utf8'), results));
  writePictures(DATA, results);
}
const labelOf = ({ part, arm, seed, train }: Cell) => {
  const told = train ? `, learning rate ${train.learningRate}, beta ${train.beta ?? '-'}` : '';
  return `${part}: ${arm}, seed ${seed}${told}`;
};
const planned = () => plannedCells(results).filter((cell) => labelOf(cell).includes(only));
const asked = planned();
if (asked.length === 0) refuse(`--only "${only}" is in no line of --list`);

if (list) {
  for (const cell of asked) console.log(`${results.of(cell) ? 'there  ' : 'planned'} ${labelOf(cell)}`);
  process.exit();
}

show();
const lab = await openLab();
const scenes = studyScenes();
const started = Date.now();
for (let made = 0; made < most; made++) {
  const missing = planned().filter((cell) => !results.of(cell));
  const cell = missing[0];
  if (!cell) break;
  const minutes = Math.round((missing.length * (Date.now() - started)) / Math.max(1, made) / 60_000);
  const left = made > 0 ? `, about ${minutes} minutes left of those known` : '';
  console.log(`${new Date().toISOString()} ${labelOf(cell)} (${missing.length} to make${left})`);
  const result = await runCell(lab, scenes, cell, path.join(ROOT, '.diptych', 'study'), {
    onStep(done) {
      if (done % 50 === 0) console.log(`  step ${done}`);
    },
    onDrawn: (guidance, images) => writeLook(DATA, cell, guidance, images),
  });
  results.add(cell, result, lab.machine);
  show();
  console.log(`  reward ${mean(result.measured.reward!).toFixed(4)}`);
}
const missing = planned().filter((cell) => !results.of(cell)).length;
console.log(missing === 0 ? 'nothing is missing' : `${missing} cells are missing`);

function optionsOf(args: string[]) {
  try {
    const { values } = parseArgs({
      args,
      options: {
        only: { type: 'string', default: '' },
        most: { type: 'string', default: 'Infinity' },
        list: { type: 'boolean', default: false },
      },
    });
    const most = Number(values.most);
    if (!(most === Number.POSITIVE_INFINITY || Number.isSafeInteger(most)) || most < 0)
      refuse(`--most is "${values.most}", must be a whole number of cells`);
    return { ...values, most };
  } catch (thrown) {
    return refuse(asError(thrown).message);
  }
}

function refuse(why: string): never {
  console.error(`${why}\nnpm run study [-- --only TEXT] [--most N] [--list]`);
  process.exit(2);
}
