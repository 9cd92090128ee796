/** Throws, naming file and line, where a file under the folder is not what the patch expects. */
export function applyPatch(patch: string, folder: string): void;
