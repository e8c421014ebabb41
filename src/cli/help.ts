// The help of a command as people read it: yargs's, without what it says of lists, and with examples that can be copied.

/** Columns of help, at most. */
const MOST_COLUMNS = 100;

export const helpColumns = () => Math.min(MOST_COLUMNS, process.stdout.columns || MOST_COLUMNS);

/** `[array] [default: [5]]` as `[list] [default: 5]`, at the right as before. */
function tidyOption(line: string): string {
  const tidy = line
    .replace(/ ?\[default: \[\]\]/, '')
    .replace(/\[default: \[(.*?)\]\]/, '[default: $1]')
    .replace(/\[array\]/, '[list]');
  const removed = ' '.repeat(Math.max(0, line.length - tidy.length));
  return tidy.replace(/ *(?=\[(?:list|number|choices|string|boolean|required)[\]:])/, (space) => space + removed);
}

/** `command  description` with the description above and the command whole, however long. */
function layOutExample(line: string): string {
  const [, command, description] = /^ *(\S.*?)(?: {2,}(.*))?$/.exec(line) ?? [];
  return description === undefined ? `  ${command}` : `  ${description}:\n    ${command}`;
}

/** Breaks a line of `name  description` between words, but not in brackets; what follows stands under the description. */
function wrapEntry(line: string, columns: number): string {
  const indent = /^ *(?:\S+ {2,})?/.exec(line)![0].length;
  const lines = [line.slice(0, indent)];
  for (const word of line.slice(indent).split(/ (?![^[]*\])/)) {
    const last = lines[lines.length - 1];
    const empty = last.length <= indent;
    if (!empty && last.length + 1 + word.length > columns) lines.push(' '.repeat(indent) + word);
    else lines[lines.length - 1] = empty ? last + word : `${last} ${word}`;
  }
  return lines.join('\n');
}

/**
 * Lays out help.
 *
 * @param wrapped what yargs prints within the columns of the terminal.
 * @param whole the same with every entry on one line.
 */
export function layOutHelp(wrapped: string, whole: string): string {
  const [head] = wrapped.split('\nExamples:\n');
  const options = head.split('\n').map(tidyOption).join('\n').trimEnd();
  const examples = whole.split('\nExamples:\n')[1];
  if (examples === undefined) return options;
  const lines = examples.trimEnd().split('\n');
  const end = lines.indexOf('');
  const [listed, rest] = end < 0 ? [lines, []] : [lines.slice(0, end), lines.slice(end)];
  const columns = helpColumns();
  const notes = rest.map((line) => wrapEntry(line, columns));
  return [options, '', 'Examples:', ...listed.map(layOutExample), ...notes].join('\n');
}
