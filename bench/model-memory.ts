/**
 * Peak memory of a process that loads a UNet and a VAE shaped like those of SD1.5 at half their width (620 MB of
 * weights), and then samples: two DDIM steps with guidance, latents 32 x 32, one image decoded. Each side in a process
 * of its own, by the kernel's high-water mark (VmHWM), beside diffusers doing the same with the same files. In MB;
 * ratio = ours / theirs: below 1 is less.
 */
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { BenchResult } from './run.ts';
import { findTorch } from './torch/peer.ts';
import { reducedSd15, reducedVae, SCHEDULER, writeUnet, writeVae } from './torch/reduced-models.ts';

interface Peaks {
  loaded: number;
  sampled: number;
}

export async function run(): Promise<BenchResult[]> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'diptych-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  await writeUnet(path.join(folder, 'unet'), reducedSd15(128, 384, 32));
  await writeVae(path.join(folder, 'vae'), reducedVae(64, 256));
  await writeFile(path.join(folder, 'scheduler.json'), JSON.stringify(SCHEDULER));

  const peaksOf = (command: string, args: string[]): Peaks =>
    JSON.parse(
      execFileSync(command, [...args, folder], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }),
    );
  const script = (name: string) => path.join(import.meta.dirname, 'torch', name);
  const ours = peaksOf(process.execPath, ['--disable-warning=ExperimentalWarning', script('memory.ts')]);
  const torch = findTorch();
  const theirs = torch ? peaksOf(torch, [script('memory.py')]) : null;
  return (['loaded', 'sampled'] as const).map((stage) => ({
    ...{ bench: `model-memory ${stage}`, value: ours[stage], unit: 'MB' },
    ...{ peer: torch && 'diffusers', peerValue: theirs?.[stage] ?? null },
    ratio: theirs && ours[stage] / theirs[stage],
  }));
}
