/** The last models of a kind, by folder and version; a changed folder is loaded again. */

export interface ModelCache<M> {
  get(folder: string, version: string): Promise<M>;
}

export function modelCache<M extends { dispose(): void }>(
  load: (folder: string) => Promise<M>,
  most: number,
): ModelCache<M> {
  const held = new Map<string, M>();
  return {
    async get(folder, version) {
      const key = `${folder}\0${version}`;
      const known = held.get(key);
      if (known) return known;
      const model = await load(folder);
      held.set(key, model);
      for (const old of [...held.keys()].slice(0, -most)) {
        held.get(old)!.dispose();
        held.delete(old);
      }
      return model;
    },
  };
}
