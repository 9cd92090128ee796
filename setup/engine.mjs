/**
 * Builds the native engine: the N-API binding of @tensorflow/tfjs-node-gpu, from the package's own sources with
 * binding.patch and this project's operations (src/engine/native), against the TensorFlow libraries of PyPI wheels (wheels.mjs). Everything
 * goes to .engine/cpu or .engine/cuda; node_modules gets a link. Needs python3 with pip, and g++. Where it can't be built, the WASM engine is
 * used and a line says why.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { applyPatch } from './patch.mjs';
import { chooseWheels, hasNvidiaGpu } from './wheels.mjs';

const LIBRARIES = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'];

/** Two libraries and the headers that the sources include, out of 15 000 files. */
const HEADERS =
  'tensorflow/c|tensorflow/core/platform|tensorflow/core/common_runtime/next_pluggable_device/c|tsl/platform|xla/tsl/c';
/**
 * Of NVIDIA's wheels the libraries, and the assembler that TensorFlow calls for kernels it makes at run time. TensorFlow
 * looks for them in ../nvidia/PART beside its own libraries, so where they are unpacked is all the path they need.
 */
const UNPACK = `
import os, re, sys, zipfile
wanted = re.compile(r'tensorflow/(libtensorflow_(cc|framework)\\.so\\.2|THIRD_PARTY_NOTICES\\.txt|include/(${HEADERS})/.*\\.h)$'
    r'|nvidia/[^/]+/lib/[^/]+\\.so[.0-9]*$|nvidia/cuda_nvcc/(bin/ptxas|nvvm/libdevice/.*)$')
for file in sys.argv[2:]:
    wheel = zipfile.ZipFile(file)
    for name in wheel.namelist():
        if wanted.match(name):
            path = wheel.extract(name, sys.argv[1])
            if '/bin/' in name: os.chmod(path, 0o755)
`;

const CHECK = `
const tf = require('@tensorflow/tfjs-node-gpu');
const product = tf.matMul(tf.tensor2d([1, 2, 3, 4], [2, 2]), tf.tensor2d([5, 6, 7, 8], [2, 2])).dataSync();
if ([...product].join() !== '19,22,43,50') throw new Error('2 x 2 matmul gave ' + product);
`;

/** Returns whether the native engine is there. Never throws: without it everything still runs, slower. */
export async function ensureEngine({ root, node, log }) {
  const override = process.env.DIPTYCH_TENSORFLOW;
  const machine = { platform: process.platform, arch: process.arch, gpu: hasNvidiaGpu(), override };
  const link = linkTo(root);
  try {
    const choice = chooseWheels(machine);
    try {
      build({ root, node, log, link, choice });
    } catch (error) {
      if (choice.variant === 'cpu' || override) throw error;
      log(`TensorFlow with CUDA could not be set up: ${reasonOf(error)}`);
      log('going on with the one for the CPU. DIPTYCH_TENSORFLOW=cpu keeps to it without trying again.');
      build({ root, node, log, link, choice: chooseWheels({ ...machine, gpu: false }) });
    }
    return true;
  } catch (error) {
    fs.rmSync(link, { force: true });
    log(`the native engine could not be built: ${reasonOf(error)}`);
    log(
      'going on with WASM: about 5 times slower sampling, training slower still. `npm run diptych doctor` helps.',
    );
    return false;
  }
}

/** Where the package looks for its binding. */
const linkTo = (root) => path.join(path.dirname(manifestIn(root)), 'lib', 'napi-v8', 'tfjs_binding.node');

const manifestIn = (root) =>
  createRequire(path.join(root, 'package.json')).resolve('@tensorflow/tfjs-node-gpu/package.json');

function build({ root, node, log, link, choice }) {
  const require = createRequire(path.join(root, 'package.json'));
  const manifest = manifestIn(root);
  const folder = path.join(root, '.engine', choice.variant);
  const binding = path.join(folder, 'tfjs_binding.node');
  // What the binding exports beyond the package's own: functions of TensorFlow (src/engine/native/functions.cc).
  const patch = path.join(root, 'setup', 'binding.patch');
  const operations = sourcesIn(path.join(root, 'src', 'engine', 'native'));
  const libraries = stamped(path.join(folder, 'libraries.json'), {
    wheels: choice.wheels,
    headers: HEADERS,
    arch: process.arch,
  });
  const built = stamped(path.join(folder, 'binding.json'), {
    libraries: libraries.wanted,
    tfjs: require(manifest).version,
    patch: hashOf([patch]),
    operations: hashOf(operations),
    processor: os.cpus()[0]?.model,
  });
  if (built.there() && fs.existsSync(link) && fs.realpathSync(link) === fs.realpathSync(binding)) return;
  if (!built.there()) {
    checkTools();
    if (!libraries.there()) {
      fetchLibraries({ root, folder, log, choice });
      libraries.note();
    }
    log('compiling the native engine (half a minute) ...');
    const headers = require('node-api-headers').include_dir;
    compile({ folder, binding, source: patchedSource(manifest, patch, folder), headers, operations });
  }
  fs.mkdirSync(path.dirname(link), { recursive: true });
  fs.rmSync(link, { force: true });
  fs.symlinkSync(path.relative(path.dirname(link), binding), link);
  // In a process of its own: a binding that crashes must not take the set-up with it.
  run(node, ['-e', CHECK], { cwd: root, env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2' } });
  built.note();
}

/** A file that says what the things beside it were made from. */
function stamped(file, facts) {
  const wanted = JSON.stringify(facts);
  return {
    wanted,
    there: () => fs.existsSync(file) && fs.readFileSync(file, 'utf8') === wanted,
    note: () => fs.writeFileSync(file, wanted),
  };
}

const sourcesIn = (folder) =>
  fs
    .readdirSync(folder)
    .filter((name) => /\.(cc|h)$/.test(name))
    .sort()
    .map((name) => path.join(folder, name));

function hashOf(files) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(fs.readFileSync(file));
  return hash.digest('hex');
}

function checkTools() {
  for (const [command, args, hint] of [
    ['python3', ['-m', 'pip', '--version'], 'install python3 with pip'],
    ['g++', ['--version'], 'install g++'],
  ]) {
    try {
      run(command, args);
    } catch {
      throw new Error(`"${command} ${args.join(' ')}" does not run (${hint})`);
    }
  }
}

function fetchLibraries({ root, folder, log, choice: { wheels, tags, download: size } }) {
  log(`fetching ${wheels[0].replace('==', ' ')} (${size} to download) ...`);
  fs.mkdirSync(path.join(root, '.engine'), { recursive: true });
  fs.rmSync(folder, { recursive: true, force: true });
  const download = fs.mkdtempSync(path.join(root, '.engine', 'download-'));
  try {
    // Fixed tags: the download does not depend on which Python happens to be installed.
    run('python3', [
      ...['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-deps', '--no-cache-dir'],
      ...['--only-binary=:all:', '--implementation', 'cp', '--python-version', '3.11', '--abi', 'cp311'],
      ...['--abi', 'none', ...tags.flatMap((tag) => ['--platform', tag]), '--dest', download],
      ...wheels,
    ]);
    const files = fs.readdirSync(download).filter((name) => name.endsWith('.whl'));
    run('python3', ['-c', UNPACK, folder, ...files.map((name) => path.join(download, name))]);
  } finally {
    fs.rmSync(download, { recursive: true, force: true });
  }
  for (const name of LIBRARIES) {
    try {
      run('strip', ['--strip-unneeded', path.join(folder, 'tensorflow', name)]);
    } catch {
      // Only larger without it.
    }
  }
}

/** A copy of the package's sources with the patch: what node_modules holds stays as it is. */
function patchedSource(manifest, patch, folder) {
  const source = path.join(folder, 'source');
  fs.rmSync(source, { recursive: true, force: true });
  fs.cpSync(path.join(path.dirname(manifest), 'binding'), path.join(source, 'binding'), { recursive: true });
  applyPatch(fs.readFileSync(patch, 'utf8'), source);
  return source;
}

/** For this processor (-march=native): the binding is never carried to another machine. */
function compile({ folder, binding, source, headers, operations }) {
  const libraries = path.join(folder, 'tensorflow');
  run(
    'g++',
    [
      ...['-O3', '-march=native', '-fno-math-errno', '-fno-trapping-math', '-fPIC', '-shared', '-pthread'],
      ...['-std=c++17', '-DNAPI_VERSION=8', '-w'],
      ...['binding/tfjs_backend.cc', 'binding/tfjs_binding.cc'],
      ...operations.filter((file) => file.endsWith('.cc')),
      ...['-I', headers, '-I', path.join(libraries, 'include'), '-I', '.'],
      ...['-L', libraries, ...LIBRARIES.map((name) => `-l:${name}`)],
      ...['-Wl,-rpath,$ORIGIN/tensorflow', '-Wl,-z,noexecstack', '-o', binding],
    ],
    { cwd: source },
  );
}

function run(command, args, options = {}) {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'], ...options });
}

function reasonOf(error) {
  const text = String(error.stderr ?? '').trim();
  return text.split('\n').at(-1) || error.message.split('\n')[0];
}
