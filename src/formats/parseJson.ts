// JSON.parse for what comes from outside, in Node and in browsers: refuses what is nested so deep that whoever walks it
// would run out of stack. And how values are shown in messages.

/** Deeper than any file of this toolkit or of tfjs. */
const DEEPEST = 200;
const LONGEST_QUOTE = 60;

/** Why something is not JSON that is read. */
export class JsonProblem extends Error {}

/** Whether brackets outside of strings are nested deeper than allowed. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (quoted) {
      if (code === 0x5c) i++;
      else if (code === 0x22) quoted = false;
    } else if (code === 0x22) quoted = true;
    else if (code === 0x5b || code === 0x7b) {
      if (++depth > DEEPEST) return true;
    } else if (code === 0x5d || code === 0x7d) depth--;
  }
  return false;
}

/** @throws {@link JsonProblem} */
export function parseJson(json: Uint8Array | string): unknown {
  let text: string;
  try {
    text = typeof json === 'string' ? json : new TextDecoder('utf-8', { fatal: true }).decode(json);
  } catch (cause) {
    throw new JsonProblem('not UTF-8 text', { cause });
  }
  if (isTooDeep(text)) throw new JsonProblem(`JSON nested more than ${DEEPEST} deep`);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new JsonProblem('not a JSON file', { cause });
  }
}

/** Elements of a list that are shown. */
const MOST_ELEMENTS = 6;

const isObject = (value: unknown) => typeof value === 'object' && value !== null;

/** A value for a message: short ones as JSON, of others only their type, so that nothing large is walked. */
export function quoteValue(value: unknown): string {
  if (Array.isArray(value) && value.length <= MOST_ELEMENTS && value.every((element) => !isObject(element)))
    return `[${value.map(quoteValue).join(',')}]`;
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value.length > LONGEST_QUOTE ? `${value.slice(0, LONGEST_QUOTE)}...` : value);
    case 'object':
      return value === null ? 'null' : Array.isArray(value) ? `a list of ${value.length}` : 'an object';
    case 'undefined':
      return 'missing';
    default:
      return String(value).slice(0, LONGEST_QUOTE);
  }
}
