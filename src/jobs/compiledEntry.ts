// Finds the entry module of a process or thread.

/** The compiled form of a module. Processes and threads need JavaScript, which is in dist when the code runs from src. */
export function compiledEntry(entry: URL): URL {
  const root = new URL('../', import.meta.url);
  if (!import.meta.url.endsWith('.ts') || !entry.href.startsWith(root.href)) return entry;
  return new URL(entry.href.slice(root.href.length), new URL('../dist/', root));
}
