// What comes from a file, a name or an argument, made harmless for a terminal: control characters move the cursor, change
// the title or hide what was printed, and directional marks reorder it.

/** C0 and C1 controls, DEL, line and paragraph separators, marks of direction. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

function escapeOne(character: string): string {
  const code = character.charCodeAt(0);
  if (character === '\n') return '\\n';
  if (character === '\t') return '\\t';
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}

/** Text as one line without control characters; they are shown as `\x1b`, `\n`, `\u202e`. */
export function printableLine(text: string): string {
  return text.replace(CONTROLS, escapeOne);
}

/** A name from a file as one line without control characters, cut off after `longest` characters. */
export function printableName(name: string, longest = 300): string {
  return printableLine(name.length > longest ? `${name.slice(0, longest)}...` : name);
}

/** Text of several lines, the control characters of each shown. */
export function printableLines(text: string): string {
  return text.replace(CONTROLS, (character) => (character === '\n' ? character : escapeOne(character)));
}

/** JSON with its control characters as escapes of JSON, so that it means the same. */
export function printableJson(json: string): string {
  return json.replace(CONTROLS, (character) =>
    character === '\n' ? character : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
