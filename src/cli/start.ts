/** `npm start`: the service until it is told to stop. */
import { places } from '../store/places.ts';
import { startService } from './service.ts';

export async function start(): Promise<number> {
  const service = await startService({ home: places().home, log: (line) => console.error(line) });
  console.log(`Diptych listens on ${service.url}`);
  console.log(`  API pages    ${service.url}/docs`);
  console.log(`  runs, reports ${service.url}/`);
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  console.log('stopping ...');
  await service.stop();
  return 0;
}
