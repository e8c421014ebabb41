import { deflateSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { decodeSwordText, plainText } from '../../src/formats/swordText.js';

/** A module's index and blocks. */
function pack(...texts: string[]): { index: Uint8Array; blocks: Uint8Array } {
  const blocks = texts.map((text) => deflateSync(text));
  const index = Buffer.alloc(12 * texts.length);
  let position = 0;
  for (const [i, block] of blocks.entries()) {
    index.writeUInt32LE(position, 12 * i);
    index.writeUInt32LE(block.length, 12 * i + 4);
    index.writeUInt32LE(Buffer.byteLength(texts[i]), 12 * i + 8);
    position += block.length;
  }
  return { index, blocks: Buffer.concat(blocks) };
}

it('joins the blocks of a module', () => {
  const { index, blocks } = pack('<w>Light</w>, ', 'caf\u00e9');
  expect(decodeSwordText(index, blocks)).toBe('<w>Light</w>, caf\u00e9');
});

it('refuses an index that does not fit, and damaged blocks', () => {
  const { index, blocks } = pack('one', 'two');
  expect(() => decodeSwordText(index.subarray(0, 20), blocks)).toThrow('index of 20 bytes');
  expect(() => decodeSwordText(index, blocks.subarray(0, blocks.length - 1))).toThrow('impossible block at 12');
  const longer = Buffer.from(index);
  longer.writeUInt32LE(4, 8);
  expect(() => decodeSwordText(longer, blocks)).toThrow('a block of 3 bytes instead of 4');
  const shorter = Buffer.from(index);
  shorter.writeUInt32LE(2, 8);
  expect(() => decodeSwordText(shorter, blocks)).toThrow();
  expect(() => decodeSwordText(index, Buffer.from(blocks).fill(0x55, 2, 8))).toThrow();
});

it('keeps the text of paragraphs and verses, without notes and headings', () => {
  const osis =
    '<title type="main">Genesis</title> <div sID="1" type="x-p"/><w lemma="x">In the beginning</w>,<note placement="foot">' +
    '<reference>1:1</reference> Hebrew</note><w>God</w>  <w>said</w>: &amp;<note>b</note>.<div eID="1" type="x-p"/>' +
    '<lg sID="2"/> <l level="1" sID="3"/>a line<l eID="3" level="1"/>\n<l sID="4"/>another<l eID="4"/>';
  expect(plainText(osis)).toBe('In the beginning, God said: &.\na line\nanother');
});
