// Text for next-character prediction: the Third Book of Newton's Opticks, which ships with the toolkit (assets/text). The
// first nine tenths are for training, the rest is for validation.

import { fileURLToPath } from 'node:url';
import { CorruptFileError } from '../../errors.js';
import type { DataSource } from '../dataSource.js';
import { PERPLEXITY } from '../metric.js';
import { readExistingFile } from '../readFile.js';
import { TextExamples } from '../text.js';

const FILE = fileURLToPath(new URL('../../../assets/text/opticks.txt', import.meta.url));
/** All characters of the text; a class is an index into this list. */
const ALPHABET = "\n &'(),-./0123456789:;?ABCDEFGHIJKLMNOPQRSTUVWXYabcdefghijklmnopqrstuvwxyz";
/** Characters of a passage. */
const STEPS = 40;
const TRAIN_SHARE = 0.9;

export const text: DataSource = {
  name: 'text',
  inputShape: [STEPS, ALPHABET.length],
  classes: ALPHABET.length,
  unit: 'passages',
  metric: PERPLEXITY,
  downloads: null,
  locate: () => [FILE],
  read() {
    const codes = encode(Buffer.from(readExistingFile(FILE)).toString('latin1'));
    const cut = Math.floor(codes.length * TRAIN_SHARE);
    return {
      train: new TextExamples(codes.subarray(0, cut), STEPS, ALPHABET.length),
      validation: new TextExamples(codes.subarray(cut), STEPS, ALPHABET.length),
    };
  },
};

function encode(characters: string): Uint8Array {
  const codes = Uint8Array.from(characters, (character) => ALPHABET.indexOf(character));
  const strange = codes.indexOf(255);
  if (strange < 0) return codes;
  throw new CorruptFileError({
    what: `unexpected character at ${strange}`,
    where: FILE,
    remedy: 'install the toolkit again',
  });
}
