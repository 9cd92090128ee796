/** `diptych start`: the service until it is told to stop. */
import { stopAsked } from '../process-end.ts';
import { places } from '../store/places.ts';
import { type Asked, EXIT } from './command.ts';
import { startService } from './service.ts';

export async function start({ out }: Asked): Promise<number> {
  const stopped = stopAsked();
  const { url, stop } = await startService({ home: places().home, log: (line) => console.error(line) });
  out.result(
    { url },
    [`Diptych listens on ${url}`, `  API pages    ${url}/docs`, `  runs, reports ${url}/`].join('\n'),
    { isLine: true },
  );
  await stopped;
  out.note('stopping ...');
  await stop();
  return EXIT.done;
}
