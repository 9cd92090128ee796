/** `diptych sets`: the annotation sets of a service. */
import { type Asked, EXIT, type ServiceValues, serviceOf } from './command.ts';
import { formatTable } from './progress.ts';

export async function sets({ values, out }: Asked<ServiceValues>): Promise<number> {
  const all = await Array.fromAsync(serviceOf(values).annotationSets());
  const rows = all.map(({ name, count }) => [name, count.toLocaleString('en')]);
  out.result(
    all,
    rows.length > 0
      ? formatTable(['set', 'annotations'], rows)
      : 'no annotation set yet; `diptych ingest` makes one',
  );
  return EXIT.done;
}
