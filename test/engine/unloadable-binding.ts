/** For `node --import`: the native TensorFlow's package is there, its compiled part can't be loaded. */
const load = process.dlopen;

process.dlopen = (module: object, file: string, ...flags) => {
  if (file.endsWith('tfjs_binding.node'))
    throw new Error('libtensorflow_cc.so.2: cannot open shared object file\nand a second line');
  return load.call(process, module, file, ...flags);
};
