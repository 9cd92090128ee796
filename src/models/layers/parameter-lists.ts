/** Short makers of parameter lists: the names and torch shapes of one layer. */
import type { ParameterSpec } from '../../engine/weights.ts';

export function linear(name: string, input: number, output: number, bias = true): ParameterSpec[] {
  const weight: ParameterSpec = { name: `${name}.weight`, shape: [output, input], kind: 'linear' };
  return bias ? [weight, { name: `${name}.bias`, shape: [output], kind: 'vector' }] : [weight];
}

export function conv(
  name: string,
  input: number,
  output: number,
  size: number,
  bias = true,
): ParameterSpec[] {
  const weight: ParameterSpec = { name: `${name}.weight`, shape: [output, input, size, size], kind: 'conv' };
  return bias ? [weight, { name: `${name}.bias`, shape: [output], kind: 'vector' }] : [weight];
}

/** Group and layer norms alike. */
export function norm(name: string, channels: number): ParameterSpec[] {
  return [
    { name: `${name}.weight`, shape: [channels], kind: 'vector' },
    { name: `${name}.bias`, shape: [channels], kind: 'vector' },
  ];
}

export function embedding(name: string, count: number, width: number): ParameterSpec {
  return { name: `${name}.weight`, shape: [count, width], kind: 'embedding' };
}
