/**
 * What a run may name that lies outside of the store: files of this machine, and servers. Where the API asks for keys,
 * those who hold one are not those who own the machine, so both must be what the owner named in the environment.
 */
import { realpath } from 'node:fs/promises';
import path from 'node:path';
import { DiptychError } from '../src/errors.ts';
import { places } from '../src/store/places.ts';
import type { AskedSettings, ImportRequest } from './settings.ts';

/** DIPTYCH_MODELS: folders with models, separated as PATH is. */
const ROOTS = 'DIPTYCH_MODELS';

/** Throws DIPTYCH_INVALID_INPUT for a file or folder outside of the owner's, or a server that is not the owner's. */
export async function checkSafe(settings: AskedSettings): Promise<void> {
  const { generator, scoring } = settings;
  checkServer('settings.generator.url', generator?.url, 'DIPTYCH_GENERATOR_URL');
  checkServer('settings.scoring.endpoint.url', scoring.endpoint?.url, 'DIPTYCH_VISION_URL');
  await checkPaths(namedPaths(settings));
}

/** The same for an import. */
export async function checkSafeImport({ path: from, settings }: ImportRequest): Promise<void> {
  checkServer('settings.scoring.endpoint.url', settings.scoring.endpoint?.url, 'DIPTYCH_VISION_URL');
  await checkPaths({ path: from, ...namedPaths(settings) });
}

async function checkPaths(paths: Record<string, string | undefined>): Promise<void> {
  const roots = await allowedRoots();
  for (const [where, name] of Object.entries(paths)) {
    if (name === undefined || name === 'sample' || (await liesIn(roots, name))) continue;
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      `${where} is "${name}", which is not in a folder that this service takes models from; its owner names those in ${ROOTS}`,
    );
  }
}

/** Every setting that is a path on the server, by its place. */
export function namedPaths(settings: Partial<AskedSettings>): Record<string, string | undefined> {
  const { model, clip, pick, scoring, evaluation, compare } = settings;
  return {
    'settings.model': model,
    'settings.clip': clip,
    'settings.pick': pick,
    'settings.scoring.answerer': scoring?.answerer,
    'settings.scoring.detector': scoring?.detector,
    'settings.scoring.hps': scoring?.hps,
    'settings.scoring.aesthetic': scoring?.aesthetic,
    'settings.scoring.imageReward': scoring?.imageReward,
    'settings.evaluation.inception': evaluation?.inception,
    'settings.evaluation.realImages': evaluation?.realImages,
    'settings.compare.base': compare?.base,
    'settings.compare.tuned': compare?.tuned,
  };
}

/** The owner's, and what runs of this store made. */
async function allowedRoots(): Promise<string[]> {
  const { home } = places();
  const named = (process.env[ROOTS] ?? '').split(path.delimiter).filter((root) => path.isAbsolute(root));
  const there = await Promise.all([path.join(home, 'runs'), ...named].map(real));
  return there.filter((root) => root !== null);
}

/** With links followed: one inside that leads outside is outside. */
async function liesIn(roots: readonly string[], name: string): Promise<boolean> {
  const target = path.isAbsolute(name) ? await real(name) : null;
  if (target === null) return false;
  return roots.some((root) => target === root || target.startsWith(root + path.sep));
}

const real = (name: string): Promise<string | null> => realpath(name).catch(() => null);

function checkServer(where: string, url: string | undefined, variable: string): void {
  const own = URL.parse(process.env[variable] ?? '');
  if (url === undefined || URL.parse(url)?.origin === (own?.origin ?? '')) return;
  throw new DiptychError(
    'DIPTYCH_INVALID_INPUT',
    `${where} is not the server that this service uses; its owner names that in ${variable}`,
  );
}
