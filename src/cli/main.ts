#!/usr/bin/env node
// The `wnn` command: collects the commands, and turns errors that a user caused into one line and an exit status.

import yargs, { type CommandModule } from 'yargs';
import { hideBin } from 'yargs/helpers';
import { WnnError } from '../errors.js';
import { printableLines } from '../printable.js';
import { TOOLKIT_VERSION } from '../version.js';

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

const USAGE = `wnn <command>

Meta-training toolkit for weight nowcasters: record weight trajectories from training
runs, build samples, train nowcasters, export them and measure what they save.`;

/** The words of the command line make no sense; thrown so that nothing is done of what they say. */
class Misuse extends Error {}

/** Prints an error as its user should see it and returns the exit status. */
function report(error: unknown, command: string | undefined): number {
  if (error instanceof Misuse) {
    const named = command !== undefined && command in COMMANDS ? ` ${command}` : '';
    process.stderr.write(`wnn: ${printableLines(error.message)}; see \`wnn${named} --help\`\n`);
    return 2;
  }
  if (error instanceof WnnError) {
    process.stderr.write(`wnn: ${error.message}\n`);
    return error.exitCode;
  }
  if (error instanceof Error && error.name === 'AbortError') {
    process.stderr.write('wnn: interrupted; what is finished is kept, run the same command to go on\n');
    return 130;
  }
  process.stderr.write(
    `wnn: unexpected error, please report it:\n${printableLines(String(error instanceof Error ? error.stack : error))}\n`,
  );
  return 1;
}

/** The commands to parse for: the one that was named, or all of them to show or to guess from. */
async function loadCommands(named: string | undefined): Promise<Command[]> {
  const load = named === undefined ? undefined : COMMANDS[named];
  return load ? [await load()] : Promise.all(Object.values(COMMANDS).map((load) => load()));
}

/** yargs makes a list of an option that is given twice, whatever its type. It gives `--learning-rate` as `learningRate` too. */
function checkRepetitions(given: Record<string, unknown>, lists: readonly string[]): true {
  const isList = (name: string) =>
    lists.includes(name) || lists.includes(name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`));
  for (const [name, value] of Object.entries(given))
    if (Array.isArray(value) && name !== '_' && !isList(name) && name.length > 1)
      throw new Misuse(`--${name} is given ${value.length} times, and can be given once`);
  return true;
}

async function main(words: string[]): Promise<void> {
  const parser = yargs(words);
  await parser
    .scriptName('wnn')
    .usage(USAGE)
    .option('json', { type: 'boolean', describe: 'print one JSON object instead of text', global: true })
    .option('quiet', { type: 'boolean', alias: 'q', describe: 'no progress and no notes on stderr', global: true })
    .command(await loadCommands(words[0]))
    .demandCommand(1, 'name a command')
    .strict()
    // The options of the command that is running are those that the parser knows then.
    .check((given) =>
      checkRepetitions(given, (parser as unknown as { getOptions(): { array: string[] } }).getOptions().array),
    )
    .recommendCommands()
    .wrap(Math.min(100, process.stdout.columns || 100))
    .version(TOOLKIT_VERSION)
    .help()
    .exitProcess(false)
    .fail((message, error) => {
      // yargs gives its own complaints a message; what a command threw comes without one.
      throw message ? new Misuse(message) : error;
    })
    .parseAsync();
}

const words = hideBin(process.argv);
try {
  await main(words);
} catch (error) {
  process.exitCode = report(error, words[0]);
}
