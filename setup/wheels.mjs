/**
 * Which PyPI wheels hold the TensorFlow libraries for a machine. A pure choice from facts about it, and the finding of
 * the one fact that takes looking: whether there is an NVIDIA GPU.
 *
 * The CUDA wheels were checked for being there and for running on a CPU. They were never run on a GPU.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';

const TENSORFLOW = '2.21.0';
const ARCHITECTURES = { x64: 'x86_64', arm64: 'aarch64' };

/** What `tensorflow[and-cuda]` 2.21.0 asks for, at the CUDA 12.8 versions that are released together. */
const CUDA = {
  'nvidia-cublas-cu12': '12.8.4.1',
  'nvidia-cuda-cupti-cu12': '12.8.90',
  'nvidia-cuda-nvcc-cu12': '12.8.93',
  'nvidia-cuda-nvrtc-cu12': '12.8.93',
  'nvidia-cuda-runtime-cu12': '12.8.90',
  'nvidia-cudnn-cu12': '9.10.2.21',
  'nvidia-cufft-cu12': '11.3.3.83',
  'nvidia-curand-cu12': '10.3.9.90',
  'nvidia-cusolver-cu12': '11.7.3.90',
  'nvidia-cusparse-cu12': '12.5.8.93',
  'nvidia-nccl-cu12': '2.27.7',
  'nvidia-nvjitlink-cu12': '12.8.93',
};

/**
 * @param {{ platform: string, arch: string, gpu: boolean, override?: string }} machine `platform` and `arch` as Node
 *   names them; `override`: `cpu` or `cuda`, what DIPTYCH_TENSORFLOW says
 * @returns {{ variant: 'cpu' | 'cuda', wheels: string[], tags: string[], download: string }} wheels as NAME==VERSION,
 *   the platform tags that pip may take, and how much that is to download
 * Throws an Error that says what to do where there is no recipe.
 */
export function chooseWheels({ platform, arch, gpu, override }) {
  const processor = ARCHITECTURES[arch];
  if (platform !== 'linux' || !processor)
    throw new Error(`there is no recipe for ${platform}/${arch}, only for Linux on x64 and arm64`);
  if (override && override !== 'cpu' && override !== 'cuda')
    throw new Error(`DIPTYCH_TENSORFLOW is "${override}"; it can be cpu or cuda`);
  if (override === 'cuda' && arch !== 'x64')
    throw new Error(`DIPTYCH_TENSORFLOW is "cuda", but CUDA wheels are only for Linux on x64, not ${arch}`);
  // A GPU beside an arm64 processor is left alone: there is no wheel for the two.
  const variant = override || (gpu && arch === 'x64' ? 'cuda' : 'cpu');
  // The wheels' own tags: pip takes no older one for a newer one that it is given.
  const tags = [27, 17, 12].map((minor) => `manylinux_2_${minor}_${processor}`);
  if (variant === 'cpu') {
    // PyPI has no tensorflow-cpu for arm64; what is called tensorflow there has no CUDA either.
    const name = arch === 'x64' ? 'tensorflow-cpu' : 'tensorflow';
    return { variant, wheels: [`${name}==${TENSORFLOW}`], tags, download: '280 MB' };
  }
  const libraries = Object.entries(CUDA).map(([name, version]) => `${name}==${version}`);
  return { variant, wheels: [`tensorflow==${TENSORFLOW}`, ...libraries], tags, download: '3 GB' };
}

/** Whether the driver of an NVIDIA GPU is there and sees one. */
export function hasNvidiaGpu() {
  try {
    if (fs.readdirSync('/proc/driver/nvidia/gpus').length > 0) return true;
  } catch {
    // No such folder: no driver, or one in a container that hides it.
  }
  return spawnSync('nvidia-smi', ['-L'], { stdio: 'ignore' }).status === 0;
}
