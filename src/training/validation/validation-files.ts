/**
 * Measurements of a run on disk: JSON lines, a grid of images each, and TensorBoard events made of both, in a folder of
 * their own, since of two event files in one folder TensorBoard reads on in the later alone. A line is written last, so
 * where there is one, its grid is whole.
 */
import { appendFileSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type RgbImage, tileImages } from '../../engine/image.ts';
import { decodeImage, encodePng } from '../../engine/png.ts';
import { resizeBicubic } from '../../engine/resize.ts';
import { openTelemetry, readTelemetry } from '../telemetry/telemetry.ts';
import { eventFileStart, imageEvent, scalarEvent } from '../telemetry/tensorboard.ts';
import { type ValidationEntry, validationScalars } from './validation-entry.ts';

/** Images of a grid, and of a row of it. */
export const [GRID_IMAGES, GRID_COLUMNS] = [8, 4] as const;
/** Pixels of a side: larger images are shrunk, small ones repeat their pixels. */
const [SMALLEST_SIDE, LARGEST_SIDE] = [96, 256];

export const validationFile = (runFolder: string) => path.join(runFolder, 'validation.jsonl');
export const gridFile = (runFolder: string, step: number) =>
  path.join(runFolder, 'validation', `step-${step}.png`);

/** Measurements there are so far, in order. */
export const readValidation = (runFolder: string) =>
  readTelemetry<ValidationEntry>(validationFile(runFolder));

export interface ValidationFiles {
  /** What was measured up to `fromStep`. */
  kept: ValidationEntry[];
  /** Writes a measurement down. `shown`: its first images. */
  add(entry: ValidationEntry, shown: readonly RgbImage[]): Promise<void>;
}

/** Goes on after `fromStep`: later lines are dropped, and the events are written anew from those that stay. */
export async function openValidationFiles(runFolder: string, fromStep: number): Promise<ValidationFiles> {
  const kept: ValidationEntry[] = [];
  const addLine = await openTelemetry<ValidationEntry>(validationFile(runFolder), fromStep, (entry) => {
    kept.push(entry);
  });
  const folder = path.join(runFolder, 'tensorboard', 'validation');
  const events = path.join(folder, 'events.out.tfevents.0');
  const partial = path.join(runFolder, 'tensorboard-validation.tmp');

  async function addEvents(file: string, entry: ValidationEntry): Promise<void> {
    const png = await readFile(gridFile(runFolder, entry.step));
    const { width, height } = await decodeImage(png);
    appendFileSync(file, scalarEvent(entry.step, entry.at, validationScalars(entry)));
    appendFileSync(file, imageEvent(entry.step, entry.at, 'validation/images', { width, height, png }));
  }

  writeFileSync(partial, eventFileStart(Date.now() / 1000));
  for (const entry of kept) await addEvents(partial, entry);
  mkdirSync(folder, { recursive: true });
  renameSync(partial, events);
  return {
    kept,
    async add(entry, shown) {
      const file = gridFile(runFolder, entry.step);
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(`${file}.tmp`, await encodePng(grid(shown)));
      await rename(`${file}.tmp`, file);
      await addEvents(events, entry);
      addLine(entry);
    },
  };
}

function grid(images: readonly RgbImage[]): RgbImage {
  const { width } = images[0]!;
  const columns = Math.min(GRID_COLUMNS, images.length);
  if (width <= LARGEST_SIDE)
    return tileImages(images, columns, Math.max(1, Math.floor(SMALLEST_SIDE / width)));
  return tileImages(
    images.map((image) => resizeBicubic(image, LARGEST_SIDE, LARGEST_SIDE)),
    columns,
  );
}
