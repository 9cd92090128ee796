/**
 * Unified diffs, applied strictly: a patch is for one version of its files, and anything else than that very version at
 * the very lines is an error. So the set-up needs no `patch` or `git`, and nothing is ever applied by guess.
 */
import fs from 'node:fs';
import path from 'node:path';

const HUNK = /^@@ -(\d+)(?:,\d+)? \+\d+(?:,\d+)? @@/;

/** Changes the files under a folder that the patch names (`--- a/PATH`). Throws where one is not what it expects. */
export function applyPatch(patch, folder) {
  for (const part of patch.split(/^--- a\//m).slice(1)) {
    const [name, , ...body] = part.split('\n');
    const file = path.join(folder, name);
    fs.writeFileSync(file, patched(name, fs.readFileSync(file, 'utf8'), body));
  }
}

function patched(name, text, body) {
  const source = text.split('\n');
  const result = [];
  // The next line of the source.
  let at = 0;
  for (const line of body) {
    const hunk = HUNK.exec(line);
    if (hunk) {
      const start = Number(hunk[1]) - 1;
      result.push(...source.slice(at, start));
      at = start;
    } else if (line.startsWith('+')) {
      result.push(line.slice(1));
    } else if (line !== '') {
      if (source[at] !== line.slice(1)) {
        throw new Error(
          `the patch does not fit ${name}: line ${at + 1} is "${source[at] ?? ''}" instead of "${line.slice(1)}"`,
        );
      }
      if (line.startsWith(' ')) result.push(source[at]);
      at++;
    }
  }
  return [...result, ...source.slice(at)].join('\n');
}
