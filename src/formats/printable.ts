// Names that come from files, for messages.

/** A text on one line, without what is no printable character, cut off where it is long. */
export function printable(text: string, longest = 300): string {
  const plain = text.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ');
  return plain.length > longest ? `${plain.slice(0, longest)}...` : plain;
}
