// Results without the directories of the machine that made them: of an absolute path the last name is left.

const ROOT = /(?:file:\/{2,3}|[A-Za-z]:[\\/]|\/(?!\/)|\\\\)/.source;
const ABSOLUTE = new RegExp(`^${ROOT}`);
/** In quotes a path may hold blanks and commas. */
const QUOTED = new RegExp(`(?<=(['"]))${ROOT}(?:(?!\\1).)*`, 'g');
/** Elsewhere in a text it begins behind what separates words and settings, and ends before it. */
const UNQUOTED = new RegExp(`(?<=^|[\\s=:,;([])${ROOT}[^\\s,;?)\\]]+`, 'g');

type Json = { [key: string]: Json } | Json[] | string | number | boolean | null | undefined;

const namesOf = (path: string) => path.split(/[\\/]+/).filter(Boolean);

function lastName(path: string): string {
  const last = namesOf(path).at(-1);
  return last === undefined || /^\w+:$/.test(last) ? '…' : `…/${last}`;
}

function stringsOf(value: Json): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsOf) : [];
}

/**
 * The same data with every absolute path in its strings cut to its last name. Paths that are values of their own are found
 * in all texts, whatever characters they hold; others are told by their form.
 */
export function withoutDirectories<T>(data: T): T {
  // The root itself stands in texts that have nothing to do with it.
  const paths = [...new Set(stringsOf(data as Json))].filter((text) => ABSOLUTE.test(text) && namesOf(text).length > 1);
  paths.sort((a, b) => b.length - a.length);
  const clean = (text: string) =>
    paths
      .reduce((rest, path) => rest.replaceAll(path, lastName(path)), text)
      .replace(QUOTED, lastName)
      .replace(UNQUOTED, lastName);
  const visit = (value: Json): Json => {
    if (typeof value === 'string') return clean(value);
    if (Array.isArray(value)) return value.map(visit);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, visit(entry)]));
  };
  return visit(data as Json) as T;
}
