/**
 * Builds the native engine: the N-API binding of @tensorflow/tfjs-node-gpu, from the package's own sources,
 * against the TensorFlow libraries of the PyPI wheel. Everything goes to .engine/cpu; node_modules gets a link.
 * Needs python3 with pip, and g++. Where it can't be built, the WASM engine is used and a line says why.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const WHEEL = { name: 'tensorflow-cpu', version: '2.21.0' };
const ARCHITECTURES = { x64: 'x86_64', arm64: 'aarch64' };
const LIBRARIES = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'];

/** Two libraries and the headers that the binding includes, out of 15 000 files. */
const UNPACK = `
import re, sys, zipfile
wanted = re.compile(r'tensorflow/(libtensorflow_(cc|framework)\\.so\\.2|THIRD_PARTY_NOTICES\\.txt|include/(tensorflow/c|tensorflow/core/platform|tsl/platform|xla/tsl/c)/.*\\.h)$')
wheel = zipfile.ZipFile(sys.argv[1])
for name in wheel.namelist():
    if wanted.match(name):
        wheel.extract(name, sys.argv[2])
`;

const CHECK = `
const tf = require('@tensorflow/tfjs-node-gpu');
const product = tf.matMul(tf.tensor2d([1, 2, 3, 4], [2, 2]), tf.tensor2d([5, 6, 7, 8], [2, 2])).dataSync();
if ([...product].join() !== '19,22,43,50') throw new Error('2 x 2 matmul gave ' + product);
`;

/** Returns whether the native engine is there. Never throws: without it everything still runs, slower. */
export async function ensureEngine({ root, node, log }) {
  const require = createRequire(path.join(root, 'package.json'));
  const manifest = require.resolve('@tensorflow/tfjs-node-gpu/package.json');
  const packageFolder = path.dirname(manifest);
  const folder = path.join(root, '.engine', 'cpu');
  const binding = path.join(folder, 'tfjs_binding.node');
  const link = path.join(packageFolder, 'lib', 'napi-v8', 'tfjs_binding.node');
  const stamp = path.join(folder, 'built-from.json');
  const wanted = JSON.stringify({ ...WHEEL, arch: process.arch, tfjs: require(manifest).version });

  const built = fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === wanted;
  if (built && fs.existsSync(link)) return true;
  try {
    if (!built) build({ root, folder, binding, packageFolder, headers: headersOf(require), log });
    fs.mkdirSync(path.dirname(link), { recursive: true });
    fs.rmSync(link, { force: true });
    fs.symlinkSync(path.relative(path.dirname(link), binding), link);
    // In a process of its own: a binding that crashes must not take the set-up with it.
    run(node, ['-e', CHECK], { cwd: root, env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2' } });
    fs.writeFileSync(stamp, wanted);
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

function build({ root, folder, binding, packageFolder, headers, log }) {
  const arch = ARCHITECTURES[process.arch];
  if (process.platform !== 'linux' || !arch) {
    throw new Error(
      `there is no recipe for ${process.platform}/${process.arch}, only for Linux on x64 and arm64`,
    );
  }
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
  log(
    `building the native engine from ${WHEEL.name} ${WHEEL.version} (half a minute, a 270 MB download) ...`,
  );
  fs.mkdirSync(path.join(root, '.engine'), { recursive: true });
  fs.rmSync(folder, { recursive: true, force: true });
  const download = fs.mkdtempSync(path.join(root, '.engine', 'download-'));
  try {
    // Fixed tags: the download does not depend on which Python happens to be installed.
    run('python3', [
      ...['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-deps', '--no-cache-dir'],
      ...['--only-binary=:all:', '--implementation', 'cp', '--python-version', '3.11', '--abi', 'cp311'],
      ...['--platform', `manylinux_2_27_${arch}`, '--dest', download, `${WHEEL.name}==${WHEEL.version}`],
    ]);
    const wheel = fs.readdirSync(download).find((name) => name.endsWith('.whl'));
    run('python3', ['-c', UNPACK, path.join(download, wheel), folder]);
  } finally {
    fs.rmSync(download, { recursive: true, force: true });
  }
  const libraries = path.join(folder, 'tensorflow');
  for (const name of LIBRARIES) {
    try {
      run('strip', ['--strip-unneeded', path.join(libraries, name)]);
    } catch {
      // Only larger without it.
    }
  }
  run(
    'g++',
    [
      ...['-O2', '-fPIC', '-shared', '-std=c++17', '-DNAPI_VERSION=8', '-w'],
      ...['binding/tfjs_backend.cc', 'binding/tfjs_binding.cc'],
      ...['-I', headers, '-I', path.join(libraries, 'include'), '-I', '.'],
      ...['-L', libraries, ...LIBRARIES.map((name) => `-l:${name}`)],
      ...['-Wl,-rpath,$ORIGIN/tensorflow', '-Wl,-z,noexecstack', '-o', binding],
    ],
    { cwd: packageFolder },
  );
}

const headersOf = (require) => require('node-api-headers').include_dir;

function run(command, args, options = {}) {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'], ...options });
}

function reasonOf(error) {
  const text = String(error.stderr ?? '').trim();
  return text.split('\n').at(-1) || error.message.split('\n')[0];
}
