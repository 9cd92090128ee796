/** Exports to the folder of its argument, tells its parent when half of it is written, and then waits to be killed. */
import { exportMadeUp, madeUp } from './made-up.ts';

// Nothing else keeps a waiting process alive.
setInterval(() => {}, 1000);
await exportMadeUp(await madeUp(40), process.argv[2]!, {
  async onAnnotation(done) {
    if (done < 20) return;
    process.send!('half');
    await new Promise(() => {});
  },
});
