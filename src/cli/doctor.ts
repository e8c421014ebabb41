// `wnn doctor`: what this machine offers, which engine `auto` takes, and what to do about the others.

import os from 'node:os';
import type { CommandModule } from 'yargs';
import { type EngineReport, surveyEngines } from '../engine/survey.js';
import { TOOLKIT_VERSION } from '../version.js';
import { formatBytes } from './format.js';
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
    // The engines below train tasks, each on a thread of its own process.
    `networks  nowcaster networks are ${trainedOnGpu ? 'trained by tensorflow on the GPU, and applied on' : 'trained and applied on'} ${diagnosis.cores} thread${diagnosis.cores === 1 ? '' : 's'} of wasm kernels`,
    'engines:',
    ...diagnosis.engines.flatMap(describeEngine),
  ].join('\n');
}

export const doctorCommand: CommandModule<object, GlobalArguments> = {
  command: 'doctor',
  describe: 'show which compute engines open here, which one auto takes, and why others do not',
  builder: (yargs) => yargs.example('$0 doctor --json', 'the same for programs'),
  handler: async (argv) => {
    const diagnosis = await diagnose();
    printResult(argv, diagnosis, () => describeDiagnosis(diagnosis));
  },
};
