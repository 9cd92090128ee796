/** The numeric thread's own side: one call after the other, replies with plain messages. */
import { parentPort, receiveMessageOnPort } from 'node:worker_threads';
import { asError, DiptychError } from '../../src/errors.ts';
import { type PlainError, revive } from './client.ts';
import { type NumericMethods, openNumericMethods } from './methods.ts';

type Request =
  | { id: number; kind: 'abort'; error: PlainError }
  | { id: number; kind: 'call'; method: keyof NumericMethods; argument: never };

const port = parentPort!;
const aborts = new Map<number, AbortController>();
let methods: NumericMethods | null = null;
let queue: Promise<void> = Promise.resolve();

port.on('message', receive);

function receive(request: Request): void {
  if (request.kind === 'abort') aborts.get(request.id)?.abort(revive(request.error));
  else {
    aborts.set(request.id, new AbortController());
    queue = queue.then(() => answer(request));
  }
}

async function answer(request: Extract<Request, { kind: 'call' }>): Promise<void> {
  const { id, method, argument } = request;
  const progress = (message: unknown) => {
    port.postMessage({ id, kind: 'progress', message });
    // Lets an abort in while a method computes without a pause.
    for (let got = receiveMessageOnPort(port); got; got = receiveMessageOnPort(port)) receive(got.message);
  };
  try {
    methods ??= await openNumericMethods();
    const result = await methods[method](argument, { progress, signal: aborts.get(id)!.signal });
    port.postMessage({ id, kind: 'result', result });
  } catch (thrown) {
    const error = asError(thrown);
    const code = error instanceof DiptychError ? error.code : undefined;
    port.postMessage({ id, kind: 'error', error: { code, message: error.message, stack: error.stack } });
  } finally {
    aborts.delete(id);
  }
}
