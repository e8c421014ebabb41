// The command line of `wnn`: finds and runs the command, and turns errors that a user caused into one line and an exit status.

import yargs, { type CommandModule } from 'yargs';
import { WnnError } from '../errors.js';
import { nearestName } from '../nearestName.js';
import { printableJson, printableLines } from '../printable.js';
import { TOOLKIT_VERSION } from '../version.js';
import { helpColumns, layOutHelp } from './help.js';
import { isList } from './lists.js';
import { showPaths } from './paths.js';
import { beginCommand, hasPrintedJson } from './terminal.js';

// biome-ignore lint/suspicious/noExplicitAny: each command has arguments of its own, and yargs takes them all.
type Command = CommandModule<object, any>;

/** Commands in the order in which the data flows. Loaded only when asked for, so that `--help` is quick. */
const COMMANDS: Record<string, () => Promise<Command>> = {
  run: async () => (await import('./run.js')).runCommand,
  collect: async () => (await import('./collect.js')).collectCommand,
  dataset: async () => (await import('./dataset.js')).datasetCommand,
  train: async () => (await import('./train.js')).trainCommand,
  export: async () => (await import('./export.js')).exportCommand,
  evaluate: async () => (await import('./evaluate.js')).evaluateCommand,
  report: async () => (await import('./report.js')).reportCommand,
  inspect: async () => (await import('./inspect.js')).inspectCommand,
  worker: async () => (await import('./worker.js')).workerCommand,
  queue: async () => (await import('./queue.js')).queueCommand,
  data: async () => (await import('./data.js')).dataCommand,
  doctor: async () => (await import('./doctor.js')).doctorCommand,
  engine: async () => (await import('./engine.js')).engineCommand,
};

/** Options of every command. */
const GLOBAL_OPTIONS = {
  json: { type: 'boolean', describe: 'print one JSON object instead of text', global: true },
  quiet: { type: 'boolean', alias: 'q', describe: 'no progress and no notes on stderr', global: true },
} as const;

const USAGE = `wnn <command>

Meta-training toolkit for weight nowcasters: record weight trajectories from training
runs, build samples, train nowcasters, export them and measure what they save.`;

/** The words of the command line make no sense; thrown so that nothing is done of what they say. */
class Misuse extends Error {}

/** An error as its user should see it. */
interface Complaint {
  /** The parts of `error` in the object that `--json` prints. */
  error: { name: string; what: string; where: string; remedy: string };
  /** What stderr shows after `wnn: `. */
  text: string;
  exitCode: number;
}

function describeError(error: unknown, command: string | undefined): Complaint {
  const name = command !== undefined && command in COMMANDS ? `wnn ${command}` : 'wnn';
  if (error instanceof Misuse) {
    const remedy = `see \`${name} --help\``;
    const what = printableLines(error.message);
    return { error: { name: 'UsageError', what, where: name, remedy }, text: `${what}; ${remedy}`, exitCode: 2 };
  }
  if (error instanceof WnnError) {
    const { what, where, remedy } = error;
    return { error: { name: error.name, what, where, remedy }, text: error.message, exitCode: error.exitCode };
  }
  if (error instanceof Error && error.name === 'AbortError') {
    const remedy = 'what is finished is kept, run the same command to go on';
    const parts = { name: 'AbortError', what: 'interrupted', where: name, remedy };
    return { error: parts, text: `interrupted; ${remedy}`, exitCode: 130 };
  }
  const stack = printableLines(String(error instanceof Error ? error.stack : error));
  const what = 'unexpected error, please report it';
  const parts = { name: 'InternalError', what, where: stack, remedy: 'report it with the command line' };
  return { error: parts, text: `${what}:\n${stack}`, exitCode: 1 };
}

/** Tells an error on stderr, with `--json` also as an object on stdout unless a result is there; returns the exit status. */
function report(error: unknown, words: readonly string[]): number {
  const { text, exitCode, ...object } = describeError(error, words[0]);
  process.stderr.write(`wnn: ${showPaths(text)}\n`);
  // One object: an interrupted command has printed what it did.
  if (words.includes('--json') && !hasPrintedJson())
    process.stdout.write(`${printableJson(JSON.stringify(object, null, 2))}\n`);
  return exitCode;
}

/** The commands to parse for: the one that was named, or all of them to show or to guess from. */
async function loadCommands(named: string | undefined): Promise<Command[]> {
  const load = named === undefined ? undefined : COMMANDS[named];
  return load ? [await load()] : Promise.all(Object.values(COMMANDS).map((load) => load()));
}

/** The words on the command line that are values of an option, as they were typed. */
function typedValues(words: readonly string[], option: string): string[] {
  return words.flatMap((word, i) => {
    if (word.startsWith(`--${option}=`)) return [word.slice(option.length + 3)];
    return word === `--${option}` && words[i + 1] !== undefined ? [words[i + 1]] : [];
  });
}

/** What yargs lets pass: an option of one value given twice, without its value, or with a text where a number belongs. */
function checkOptions(given: Record<string, unknown>, words: readonly string[]): true {
  for (const [name, value] of Object.entries(given)) {
    const typed = typedValues(words, name);
    if (Array.isArray(value) && name !== '_' && typed.length > 1 && !isList(value))
      throw new Misuse(`--${name} is given ${value.length} times, and can be given once`);
    if (Number.isNaN(value)) throw new Misuse(`--${name} ${typed[0]} is not a number`);
  }
  for (const [i, word] of words.entries()) {
    const name = /^--([\w-]+)$/.exec(word)?.[1];
    const bare = words[i + 1] === undefined || words[i + 1].startsWith('--');
    // An option that is no flag would silently have its default.
    if (name !== undefined && bare && typeof given[name.replace(/^no-/, '')] !== 'boolean')
      throw new Misuse(`--${name} has no value`);
  }
  return true;
}

/** The help of the command that the words name, as yargs makes it; without `columns` each entry is on one line. */
async function helpOf(words: readonly string[], commands: Command[], columns: number | null = null): Promise<string> {
  const options = words.findIndex((word) => word.startsWith('-'));
  const named = options < 0 ? words : words.slice(0, options);
  let help = '';
  const parser = yargs([])
    .scriptName('wnn')
    .usage(USAGE)
    .options(GLOBAL_OPTIONS)
    .command(commands)
    .version(TOOLKIT_VERSION)
    .wrap(columns)
    .exitProcess(false);
  await parser.parseAsync([...named, '--help'], {}, (_error, _given, output) => {
    help = output;
  });
  return help;
}

const meaning = (name: string, known: readonly string[]) => {
  const meant = nearestName(name, known);
  return meant === undefined ? '' : `; did you mean ${meant}?`;
};

/** Names of the commands, or of those of the command that the words name. */
function namesOfCommands(words: readonly string[], help: string): string[] {
  if (!(words[0] in COMMANDS)) return Object.keys(COMMANDS);
  return [...help.matchAll(new RegExp(`^  wnn ${words[0]} ([a-z-]+)`, 'gm'))].map(([, name]) => name);
}

/** Says in one line what yargs found wrong, with the names that it leaves out. */
async function explain(message: string, words: readonly string[], commands: Command[]): Promise<Misuse> {
  const help = await helpOf(words, commands);
  const [, unknown] = /^Unknown arguments?: ([^,\s]+)/.exec(message) ?? [];
  if (unknown !== undefined) {
    const option = words.find((word) => word.replace(/=.*/, '').replace(/^-+/, '') === unknown && word.startsWith('-'));
    if (option === undefined)
      return new Misuse(
        words[0] in COMMANDS
          ? `unknown argument ${unknown}${/^[\w-]+$/.test(unknown) ? meaning(unknown, namesOfCommands(words, help)) : ''}`
          : `unknown command ${unknown}${meaning(unknown, namesOfCommands(words, help))}`,
      );
    const known = [...help.matchAll(/--([a-z][\w-]*)/g)].map(([, name]) => name);
    return new Misuse(`unknown option --${unknown}${meaning(unknown, known).replace('mean ', 'mean --')}`);
  }
  const [, missing] = /^Missing required arguments?: (.+)/.exec(message) ?? [];
  if (missing !== undefined) return new Misuse(`missing ${missing.replace(/[\w-]+/g, '--$&')}`);
  if (message.startsWith('Not enough non-option')) {
    const [usage] = help.split('\n', 1);
    const wanted = [...usage.matchAll(/<([\w-]+)(?:\.\.)?>/g)].map(([, name]) => `<${name}>`);
    const count = Number(/got (\d+)/.exec(message)?.[1] ?? 0);
    return new Misuse(`missing ${wanted.slice(count).join(' ')}: ${usage.trim()}`);
  }
  const [, name, value, choices] = /Argument: ([\w-]+), Given: (.+), Choices: (.+)/.exec(message) ?? [];
  if (name !== undefined) {
    const known = choices.split(', ').map((choice) => choice.replaceAll('"', ''));
    const typed = value.replaceAll('"', '');
    return new Misuse(`--${name} ${typed} is not known${meaning(typed, known)} known: ${known.join(', ')}`);
  }
  return new Misuse(message.trim().replace(/\s*\n\s*/g, ' '));
}

async function parse(words: string[]): Promise<void> {
  const commands = await loadCommands(words[0]);
  if (words.includes('--help')) {
    const [named = '-'] = words;
    if (!named.startsWith('-') && !(named in COMMANDS))
      throw new Misuse(`unknown command ${named}${meaning(named, Object.keys(COMMANDS))}`);
    const [wrapped, whole] = [await helpOf(words, commands, helpColumns()), await helpOf(words, commands)];
    process.stdout.write(`${layOutHelp(wrapped, whole)}\n`);
    return;
  }
  let complaint: string | undefined;
  try {
    await yargs(words)
      .scriptName('wnn')
      .usage(USAGE)
      .options(GLOBAL_OPTIONS)
      .command(commands)
      .demandCommand(1, 'name a command')
      .strict()
      .check((given) => checkOptions(given, words))
      .version(TOOLKIT_VERSION)
      .help()
      .exitProcess(false)
      .fail((message, error) => {
        // What a command, a check or a coercion threw comes as it is; yargs's own complaints come as text.
        if (error instanceof WnnError || error instanceof Misuse || !message) throw error;
        complaint = message;
        throw new Misuse(message);
      })
      .parseAsync();
  } catch (error) {
    throw complaint === undefined ? error : await explain(complaint, words, commands);
  }
}

/**
 * Runs a command.
 *
 * @param words the command line without the program.
 * @returns the exit status.
 */
export async function runCommandLine(words: string[]): Promise<number> {
  beginCommand();
  try {
    await parse(words[0] === 'help' ? [...words.slice(1), '--help'] : words);
    return 0;
  } catch (error) {
    return report(error, words);
  }
}
