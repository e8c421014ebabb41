// From the arguments that yargs gives to the options of a stage, which takes none that it does not know.

/** Spelled with hyphens beside their camel case, or of yargs and the command line itself. */
const isOwn = (name: string) => name === '_' || name === '$0' || name === 'q' || name.includes('-');

/** The arguments under the names of the stage's options. */
export function stageOptions<T extends object>(argv: T): T {
  return Object.fromEntries(Object.entries(argv).filter(([name]) => !isOwn(name))) as T;
}
