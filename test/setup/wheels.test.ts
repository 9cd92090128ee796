/** Which TensorFlow a machine gets, from facts about it alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseWheels } from '../../setup/wheels.mjs';

const linux = { platform: 'linux', arch: 'x64', gpu: false };
const names = (machine: Parameters<typeof chooseWheels>[0]) =>
  chooseWheels(machine).wheels.map((wheel) => wheel.split('==')[0]);

test('CUDA comes where there is a GPU and a wheel for it, or where it is asked for', () => {
  for (const [machine, variant, first] of [
    [linux, 'cpu', 'tensorflow-cpu'],
    [{ ...linux, gpu: true }, 'cuda', 'tensorflow'],
    [{ ...linux, gpu: true, override: 'cpu' }, 'cpu', 'tensorflow-cpu'],
    [{ ...linux, override: 'cuda' }, 'cuda', 'tensorflow'],
    [{ ...linux, override: '' }, 'cpu', 'tensorflow-cpu'],
    [{ ...linux, arch: 'arm64', gpu: true }, 'cpu', 'tensorflow'],
  ] as const) {
    assert.equal(chooseWheels(machine).variant, variant, JSON.stringify(machine));
    assert.equal(names(machine)[0], first, JSON.stringify(machine));
  }
});

test('the CPU needs one wheel, CUDA also every library that tensorflow[and-cuda] 2.21.0 names', () => {
  assert.equal(names(linux).length, 1);
  assert.deepEqual(
    names({ ...linux, gpu: true }).slice(1),
    [
      ...['cublas', 'cuda-cupti', 'cuda-nvcc', 'cuda-nvrtc', 'cuda-runtime', 'cudnn', 'cufft', 'curand'],
      ...['cusolver', 'cusparse', 'nccl', 'nvjitlink'],
    ].map((part) => `nvidia-${part}-cu12`),
  );
});

test('the platform tags are those of the processor', () => {
  assert.ok(chooseWheels(linux).tags.includes('manylinux_2_27_x86_64'));
  assert.ok(chooseWheels({ ...linux, arch: 'arm64' }).tags.every((tag) => tag.endsWith('_aarch64')));
});

test('where there is no recipe, the reason quotes what was asked for', () => {
  for (const [machine, message] of [
    [{ ...linux, platform: 'darwin' }, /no recipe for darwin\/x64, only for Linux/],
    [{ ...linux, arch: 'riscv64' }, /no recipe for linux\/riscv64/],
    [{ ...linux, override: 'rocm' }, /DIPTYCH_TENSORFLOW is "rocm"; it can be cpu or cuda/],
    [{ ...linux, arch: 'arm64', override: 'cuda' }, /only for Linux on x64, not arm64/],
  ] as const) {
    assert.throws(() => chooseWheels(machine), { message });
  }
});
