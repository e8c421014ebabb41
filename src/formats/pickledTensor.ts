// Which tensors of PyTorch and arrays of NumPy a pickle describes, and where their elements stand. Works on what pickle.ts
// read: nothing is called. What describes neither is left to whoever asked.

import { FLOAT_BYTES, type FloatType, isFloatType } from './floats.js';
import { typeOfNpy } from './npy.js';
import { rowMajorStrides } from './permuteAxes.js';
import { PickleGlobal, PickleObject, PickleProblem, PickleReference, type PickleValue } from './pickle.js';

/** A tensor or an array that a pickle describes. */
export interface PickledTensor {
  shape: number[];
  /** Floats, `whole` for whole numbers and truth values, or what its library calls the type or layout that is not read. */
  type: FloatType | 'whole' | { unreadable: string };
  /** Steps between neighbors along each axis, in elements. */
  strides: number[];
  /** Place of its first element in its storage, in elements. */
  offset: number;
  /** Of a tensor, the name of its storage in the archive; of an array, its elements, which stand in the pickle. */
  storage: string | PickledElements;
}

/** The elements of an array. */
export interface PickledElements {
  order: 'little' | 'big';
  /** @throws {@link PickleProblem} where they are not bytes. */
  bytes(): Uint8Array;
}

/** Types of PyTorch by the names of their storages and dtypes. Those that are not here are not read. */
const TYPES: Record<string, FloatType | 'whole'> = {
  DoubleStorage: 'f64',
  float64: 'f64',
  FloatStorage: 'f32',
  float32: 'f32',
  HalfStorage: 'f16',
  float16: 'f16',
  BFloat16Storage: 'bf16',
  bfloat16: 'bf16',
};
const WHOLE_TYPES = /^((Long|Int|Short|Char|Byte|Bool)Storage|u?int\d+|bool)$/;

function typeOf(value: PickleValue): PickledTensor['type'] {
  if (!(value instanceof PickleGlobal)) return { unreadable: 'unknown type' };
  const { name } = value;
  if (Object.hasOwn(TYPES, name)) return TYPES[name];
  return WHOLE_TYPES.test(name) ? 'whole' : { unreadable: name.replace(/Storage$/, '') };
}

const isSize = (value: PickleValue): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const MAX_RANK = 64;

function requireSizes(value: PickleValue, what: string): number[] {
  // A torch.Size is made of a tuple.
  const sizes = value instanceof PickleObject && Array.isArray(value.args) ? value.args[0] : value;
  if (!Array.isArray(sizes) || sizes.length > MAX_RANK || !sizes.every(isSize))
    throw new PickleProblem(`a tensor has no valid ${what}`);
  return sizes;
}

/** A tensor of the arguments of `_rebuild_tensor`, `_v2` or `_v3`, of which only the last names its type. */
function describeStrided(args: PickleValue[], hasType: boolean): PickledTensor {
  const [reference, offset, size, stride] = args;
  const id = reference instanceof PickleReference ? reference.id : null;
  if (!Array.isArray(id) || id[0] !== 'storage' || typeof id[2] !== 'string' || !isSize(offset))
    throw new PickleProblem('a tensor has no valid storage');
  const shape = requireSizes(size, 'shape');
  const strides = requireSizes(stride, 'strides');
  if (shape.length !== strides.length) throw new PickleProblem('a tensor has other strides than axes');
  return { shape, strides, offset, storage: id[2], type: typeOf(hasType ? args[6] : id[1]) };
}

/** Tensors of other makes, which are not read: quantized, sparse, nested, on the meta device. */
function describeOther({ module, name }: PickleGlobal): PickledTensor | null {
  if (module.split('.')[0] !== 'torch' || !/^_rebuild_/.test(name)) return null;
  const unreadable = name.replace(/^_rebuild_/, '').replace('qtensor', 'quantized tensor');
  return { shape: [], strides: [], offset: 0, storage: '', type: { unreadable } };
}

/** An array's type as .npy files have it, e.g. `<f4`. Types of ml_dtypes are named by their class. */
function descrOf(dtype: PickleValue): string {
  if (!(dtype instanceof PickleObject && Array.isArray(dtype.args)))
    throw new PickleProblem('an array has no valid type');
  const [name] = dtype.args;
  const [, order, subarray, fields] = Array.isArray(dtype.state) ? dtype.state : [];
  if (subarray || fields) return 'record';
  if (name instanceof PickleGlobal) return name.name === 'bfloat16' ? '<V2' : name.name;
  if (typeof name !== 'string') throw new PickleProblem('an array has no valid type');
  return `${typeof order === 'string' ? order : '|'}${name}`;
}

/** Bytes as themselves, or as the text of as many characters that protocols before 3 have in their place. */
function bytesOf(data: PickleValue): { length: number; bytes(): Uint8Array } | null {
  if (data instanceof Uint8Array) return { length: data.length, bytes: () => data };
  if (!(data instanceof PickleObject && data.callee instanceof PickleGlobal && Array.isArray(data.args))) return null;
  const [text, encoding] = data.args;
  if (data.callee.path !== '_codecs.encode' || typeof text !== 'string' || encoding !== 'latin1') return null;
  const bytes = () => {
    const decoded = Uint8Array.from(text, (character) => character.charCodeAt(0));
    if (decoded.length !== text.length) throw new PickleProblem('the elements of an array are no bytes');
    return decoded;
  };
  return { length: text.length, bytes };
}

/** An array of NumPy of its shape, its dtype, whether its first axis varies fastest, and its elements. */
function describeArray(size: PickleValue, dtype: PickleValue, isFortran: boolean, data: PickleValue): PickledTensor {
  const shape = requireSizes(size, 'shape');
  const descr = descrOf(dtype);
  const type = typeOfNpy({ descr });
  const strides = isFortran ? rowMajorStrides(shape.toReversed()).toReversed() : rowMajorStrides(shape);
  const held = bytesOf(data);
  if (typeof type === 'string' && isFloatType(type)) {
    const expected = shape.reduce((product, length) => product * length, FLOAT_BYTES[type]);
    if (held?.length !== expected)
      throw new PickleProblem(`an array should have ${expected} bytes, not ${held?.length}`);
  }
  const order = descr.startsWith('>') ? 'big' : 'little';
  return { shape, strides, offset: 0, type, storage: { order, bytes: () => held?.bytes() ?? new Uint8Array() } };
}

/** Parameters wrap a tensor, subclasses the call that makes one. */
const MAX_WRAPPINGS = 8;

/**
 * The tensor or array that a value of a pickle describes; null when it describes none.
 *
 * @throws {@link PickleProblem} for a description that cannot be right.
 */
export function describeTensor(value: PickleValue, depth = 0): PickledTensor | null {
  if (!(value instanceof PickleObject && value.callee instanceof PickleGlobal && Array.isArray(value.args)))
    return null;
  const { callee, args, state } = value;
  if (depth === MAX_WRAPPINGS) return null;
  switch (callee.path) {
    case 'torch._utils._rebuild_parameter':
    case 'torch._utils._rebuild_parameter_with_state':
      return describeTensor(args[0], depth + 1);
    case 'torch._tensor._rebuild_from_type_v2':
      return describeTensor(new PickleObject(args[0], args[2]), depth + 1);
    case 'torch._utils._rebuild_tensor':
    case 'torch._utils._rebuild_tensor_v2':
      return describeStrided(args, false);
    case 'torch._utils._rebuild_tensor_v3':
      return describeStrided(args, true);
    // The modules of NumPy 1 and 2.
    case 'numpy.core.multiarray._reconstruct':
    case 'numpy._core.multiarray._reconstruct':
      if (!Array.isArray(state)) throw new PickleProblem('an array has no elements');
      return describeArray(state[1], state[2], state[3] === true, state[4]);
    case 'numpy.core.numeric._frombuffer':
    case 'numpy._core.numeric._frombuffer':
      return describeArray(args[2], args[1], args[3] === 'F', args[0]);
    default:
      return describeOther(callee);
  }
}
