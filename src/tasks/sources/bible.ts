// A longer text for next-character prediction: the World English Bible (2022), 4.9 MB of modern English in the public domain,
// from Debian's package sword-text-web. Of every ten stretches of 20,480 characters the tenth is for validation.

import { createHash } from 'node:crypto';
import { CorruptFileError } from '../../errors.js';
import { decodeSwordText, plainText } from '../../formats/swordText.js';
import { type DataSource, locateFile } from '../dataSource.js';
import { PERPLEXITY } from '../metric.js';
import { readExistingFile } from '../readFile.js';
import { splitStretches, TextExamples } from '../text.js';
import { unpackDeb } from '../unpack.js';

/** All characters of the text; a class is an index into this list. */
const ALPHABET = '\n !"\'(),-.0123456789:;?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** Characters that are written otherwise; those in neither list become spaces. */
const WRITTEN: Record<string, string> = { '‘': "'", '’': "'", '“': '"', '”': '"', '—': '-', '[': '(', ']': ')' };
/** Characters of a passage. */
const STEPS = 64;
/** Passages of a stretch; every tenth stretch is for validation. */
const STRETCH = 320;
const FOLDER = 'usr/share/sword/modules/texts/ztext/engWEB2015eb';
const FILES = ['ot.bzs', 'ot.bzz', 'nt.bzs', 'nt.bzz'];
/** SHA-256 of the text as it is trained on, so that another edition is not taken for it. */
const CONTENT = 'd8801eb36b9b61cf960e4846341754c9c6a7d52381f4df64bf5fb52b3916269b';

export const bible: DataSource = {
  name: 'bible',
  inputShape: [STEPS, ALPHABET.length],
  classes: ALPHABET.length,
  unit: 'passages',
  metric: PERPLEXITY,
  downloads: [
    {
      url: 'https://deb.debian.org/debian/pool/main/s/sword-text-web/sword-text-web_426.0-1_all.deb',
      bytes: 3956428,
      checksum: {
        algorithm: 'sha256',
        hex: '930b23670b352f0829a306501de4bebb5e654a2df02cde2cbe86b802177868e1',
      },
      unpack: unpackDeb(FOLDER),
    },
  ],
  locate: (directory) => FILES.map((file) => locateFile(directory, [file], 'bible')),
  read(directory) {
    const codes = encode(decode(directory), directory);
    return splitStretches(new TextExamples(codes, STEPS, ALPHABET.length), STRETCH);
  },
};

function decode(directory: string): string {
  const [otIndex, ot, ntIndex, nt] = bible.locate(directory).map(readExistingFile);
  try {
    return [plainText(decodeSwordText(otIndex, ot)), plainText(decodeSwordText(ntIndex, nt))].join('\n');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CorruptFileError({
      what: `not a SWORD text (${why})`,
      where: directory,
      remedy: 'get it again with `wnn data get bible`',
      cause,
    });
  }
}

function encode(text: string, directory: string): Uint8Array {
  const codeOf = new Map([...ALPHABET].map((character, code) => [character, code]));
  const space = codeOf.get(' ') as number;
  for (const [character, written] of Object.entries(WRITTEN)) codeOf.set(character, codeOf.get(written) as number);
  const codes = Uint8Array.from([...text], (character) => codeOf.get(character) ?? space);
  const content = createHash('sha256').update(codes).digest('hex');
  if (content === CONTENT) return codes;
  throw new CorruptFileError({
    what: `another edition of the text (SHA-256 ${content.slice(0, 12)}...)`,
    where: directory,
    remedy: 'get it again with `wnn data get bible`, or take version 426.0-1 of sword-text-web',
  });
}
