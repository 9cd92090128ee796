/**
 * Graphs in TensorFlow's serialised form: the GraphDef protocol buffer (tensorflow/core/framework/graph.proto,
 * node_def.proto, attr_value.proto, tensor.proto; encoding: protobuf.dev/programming-guides/encoding). Pure.
 */

export interface GraphNode {
  name: string;
  operation: string;
  /** Names of nodes, with `:i` for an output that is not their first. */
  inputs: readonly string[];
  attributes: Readonly<Record<string, AttributeValue>>;
}

/** One field: which kind it is. `type` and `dtype` are TensorFlow's numbers (types.proto). */
export type AttributeValue =
  | { text: string }
  | { int: number }
  | { ints: readonly number[] }
  | { float: number }
  | { bool: boolean }
  | { type: number }
  | { shape: readonly number[] }
  | { shapes: readonly (readonly number[])[] }
  | { tensor: { dtype: number; shape: readonly number[]; content: Uint8Array } };

/** Any version since operations have their present meaning; TensorFlow reads those of all its past releases. */
const PRODUCER = 1000;

export function encodeGraph(nodes: readonly GraphNode[]): Uint8Array {
  return Buffer.concat([...nodes.map((node) => bytes(1, encodeNode(node))), bytes(4, int(1, PRODUCER))]);
}

function encodeNode({ name, operation, inputs, attributes }: GraphNode): Buffer {
  return Buffer.concat([
    text(1, name),
    text(2, operation),
    ...inputs.map((input) => text(3, input)),
    ...Object.entries(attributes).map(([key, value]) =>
      bytes(5, Buffer.concat([text(1, key), bytes(2, encodeValue(value))])),
    ),
  ]);
}

function encodeValue(value: AttributeValue): Buffer {
  if ('text' in value) return text(2, value.text);
  if ('int' in value) return int(3, value.int);
  if ('ints' in value) return bytes(1, Buffer.concat(value.ints.map((x) => int(3, x))));
  if ('float' in value) return float(4, value.float);
  if ('bool' in value) return int(5, value.bool ? 1 : 0);
  if ('type' in value) return int(6, value.type);
  if ('shape' in value) return bytes(7, encodeShape(value.shape));
  if ('shapes' in value) return bytes(1, Buffer.concat(value.shapes.map((s) => bytes(7, encodeShape(s)))));
  const { dtype, shape, content } = value.tensor;
  return bytes(8, Buffer.concat([int(1, dtype), bytes(2, encodeShape(shape)), bytes(4, content)]));
}

const encodeShape = (shape: readonly number[]): Buffer =>
  Buffer.concat(shape.map((size) => bytes(2, int(1, size))));

const [VARINT, LENGTH_DELIMITED, FIXED32] = [0, 2, 5];

const tag = (field: number, wire: number): Buffer => varint((field << 3) | wire);

/** Seven bits a byte, lowest first; negative numbers as 64-bit two's complement. */
function varint(value: number): Buffer {
  let rest = BigInt.asUintN(64, BigInt(value));
  const out: number[] = [];
  while (rest > 127n) {
    out.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  return Buffer.from([...out, Number(rest)]);
}

const int = (field: number, value: number): Buffer => Buffer.concat([tag(field, VARINT), varint(value)]);

const bytes = (field: number, content: Uint8Array): Buffer =>
  Buffer.concat([tag(field, LENGTH_DELIMITED), varint(content.length), content]);

const text = (field: number, content: string): Buffer => bytes(field, Buffer.from(content));

function float(field: number, value: number): Buffer {
  const content = Buffer.alloc(4);
  content.writeFloatLE(value);
  return Buffer.concat([tag(field, FIXED32), content]);
}
