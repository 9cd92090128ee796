/**
 * Operations in bfloat16 (the first 16 bits of a float32) on tensors of float32: TensorFlow.js has no such type, so
 * the narrowed inputs and the narrow result stay inside TensorFlow.
 */
import type { Attribute, RawOps } from './raw-ops.ts';
import type { Tensor } from './tensor.ts';

/** TensorFlow's number of the type (DT_BFLOAT16 in its types.proto). */
const BFLOAT16 = 14;

/** As `raw.run` for an operation whose type is its attribute T; int32 inputs are taken as they are. */
export function inBfloat16({ backend, type, bool }: RawOps): RawOps['run'] {
  const T = type('T').name;
  const castAttributes = (from: number, to: number): Attribute[] => [
    type('SrcT', from),
    type('DstT', to),
    bool('Truncate', false),
  ];
  const { TF_FLOAT } = backend.binding;
  const [narrowing, widening] = [castAttributes(TF_FLOAT, BFLOAT16), castAttributes(BFLOAT16, TF_FLOAT)];
  return (name: string, attributes: Attribute[], inputs: Tensor[]) => {
    // Not held above: while a function is traced it is another one.
    const { binding } = backend;
    const execute = (operation: string, of: Attribute[], ids: number[]) =>
      binding.executeOp(operation, of, ids, 1)[0]!;
    const narrow: number[] = [];
    const own = (id: number) => {
      narrow.push(id);
      return id;
    };
    const ids = backend
      .getInputTensorIds(inputs)
      .map((id, i) => (inputs[i]!.dtype === 'float32' ? own(execute('Cast', narrowing, [id]).id) : id));
    const typed = attributes.map((attribute) => (attribute.name === T ? type(T, BFLOAT16) : attribute));
    const result = own(execute(name, typed, ids).id);
    const wide = execute('Cast', widening, [result]);
    for (const id of narrow) binding.deleteTensor(id);
    return backend.createOutputTensor(wide);
  };
}
