// What the README of a package says of its networks, whatever the language: metrics, where they come from, the license.

import { existsSync, readFileSync } from 'node:fs';
import { TRAINED_KINDS } from '../../nowcaster/spec.js';
import { quantity } from '../../quantity.js';
import { describeCadence } from '../../trajectory/cadence.js';
import { TOOLKIT_VERSION } from '../../version.js';
import type { ExportSource } from '../readSource.js';

/** Whether the toolkit's license holds: weights from elsewhere have one of their own, which this toolkit does not know. */
export function hasOwnLicense({ kinds }: ExportSource): boolean {
  return Object.values(kinds).every(({ training }) => training !== null);
}

/** The file with the toolkit's license, which its code in the package is under. */
export function licenseFile(): Record<string, string> {
  const license = new URL('../../../LICENSE', import.meta.url);
  return existsSync(license) ? { LICENSE: readFileSync(license, 'utf8') } : {};
}

function metrics({ kinds }: ExportSource): string[] {
  const rows = TRAINED_KINDS.flatMap((kind) => {
    const training = kinds[kind]?.training;
    if (!training) return [];
    const { noChange, linear, network } = training.validation;
    return [
      `| ${kind} | ${noChange.toFixed(5)} | ${linear.toFixed(5)} | ${network.toFixed(5)} | ${training.trainSamples} |`,
    ];
  });
  if (rows.length === 0) return [];
  return [
    '## Metrics',
    '',
    'Mean absolute error of the forecast on held-out runs, in normalized units (lower is better):',
    '',
    '| kind | no change | linear | this nowcaster | samples trained on |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ];
}

function origin({ spec, cadence, kinds, dataset }: ExportSource): string[] {
  const lines = [
    '## Where it comes from',
    '',
    `Made by weight-nowcaster ${TOOLKIT_VERSION}. Looks at ${quantity(spec.inputLength, 'snapshot')}, one ${describeCadence(cadence)}, and forecasts ${spec.horizons.join(', ')} ahead.`,
    '',
  ];
  if (dataset) {
    lines.push(
      'Trained on recorded runs:',
      '',
      '| run | task | architecture | used for |',
      '| --- | --- | --- | --- |',
    );
    for (const run of dataset.runs)
      lines.push(
        `| ${run.id} | ${run.task ?? ''} | ${run.architecture ?? ''} | ${run.split === 'train' ? 'training' : 'validation'} |`,
      );
    lines.push('');
  }
  for (const [kind, { training, source }] of Object.entries(kinds))
    lines.push(
      `- ${kind}: ${source.file}, SHA-256 \`${source.sha256}\`${training ? '' : '; not trained by this toolkit, its own license applies'}`,
    );
  return [...lines, ''];
}

/** The last sections of a README, as lines: metrics, where there are some, and provenance. */
export function provenance(source: ExportSource): string[] {
  return [...metrics(source), ...origin(source)];
}
