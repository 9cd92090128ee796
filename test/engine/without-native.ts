/** For `node --import`: the process has no native TensorFlow, as where its package was never installed. */
import { registerHooks } from 'node:module';

registerHooks({
  resolve(specifier, context, next) {
    if (specifier === '@tensorflow/tfjs-node-gpu') throw new Error('the native package was taken away');
    return next(specifier, context);
  },
});
