// `wnn engine`: what installs and removes compute engines.

import type { CommandModule } from 'yargs';
import { linkTensorflow, unlinkTensorflow } from '../engine/tensorflow/link.js';
import { type GlobalArguments, openTerminal, printResult } from './terminal.js';

interface LinkArguments extends GlobalArguments {
  python?: string;
  remove?: boolean;
}

const linkTensorflowCommand: CommandModule<object, LinkArguments> = {
  command: 'link-tensorflow',
  describe: 'let --engine tensorflow use the TensorFlow of a Python environment, GPU or not',
  builder: (yargs) =>
    yargs
      .option('python', {
        type: 'string',
        describe: 'Python that has TensorFlow 2.10 or later [default: of the virtual environment, or python3]',
        requiresArg: true,
      })
      .option('remove', { type: 'boolean', describe: 'undo it', conflicts: 'python' })
      .example('$0 engine link-tensorflow --python venv/bin/python', 'compile against the TensorFlow in venv')
      .example('$0 engine link-tensorflow --remove', 'remove what was compiled'),
  handler: async (argv) => {
    if (argv.remove) {
      const result = unlinkTensorflow();
      printResult(argv, result, () =>
        result.removed ? `removed ${result.directory}` : `nothing to remove: ${result.directory} is not there`,
      );
      return;
    }
    const terminal = openTerminal(argv);
    const result = await linkTensorflow({ python: argv.python, onNote: terminal.note }).finally(() => terminal.close());
    const devices = result.devices.map(({ type, name }) => `${type} ${name}`).join(', ');
    printResult(argv, result, () =>
      [
        `linked TensorFlow ${result.tensorflow} of ${result.python}`,
        `in ${result.directory}`,
        `devices: ${devices}; computing on the ${result.selfTest.usesGpu ? 'GPU' : 'CPU'}`,
        `self-test: matrix product within ${result.selfTest.productError.toExponential(1)} of pure JavaScript, ` +
          `convolution training step within ${result.selfTest.trainingError.toExponential(1)}`,
        result.selfTest.usesGpu
          ? 'from now on --engine tensorflow and --engine auto use it'
          : 'from now on --engine tensorflow uses it; --engine auto does not, as it has no GPU',
      ].join('\n'),
    );
  },
};

export const engineCommand: CommandModule<object, GlobalArguments> = {
  command: 'engine',
  describe: 'install or remove a compute engine',
  builder: (yargs) => yargs.command(linkTensorflowCommand).demandCommand(1, 'name what to do: link-tensorflow'),
  handler: () => {},
};
