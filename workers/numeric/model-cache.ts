/** The last models of a kind, by where they lie and version; what has changed is loaded again. */

export interface ModelCache<Source, M> {
  get(source: Source, version: string): Promise<M>;
}

export function modelCache<Source, M extends { dispose(): void }>(
  load: (source: Source) => Promise<M>,
  most: number,
): ModelCache<Source, M> {
  const held = new Map<string, M>();
  return {
    async get(source, version) {
      const key = `${JSON.stringify(source)} ${version}`;
      const known = held.get(key);
      if (known) return known;
      const model = await load(source);
      held.set(key, model);
      for (const old of [...held.keys()].slice(0, -most)) {
        held.get(old)!.dispose();
        held.delete(old);
      }
      return model;
    },
  };
}
