// Where the code of a process or thread is.

/** The compiled form of a module: processes and threads need JavaScript, which code that runs from src has in dist. */
export function compiledEntry(entry: URL): URL {
  const root = new URL('../', import.meta.url);
  if (!import.meta.url.endsWith('.ts') || !entry.href.startsWith(root.href)) return entry;
  return new URL(entry.href.slice(root.href.length), new URL('../dist/', root));
}
