// The files of torch.save (a zip archive: a pickle, and a file of bytes for each storage): which tensors the pickle
// describes and where their elements stand. Nothing of the pickle is called; what describes no tensor is left as it is.

import { corruptFile } from './corruptFile.js';
import { decodeFloats, FLOAT_BYTES, type FloatType } from './floats.js';
import { gatherStrided } from './permuteAxes.js';
import {
  decodePickle,
  PickleGlobal,
  PickleObject,
  PickleProblem,
  PickleReference,
  type PickleValue,
} from './pickle.js';
import { withZip, type ZipArchive } from './zip.js';

/** What errors call the format. */
export const TORCH_FORMAT = 'PyTorch';

/** A tensor that a pickle describes. */
export interface TorchTensor {
  shape: number[];
  /** Floats, `whole` for whole numbers and truth values, or what PyTorch calls the type or layout that is not read. */
  type: FloatType | 'whole' | { unreadable: string };
  /** Steps between neighbors along each axis, in elements. */
  strides: number[];
  /** Place of its first element in its storage, in elements. */
  offset: number;
  /** Name of its storage in the archive. */
  storage: string;
}

/** An open file. */
export interface TorchArchive {
  /** Length of the file. */
  bytes: number;
  /** What was saved. */
  root: PickleValue;
  /** Reads the elements of a tensor of floats, row-major. */
  read(tensor: TorchTensor): Promise<Float32Array>;
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

function typeOf(value: PickleValue): TorchTensor['type'] {
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
function describeStrided(args: PickleValue[], hasType: boolean): TorchTensor {
  const [reference, offset, size, stride] = args;
  const id = reference instanceof PickleReference ? reference.id : null;
  if (!Array.isArray(id) || id[0] !== 'storage' || typeof id[2] !== 'string' || !isSize(offset))
    throw new PickleProblem('a tensor has no valid storage');
  const shape = requireSizes(size, 'shape');
  const strides = requireSizes(stride, 'strides');
  if (shape.length !== strides.length) throw new PickleProblem('a tensor has other strides than axes');
  return { shape, strides, offset, storage: id[2], type: typeOf(hasType ? args[6] : id[1]) };
}

/** Tensors of other makes, which are not read: quantized, sparse, nested, on the meta device; arrays of NumPy. */
function describeOther({ module, name }: PickleGlobal): TorchTensor | null {
  const library = module.split('.')[0];
  const isTensor = library === 'torch' && /^_rebuild_/.test(name);
  const isArray = library === 'numpy' && name === '_reconstruct';
  if (!isTensor && !isArray) return null;
  const unreadable = isArray ? 'NumPy array' : name.replace(/^_rebuild_/, '').replace('qtensor', 'quantized tensor');
  return { shape: [], strides: [], offset: 0, storage: '', type: { unreadable } };
}

/** Parameters wrap a tensor, subclasses the call that makes one. */
const MAX_WRAPPINGS = 8;

/**
 * The tensor that a value of a pickle describes; null when it describes none.
 *
 * @throws {@link PickleProblem} for a description that cannot be right.
 */
export function describeTensor(value: PickleValue, depth = 0): TorchTensor | null {
  if (!(value instanceof PickleObject && value.callee instanceof PickleGlobal && Array.isArray(value.args)))
    return null;
  const { callee, args } = value;
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
    default:
      return describeOther(callee);
  }
}

/** Reads what a tensor spans of its storage, and puts it into row-major order. */
async function readTensor(
  archive: ZipArchive,
  folder: string,
  isBig: boolean,
  { shape, strides, offset, storage, type }: TorchTensor,
): Promise<Float32Array> {
  const width = FLOAT_BYTES[type as FloatType];
  if (shape.includes(0)) return new Float32Array();
  const span = shape.reduce((sum, size, axis) => sum + (size - 1) * strides[axis], 1);
  const bytes = await archive.readRange(`${folder}data/${storage}`, offset * width, (offset + span) * width);
  return gatherStrided(decodeFloats(bytes, type as FloatType, isBig ? 'big' : 'little'), shape, strides);
}

/**
 * Opens a file for as long as `use` runs.
 *
 * @throws CorruptFileError, MissingFileError; what `use` throws, a {@link PickleProblem} as a CorruptFileError.
 */
export function withTorchArchive(path: string, use: (archive: TorchArchive) => Promise<void>): Promise<void> {
  return withZip(path, TORCH_FORMAT, async (archive) => {
    const pickle = archive.names.find((name) => /(^|\/)data\.pkl$/.test(name));
    if (pickle === undefined) throw corruptFile(path, TORCH_FORMAT, 'it holds no data.pkl');
    const folder = pickle.slice(0, -'data.pkl'.length);
    // Checksums are not verified: torch.save can leave them out.
    const readEntry = (name: string) => archive.readRange(name, 0, archive.bytesOf(name));
    const order = `${folder}byteorder`;
    const isBig = archive.names.includes(order) && new TextDecoder().decode(await readEntry(order)).trim() === 'big';
    const bytes = await readEntry(pickle);
    try {
      await use({
        bytes: archive.bytes,
        root: decodePickle(bytes),
        read: (tensor) => readTensor(archive, folder, isBig, tensor),
      });
    } catch (error) {
      if (error instanceof PickleProblem) throw corruptFile(path, TORCH_FORMAT, error.message, error);
      throw error;
    }
  });
}
