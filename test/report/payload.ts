// Files of an evaluation that hold HTML in every field that takes it.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readContent } from '../../src/evaluation/files.js';

/** Ends attributes, text, titles, styles and scripts before it begins an element. */
export const PAYLOAD = `"'></title></style></script></svg><script>window.harmed=1</script><img src=x onerror="window.harmed=2">`;

type Json = { [key: string]: Json } | Json[] | string | number | boolean | null;

/** Where a file holds strings or numbers: one place for each field, the first of each list. */
function leavesOf(value: Json, path: (string | number)[] = []): (string | number)[][] {
  if (typeof value === 'string' || typeof value === 'number') return [path];
  if (Array.isArray(value)) return value.length > 0 ? leavesOf(value[0], [...path, 0]) : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, entry]) => leavesOf(entry, [...path, key]));
}

/** The same with other content at a place. */
function withAt(value: Json, [key, ...rest]: readonly (string | number)[], content: Json): Json {
  if (key === undefined) return content;
  const copy = structuredClone(value) as Record<string | number, Json>;
  copy[key] = withAt(copy[key], rest, content);
  return copy as Json;
}

/** A file of an evaluation that the payload was put into. */
export interface Planted {
  /** Fields that hold it now. */
  fields: string[];
  /** Fields with which the file was refused, and how. */
  refused: { field: string; error: unknown }[];
}

/**
 * Puts the payload into every string and number of a file, one after another, and takes it out again where the file is then
 * refused.
 *
 * @param name below the evaluation's directory.
 * @param spare whether a field is left as it is. Default: none.
 */
function plantPayload(
  directory: string,
  name: string,
  type: Parameters<typeof readContent>[0],
  spare: (field: string) => boolean = () => false,
): Planted {
  const path = join(directory, name);
  let content = JSON.parse(readFileSync(path, 'utf8')) as Json;
  const planted: Planted = { fields: [], refused: [] };
  for (const leaf of leavesOf(content)) {
    const field = leaf.join('.');
    if (spare(field)) continue;
    const changed = withAt(content, leaf, PAYLOAD);
    writeFileSync(path, JSON.stringify(changed));
    try {
      readContent(type, path);
      content = changed;
      planted.fields.push(field);
    } catch (error) {
      planted.refused.push({ field, error });
    }
  }
  writeFileSync(path, JSON.stringify(content));
  return planted;
}

/** Plants it in the results, the forecasts and the first run. */
export function plantEverywhere(directory: string, spare?: (field: string) => boolean): Planted[] {
  const [run] = readdirSync(join(directory, 'runs'));
  return [
    plantPayload(directory, 'results.json', 'results', spare),
    plantPayload(directory, 'forecasts.json', 'forecasts', spare),
    plantPayload(directory, join('runs', run), 'record', (field) => field === 'id' || (spare?.(field) ?? false)),
  ];
}
