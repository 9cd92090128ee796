/**
 * The layers of the Inception-v3 that FID is taken with (mseitzer/pytorch-fid, a port of TensorFlow's
 * inception-2015-12-05), up to its last pooling. It differs from torchvision's in its pools alone: mean pools leave
 * padding out, and the last block has a maximum where the others have a mean.
 */

type Size = readonly [height: number, width: number];

export type Layer =
  /** Convolution, batch norm, ReLU. `same`: padded, so that height and width stay. */
  | { kind: 'conv'; name: string; out: number; size: Size; stride: 1 | 2; same: boolean }
  /** 3 x 3. Stride 1 keeps height and width, stride 2 takes whole windows only. */
  | { kind: 'pool'; by: 'max' | 'mean'; stride: 1 | 2 }
  /** Each branch sees the same; their channels stand behind each other. */
  | { kind: 'branches'; branches: readonly (readonly Layer[])[] };

/** All widths of the published network are multiples of it. */
export const PUBLISHED_UNIT = 16;

/** `unit`: 16 is the published network; smaller ones are as deep, but narrower throughout. */
export function inceptionLayers(unit: number): Layer[] {
  const maps = (channels: number) => (channels * unit) / PUBLISHED_UNIT;
  const conv = (name: string, out: number, size: number | Size = 1): Layer => {
    const both: Size = typeof size === 'number' ? [size, size] : size;
    return { kind: 'conv', name, out: maps(out), size: both, stride: 1, same: true };
  };
  const unpadded = (name: string, out: number, stride: 1 | 2): Layer => {
    return { kind: 'conv', name, out: maps(out), size: [3, 3], stride, same: false };
  };
  const pool = (by: 'max' | 'mean', stride: 1 | 2): Layer => ({ kind: 'pool', by, stride });
  const block = (name: string, ...branches: Layer[][]): Layer => ({
    kind: 'branches',
    branches: branches.map((branch) => branch.map((layer) => below(name, layer))),
  });
  const ROW: Size = [1, 7];
  const COLUMN: Size = [7, 1];

  const blockA = (name: string, pooled: number) =>
    block(
      name,
      [conv('branch1x1', 64)],
      [conv('branch5x5_1', 48), conv('branch5x5_2', 64, 5)],
      [conv('branch3x3dbl_1', 64), conv('branch3x3dbl_2', 96, 3), conv('branch3x3dbl_3', 96, 3)],
      [pool('mean', 1), conv('branch_pool', pooled)],
    );
  const blockC = (name: string, inner: number) =>
    block(
      name,
      [conv('branch1x1', 192)],
      [conv('branch7x7_1', inner), conv('branch7x7_2', inner, ROW), conv('branch7x7_3', 192, COLUMN)],
      [
        conv('branch7x7dbl_1', inner),
        conv('branch7x7dbl_2', inner, COLUMN),
        conv('branch7x7dbl_3', inner, ROW),
        conv('branch7x7dbl_4', inner, COLUMN),
        conv('branch7x7dbl_5', 192, ROW),
      ],
      [pool('mean', 1), conv('branch_pool', 192)],
    );
  const split = (name: string): Layer => ({
    kind: 'branches',
    branches: [[conv(`${name}a`, 384, [1, 3])], [conv(`${name}b`, 384, [3, 1])]],
  });
  const blockE = (name: string, by: 'max' | 'mean') =>
    block(
      name,
      [conv('branch1x1', 320)],
      [conv('branch3x3_1', 384), split('branch3x3_2')],
      [conv('branch3x3dbl_1', 448), conv('branch3x3dbl_2', 384, 3), split('branch3x3dbl_3')],
      [pool(by, 1), conv('branch_pool', 192)],
    );

  return [
    ...[unpadded('Conv2d_1a_3x3', 32, 2), unpadded('Conv2d_2a_3x3', 32, 1), conv('Conv2d_2b_3x3', 64, 3)],
    pool('max', 2),
    ...[conv('Conv2d_3b_1x1', 80), unpadded('Conv2d_4a_3x3', 192, 1)],
    pool('max', 2),
    ...[blockA('Mixed_5b', 32), blockA('Mixed_5c', 64), blockA('Mixed_5d', 64)],
    block(
      'Mixed_6a',
      [unpadded('branch3x3', 384, 2)],
      [conv('branch3x3dbl_1', 64), conv('branch3x3dbl_2', 96, 3), unpadded('branch3x3dbl_3', 96, 2)],
      [pool('max', 2)],
    ),
    ...[blockC('Mixed_6b', 128), blockC('Mixed_6c', 160), blockC('Mixed_6d', 160), blockC('Mixed_6e', 192)],
    block(
      'Mixed_7a',
      [conv('branch3x3_1', 192), unpadded('branch3x3_2', 320, 2)],
      [
        conv('branch7x7x3_1', 192),
        conv('branch7x7x3_2', 192, ROW),
        conv('branch7x7x3_3', 192, COLUMN),
        unpadded('branch7x7x3_4', 192, 2),
      ],
      [pool('max', 2)],
    ),
    ...[blockE('Mixed_7b', 'mean'), blockE('Mixed_7c', 'max')],
  ];
}

/** A layer with its block's name before its own. */
function below(block: string, layer: Layer): Layer {
  if (layer.kind === 'conv') return { ...layer, name: `${block}.${layer.name}` };
  if (layer.kind === 'pool') return layer;
  return { ...layer, branches: layer.branches.map((branch) => branch.map((inner) => below(block, inner))) };
}
