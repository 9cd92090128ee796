/** `npm start`: the service until it is told to stop. */
import { DiptychError } from '../errors.ts';
import { stopAsked } from '../process-end.ts';
import { places } from '../store/places.ts';
import { startService } from './service.ts';

export async function start(): Promise<number> {
  const stopped = stopAsked();
  const starting = startService({ home: places().home, log: (line) => console.error(line) });
  const service = await starting.catch((thrown) => {
    if (!(thrown instanceof DiptychError)) throw thrown;
    console.error(thrown.message);
  });
  if (!service) return 1;
  console.log(`Diptych listens on ${service.url}`);
  console.log(`  API pages    ${service.url}/docs`);
  console.log(`  runs, reports ${service.url}/`);
  await stopped;
  console.log('stopping ...');
  await service.stop();
  return 0;
}
