/** What `diptych models check --case` checks too: from every model folder of the case. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { FOLDER_CHECKS } from '../../src/recorded/index.ts';
import type { ComponentCheck, GoldenCase } from '../golden.ts';
import { engine } from './tensors.ts';

export const components: Record<string, ComponentCheck> = Object.fromEntries(
  Object.entries(FOLDER_CHECKS).map(([component, { check }]) => [
    component,
    async (golden: GoldenCase) => {
      for (const name of readdirSync(golden.folder).filter((entry) => entry.startsWith('model'))) {
        await check(engine, golden, path.join(golden.folder, name));
      }
    },
  ]),
);
