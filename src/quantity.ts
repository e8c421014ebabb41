// Numbers of things in words.

/** `1 run`, `1,234 runs`; `plural` where it is not formed with an s. */
export function quantity(count: number, singular: string, plural = `${singular}s`): string {
  return `${Math.round(count).toLocaleString('en-GB')} ${count === 1 ? singular : plural}`;
}
