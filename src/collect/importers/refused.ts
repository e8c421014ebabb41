// Checkpoint formats that are recognized but not read, each with a command that converts it to a supported one.

import { basename, dirname } from 'node:path';
import { WnnError } from '../../errors.js';
import type { RefusedFormat } from './importer.js';

/** A checkpoint of a format that is recognized but not supported. */
export class RefusedFormatError extends WnnError {}

/** Whether a path needs no shell quoting; others are left to the user. */
const isPlain = (path: string) => /^[\w./ @%+=:,~-]+$/.test(path);
const withoutEnding = (path: string) => path.replace(/\.[^./\\]+$/, '');

function refusal(what: string, path: string, convert: string): RefusedFormatError {
  return new RefusedFormatError({ what, where: path, remedy: convert });
}

/** What pickle.dump wrote, and torch.save before PyTorch 1.6: pickles, which are programs. */
const barePickle: RefusedFormat = {
  ending: /\.(pkl|pickle)$/i,
  // Every protocol from 2 on opens with its number, behind the byte 0x80.
  recognizes: ({ bytes }) => bytes[0] === 0x80 && bytes[1] >= 2 && bytes[1] <= 5,
  refusal: (path) => {
    if (/\.(pkl|pickle)$/i.test(path)) {
      const stem = isPlain(path) ? withoutEnding(path) : 'x';
      return refusal(
        'pickles are never executed',
        path,
        `where you trust it, make an npz file of its arrays: python -c "import pickle, numpy as np; ` +
          `np.savez('${stem}.npz', **pickle.load(open('${stem}${/\.[^.]+$/.exec(path)?.[0]}', 'rb')))"`,
      );
    }
    const files = isPlain(path) ? `${dirname(path)}/*${/\.[^.]+$/.exec(basename(path))?.[0] ?? ''}` : 'DIRECTORY/*.pt';
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
    const stem = isPlain(path) ? withoutEnding(path) : 'x';
    return refusal(
      "TensorFlow's own checkpoints are not read",
      path,
      `make an npz file of it: python -c "import numpy as np, tensorflow as tf; c = tf.train.load_checkpoint('${stem}'); ` +
        `np.savez('${stem}.npz', **{n.replace('/.ATTRIBUTES/VARIABLE_VALUE', ''): c.get_tensor(n) ` +
        `for n in c.get_variable_to_shape_map() if c.get_variable_to_dtype_map()[n].is_floating})"`,
    );
  },
};

/** What torch.distributed.checkpoint wrote: a directory of .distcp files. */
const torchDistributed: RefusedFormat = {
  ending: /\.distcp$/i,
  folderFile: '.metadata',
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

/** What Orbax wrote for JAX: a directory with its metadata. */
const orbax: RefusedFormat = {
  ending: /\.orbax-checkpoint$/i,
  folderFile: '_METADATA',
  recognizes: ({ name }) => name === '_METADATA',
  refusal: (path) => {
    const folder = isPlain(path) ? dirname(path) : 'DIRECTORY';
    return refusal(
      'the checkpoints of Orbax are not read',
      path,
      `make an npz file of each: python -c "import jax, numpy as np, orbax.checkpoint as ocp; ` +
        `t = ocp.PyTreeCheckpointer().restore('${folder}'); np.savez('${folder}.npz', ` +
        `**{'/'.join(str(getattr(k, 'key', getattr(k, 'idx', k))) for k in p): v ` +
        `for p, v in jax.tree_util.tree_flatten_with_path(t)[0]})"`,
    );
  },
};

export const REFUSED_FORMATS: readonly RefusedFormat[] = [barePickle, tensorflow, torchDistributed, orbax];
