/**
 * The kernels on raw TensorFlow operations with hand-written gradients: fewer operations, no intermediate
 * copies, and only what the backward pass needs is kept. Native engine only. Each equals its plain twin to
 * float32 rounding (test/engine/kernels.test.ts), and can be switched off with `openEngine({fast: false})`.
 */

import { bandedConvolution, rowsAtOnce } from './banded-convolution.ts';
import { inBfloat16 } from './bfloat16.ts';
import { type ConvOptions, type Kernels, paddingOf } from './kernels.ts';
import { createPlainKernels } from './plain-kernels.ts';
import { type Attribute, rawOps, remembered } from './raw-ops.ts';
import type { Tensor, Tf } from './tensor.ts';

type Saved = Tensor[];
type Custom = { value: Tensor; gradFunc: (dy: Tensor, saved: Saved) => Tensor | Tensor[] };
/** Gradients that are each computed only where the tape leads on to what is differentiated: none for a frozen weight. */
type CustomEach = { value: Tensor; gradFuncs: ((dy: Tensor, saved: Saved) => Tensor)[] };

export interface FastKernelOptions {
  /** Our own operations have kernels for the CPU alone, so the plain ones stand in for them. */
  onGpu?: boolean;
  /** Products of matrices and convolutions, both ways, in bfloat16 (bfloat16.ts); all else stays float32. */
  bfloat16?: boolean;
}

export function createFastKernels(
  tf: Tf,
  { onGpu = false, bfloat16 = false }: FastKernelOptions = {},
): Kernels {
  const raw = rawOps(tf);
  const { run, runAll, constant, scalar } = raw;
  const multiply = bfloat16 ? inBfloat16(raw) : run;
  const T = [raw.type('T')];
  const int32 = raw.backend.binding.TF_INT32;

  const mul = (a: Tensor, b: Tensor) => run('Mul', T, [a, b]);
  const add = (a: Tensor, b: Tensor) => run('AddV2', T, [a, b]);
  const sub = (a: Tensor, b: Tensor) => run('Sub', T, [a, b]);
  const square = (a: Tensor) => run('Square', T, [a]);
  const sigmoid = (a: Tensor) => run('Sigmoid', T, [a]);
  /** s (1 - s) d for s = sigmoid(x). */
  const sigmoidGrad = (s: Tensor, d: Tensor) => run('SigmoidGrad', T, [s, d]);

  const reshapeT = [raw.type('T'), raw.type('Tshape', int32)];
  const reshape = (x: Tensor, shape: number[]) => run('Reshape', reshapeT, [x, constant(shape)]);
  const permT = [raw.type('T'), raw.type('Tperm', int32)];
  const transpose = (x: Tensor, order: number[]) => run('Transpose', permT, [x, constant(order)]);
  const sumT = (keep: boolean) => [raw.bool('keep_dims', keep), raw.type('T'), raw.type('Tidx', int32)];
  const [dropT, keepT] = [sumT(false), sumT(true)];
  const sum = (x: Tensor, axes: number[], keep = false) =>
    run('Sum', keep ? keepT : dropT, [x, constant(axes)]);

  const flags = (a: string, b: string, x: boolean, y: boolean): Attribute[] => [
    raw.bool(a, x),
    raw.bool(b, y),
    raw.type('T'),
  ];
  const [N, Y] = [false, true];
  const matT = {
    nn: flags('transpose_a', 'transpose_b', N, N),
    nt: flags('transpose_a', 'transpose_b', N, Y),
    tn: flags('transpose_a', 'transpose_b', Y, N),
  };
  const matMul = (a: Tensor, b: Tensor, how: 'nn' | 'nt' | 'tn' = 'nn') =>
    multiply('MatMul', matT[how], [a, b]);
  const batT = {
    nn: flags('adj_x', 'adj_y', N, N),
    nt: flags('adj_x', 'adj_y', N, Y),
    tn: flags('adj_x', 'adj_y', Y, N),
  };
  const batchMatMul = (a: Tensor, b: Tensor, how: 'nn' | 'nt' | 'tn' = 'nn') =>
    multiply('BatchMatMulV2', batT[how], [a, b]);
  const biasT = [raw.type('T'), raw.text('data_format', 'NHWC')];
  const addBias = (x: Tensor, b: Tensor) => run('BiasAdd', biasT, [x, b]);
  const biasGrad = (dy: Tensor) => run('BiasAddGrad', biasT, [dy]);

  /** A function with its own gradient; intermediates of both directions are freed. */
  function custom(inputs: Tensor[], forward: (save: (kept: Tensor[]) => void) => Custom): Tensor {
    const op = tf.customGrad((...args: unknown[]) => {
      const { value, gradFunc } = forward(args.at(-1) as (kept: Tensor[]) => void);
      return { value, gradFunc: (dy: Tensor, saved: Saved) => tf.tidy(() => gradFunc(dy, saved) as never) };
    });
    return (op as unknown as (...args: Tensor[]) => Tensor)(...inputs);
  }

  function customEach(inputs: Tensor[], forward: (save: (kept: Tensor[]) => void) => CustomEach): Tensor {
    let gradFuncs: CustomEach['gradFuncs'];
    return raw.tape.runKernelFunc({
      inputs: { ...inputs },
      forwardFunc(_backend, save) {
        const { value, ...rest } = forward(save);
        gradFuncs = rest.gradFuncs;
        return value;
      },
      backwardsFunc: (dy, saved) => ({ ...gradFuncs.map((gradFunc) => () => gradFunc(dy, saved)) }),
    });
  }

  function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
    const shape = x.shape;
    const [inner, outer] = weight.shape as [number, number];
    const flat = shape.length === 2;
    const rows = (dy: Tensor) => (flat ? dy : reshape(dy, [-1, outer]));
    return customEach(bias ? [x, weight, bias] : [x, weight], (save) => {
      const x2 = flat ? x : reshape(x, [-1, inner]);
      const product = matMul(x2, weight);
      const y = bias ? addBias(product, bias) : product;
      save([x2, weight]);
      return {
        value: flat ? y : reshape(y, [...shape.slice(0, -1), outer]),
        gradFuncs: [
          (dy, [, weight]) => {
            const dx = matMul(rows(dy), weight!, 'nt');
            return flat ? dx : reshape(dx, shape);
          },
          (dy, [x2]) => matMul(x2!, rows(dy), 'tn'),
          (dy) => biasGrad(rows(dy)),
        ],
      };
    });
  }

  const convAttributes = new Map<string, Attribute[]>();
  const convT = (stride: number, same: boolean) =>
    remembered(convAttributes, `${stride}${same}`, () => [
      raw.type('T'),
      raw.ints('strides', [1, stride, stride, 1]),
      raw.text('padding', same ? 'SAME' : 'VALID'),
      raw.text('data_format', 'NHWC'),
      raw.bool('use_cudnn_on_gpu', true),
      raw.ints('dilations', [1, 1, 1, 1]),
    ]);
  const padT = [raw.type('T'), raw.type('Tpaddings', int32)];
  const sliceT = [raw.type('T'), raw.type('Index', int32)];

  function conv2d(x: Tensor, weight: Tensor, bias: Tensor | undefined, options: ConvOptions = {}): Tensor {
    const stride = options.stride ?? 1;
    const [kh, kw, inner, outer] = weight.shape as [number, number, number, number];
    const [top, bottom, left, right] = paddingOf(weight, options.pad);
    if (kh === 1 && kw === 1 && stride === 1 && top + bottom + left + right === 0) {
      return linear(x, reshapeWithGradient(weight, [inner, outer]), bias);
    }
    // TensorFlow's SAME equals torch's symmetric padding only at stride 1; elsewhere pad first.
    const same =
      stride === 1 && top === bottom && left === right && 2 * top === kh - 1 && 2 * left === kw - 1;
    const pads = !same && top + bottom + left + right > 0;
    const attributes = convT(stride, same);
    // A GPU's library chooses its own way.
    const rows = same && !onGpu ? rowsAtOnce(x, weight) : x.shape[1]!;
    return customEach(bias ? [x, weight, bias] : [x, weight], (save) => {
      const source = pads
        ? run('Pad', padT, [x, constant([0, 0, top, bottom, left, right, 0, 0]).reshape([4, 2])])
        : x;
      const product =
        rows < x.shape[1]!
          ? bandedConvolution(tf, x, weight, rows, (band) =>
              multiply('Conv2D', convT(1, false), [band, weight]),
            )
          : multiply('Conv2D', attributes, [source, weight]);
      const y = bias ? addBias(product, bias) : product;
      save([source, weight]);
      return {
        value: y,
        gradFuncs: [
          (dy, [source, weight]) => {
            const dSource = multiply('Conv2DBackpropInput', attributes, [
              constant(source!.shape),
              weight!,
              dy,
            ]);
            return pads
              ? run('Slice', sliceT, [dSource, constant([0, top, left, 0]), constant(x.shape)])
              : dSource;
          },
          (dy, [source, weight]) =>
            multiply('Conv2DBackpropFilter', attributes, [source!, constant(weight!.shape), dy]),
          (dy) => biasGrad(dy),
        ],
      };
    });
  }

  function reshapeWithGradient(x: Tensor, shape: number[]): Tensor {
    const from = x.shape;
    return custom([x], () => ({ value: reshape(x, shape), gradFunc: (dy) => reshape(dy, from) }));
  }

  /** This and the next two are operations of src/engine/native: everything in one pass, and its whole gradient. */
  function normalise(x: Tensor, gamma: Tensor, beta: Tensor, groups: number, eps: number, silu: boolean) {
    const attributes = [raw.int('groups', groups), raw.float('eps', eps), raw.bool('silu', silu)];
    return custom([x, gamma, beta], (save) => {
      const [z, mean, rstd] = runAll('DiptychGroupNorm', attributes, [x, gamma, beta], 3);
      save([x, gamma, beta, mean!, rstd!]);
      return {
        value: z!,
        gradFunc: (dz, saved) => runAll('DiptychGroupNormGrad', attributes, [...saved, dz], 3),
      };
    });
  }

  function layerNorm(x: Tensor, gamma: Tensor, beta: Tensor, eps: number): Tensor {
    const attributes = [raw.float('eps', eps)];
    return custom([x, gamma, beta], (save) => {
      const [y, mean, rstd] = runAll('DiptychLayerNorm', attributes, [x, gamma, beta], 3);
      save([x, gamma, mean!, rstd!]);
      return {
        value: y!,
        gradFunc: (dy, saved) => runAll('DiptychLayerNormGrad', attributes, [...saved, dy], 3),
      };
    });
  }

  function geglu(x: Tensor): Tensor {
    return custom([x], (save) => {
      save([x]);
      return {
        value: run('DiptychGeglu', [], [x]),
        gradFunc: (dy, [x]) => run('DiptychGegluGrad', [], [x!, dy]),
      };
    });
  }

  function swish(x: Tensor, slope: number): Tensor {
    return custom([x], (save) => {
      const s = sigmoid(slope === 1 ? x : mul(x, scalar(slope)));
      save([x, s]);
      return {
        value: mul(x, s),
        gradFunc: (dy, [x, s]) => {
          const through = sigmoidGrad(s!, mul(dy, x!));
          return add(mul(dy, s!), slope === 1 ? through : mul(through, scalar(slope)));
        },
      };
    });
  }

  function gelu(x: Tensor): Tensor {
    return custom([x], (save) => {
      const cdf = add(mul(run('Erf', T, [mul(x, scalar(Math.SQRT1_2))]), scalar(0.5)), scalar(0.5));
      save([x, cdf]);
      return {
        value: mul(x, cdf),
        gradFunc: (dy, [x, cdf]) => {
          const density = mul(
            run('Exp', T, [mul(square(x!), scalar(-0.5))]),
            scalar(1 / Math.sqrt(2 * Math.PI)),
          );
          return mul(dy, add(cdf!, mul(x!, density)));
        },
      };
    });
  }

  /** Keeps the probabilities P; with D = rowsum(dO * O): dS = P (dP - D). */
  function attention(q: Tensor, k: Tensor, v: Tensor, heads: number, mask?: Tensor): Tensor {
    const [batch, queries, channels] = q.shape as [number, number, number];
    const keys = k.shape[1]!;
    const width = channels / heads;
    const scale = scalar(1 / Math.sqrt(width));
    const split = (t: Tensor, n: number) => transpose(reshape(t, [batch, n, heads, width]), [0, 2, 1, 3]);
    const join = (t: Tensor, n: number) => reshape(transpose(t, [0, 2, 1, 3]), [batch, n, channels]);
    return custom([q, k, v], (save) => {
      const [qh, kh, vh] = [split(mul(q, scale), queries), split(k, keys), split(v, keys)];
      const scores = batchMatMul(qh, kh, 'nt');
      const P = run('Softmax', T, [mask ? add(scores, mask) : scores]);
      const O = batchMatMul(P, vh);
      save([qh, kh, vh, P, O]);
      return {
        value: join(O, queries),
        gradFunc: (dy, [qh, kh, vh, P, O]) => {
          const dO = split(dy, queries);
          const dS = mul(P!, sub(batchMatMul(dO, vh!, 'nt'), sum(mul(dO, O!), [3], true)));
          return [
            mul(join(batchMatMul(dS, kh!), queries), scale),
            join(batchMatMul(dS, qh!, 'tn'), keys),
            join(batchMatMul(P!, dO, 'tn'), keys),
          ];
        },
      };
    });
  }

  function upsampleNearest2x(x: Tensor): Tensor {
    const [batch, height, width, channels] = x.shape as [number, number, number, number];
    return custom([x], () => ({
      value: run(
        'ResizeNearestNeighbor',
        [raw.type('T'), raw.bool('align_corners', false), raw.bool('half_pixel_centers', false)],
        [x, constant([2 * height, 2 * width])],
      ),
      gradFunc: (dy) =>
        sum(reshape(dy, [batch * height, 2, width, 2, channels]), [1, 3]).reshape([
          batch,
          height,
          width,
          channels,
        ]),
    }));
  }

  const own: Partial<Kernels> = {
    groupNorm: (x, gamma, beta, groups, eps) => normalise(x, gamma, beta, groups, eps, false),
    groupNormSilu: (x, gamma, beta, groups, eps) => normalise(x, gamma, beta, groups, eps, true),
    layerNorm,
    geglu,
  };
  return {
    ...createPlainKernels(tf),
    ...(onGpu ? {} : own),
    linear,
    conv2d,
    silu: (x) => swish(x, 1),
    gelu,
    quickGelu: (x) => swish(x, 1.702),
    attention,
    upsampleNearest2x,
  };
}
