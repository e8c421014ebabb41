// Checkpoint formats that are recognized but not read, each with a command that converts it to a supported one.

import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { WnnError } from '../../errors.js';
import type { RefusedFormat } from './importer.js';

/** A checkpoint of a format that is recognized but not supported. */
export class RefusedFormatError extends WnnError {}

/** Whether a path needs no shell quoting; others are left to the user. */
const isPlain = (path: string) => /^[\w./ @%+=:,~-]+$/.test(path);

function refusal(what: string, path: string, convert: string): RefusedFormatError {
  return new RefusedFormatError({ what, where: path, remedy: convert });
}

/** What pickle.dump wrote, and torch.save before PyTorch 1.6: pickles, which are programs. */
const barePickle: RefusedFormat = {
  ending: /\.(pkl|pickle)$/i,
  // Every protocol from 2 on opens with its number, behind the byte 0x80.
  recognizes: ({ bytes }) => bytes[0] === 0x80 && bytes[1] >= 2 && bytes[1] <= 5,
  refusal: (path) => {
    const ending = /\.[^.]+$/.exec(path)?.[0] ?? '';
    if (/^\.(pkl|pickle)$/i.test(ending)) {
      const folder = isPlain(path) ? dirname(path) : 'DIRECTORY';
      return refusal(
        'pickles are never executed',
        path,
        `where you trust them, make an npz file of the arrays of each: python -c "import glob, pickle, numpy as np; ` +
          `[np.savez(f[:-${ending.length}] + '.npz', **pickle.load(open(f, 'rb'))) ` +
          `for f in glob.glob('${folder}/*${ending}')]"`,
      );
    }
    const files = isPlain(path) ? `${dirname(path)}/*${ending}` : 'DIRECTORY/*.pt';
    return refusal(
      'a pickle by itself, as PyTorch wrote them before 1.6',
      path,
      `have PyTorch write it and those beside it anew: python -c "import glob, torch; [torch.save(torch.load(f, ` +
        `map_location='cpu', weights_only=True), f) for f in glob.glob('${files}')]"`,
    );
  },
};

/** What tf.train.Checkpoint, and Keras 2 without .h5, wrote: an index beside files of data. */
const tensorflow: RefusedFormat = {
  ending: /\.index$/i,
  recognizes: ({ name }) => /\.index$/i.test(name),
  refusal: (path) => {
    const folder = isPlain(path) ? dirname(path) : 'DIRECTORY';
    return refusal(
      "TensorFlow's own checkpoints are not read",
      path,
      `make an npz file of each: python -c "import glob, numpy as np, tensorflow as tf; [np.savez(f[:-6] + '.npz', ` +
        `**{n.replace('/.ATTRIBUTES/VARIABLE_VALUE', ''): c.get_tensor(n) for n, t in ` +
        `c.get_variable_to_dtype_map().items() if t.is_floating}) for f in glob.glob('${folder}/*.index') ` +
        `for c in [tf.train.load_checkpoint(f[:-6])]]"`,
    );
  },
};

/** What torch.distributed.checkpoint wrote: a directory of .distcp files. */
const torchDistributed: RefusedFormat = {
  ending: /\.distcp$/i,
  folderFiles: ['.metadata'],
  recognizes: ({ name }) => /\.distcp$/i.test(name),
  refusal: (path) => {
    const folder = isPlain(path) ? dirname(path) : 'DIRECTORY';
    return refusal(
      'the files of torch.distributed.checkpoint are not read',
      path,
      `make a .pt file of their directory: python -m torch.distributed.checkpoint.format_utils dcp_to_torch ` +
        `${folder} ${folder}.pt`,
    );
  },
};

/** Where Orbax's CheckpointManager keeps what was saved: a directory within that of the step. */
const orbaxItem = (step: string) =>
  readdirSync(step).find((name) => existsSync(join(step, name, ORBAX_METADATA))) ?? 'default';
const ORBAX_METADATA = '_METADATA';

/** What Orbax wrote for JAX: a directory with its metadata, that of a step mostly. */
const orbax: RefusedFormat = {
  ending: /\.orbax-checkpoint$/i,
  folderFiles: [ORBAX_METADATA, `default/${ORBAX_METADATA}`, '_CHECKPOINT_METADATA'],
  recognizes: ({ name }) => name === ORBAX_METADATA,
  refusal: (path) => {
    const isItem = /[\\/]default[\\/]_METADATA$/.test(path);
    // Orbax takes absolute paths only.
    const step = resolve(isItem ? dirname(dirname(path)) : dirname(path));
    const item = !isItem && basename(path) === ORBAX_METADATA ? '' : `/${orbaxItem(step)}`;
    const steps = isPlain(step + item) ? dirname(step) : '/DIRECTORY';
    return refusal(
      'the checkpoints of Orbax are not read',
      path,
      `make an npz file of each: python -c "import glob, os, jax, numpy as np, orbax.checkpoint as ocp; ` +
        `[np.savez(f + '.npz', **{'/'.join(str(getattr(k, 'key', getattr(k, 'idx', k))) for k in p): v for p, v in ` +
        `jax.tree_util.tree_flatten_with_path(ocp.PyTreeCheckpointer().restore(f + '${item}'))[0]}) ` +
        `for f in glob.glob('${steps}/*') if os.path.exists(f + '${item}/${ORBAX_METADATA}')]"`,
    );
  },
};

export const REFUSED_FORMATS: readonly RefusedFormat[] = [barePickle, tensorflow, torchDistributed, orbax];
