// Patterns by which options choose names: `*` stands for any text, `?` for any character.

/** Whether a name fits a pattern as a whole. */
export function fits(name: string, pattern: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's').test(name);
}
