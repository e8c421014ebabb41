// A nowcaster as an npm package, ready to publish: the callback, the networks inside a module, types and a README.
// A training job imports it and needs nothing else but tfjs.

import { existsSync, readFileSync } from 'node:fs';
import { UsageError } from '../errors.js';
import { TRAINED_KINDS } from '../nowcaster/spec.js';
import { TOOLKIT_VERSION } from '../version.js';
import { collectCode } from './packageCode.js';
import { type ExportSource, readSource, type SourceChoices } from './readSource.js';
import { writeExport } from './target.js';

/** Options of {@link exportNpmPackage}. */
export interface NpmPackageOptions extends SourceChoices {
  /** What to export, as of `exportNowcaster`. */
  from: string | readonly string[];
  /** Directory to write; must be absent, empty, or hold this package already. */
  to: string;
  /** Name of the package, with its scope if any. */
  name: string;
  /** Version of the package. Default `1.0.0`. */
  version?: string;
}

/** Result of {@link exportNpmPackage}. */
export interface NpmPackageResult {
  directory: string;
  /** False when it held the same files already. */
  written: boolean;
  name: string;
  version: string;
  /** Its files, relative to the directory, and their sizes in bytes. */
  files: { path: string; bytes: number }[];
}

/** What npm accepts for new packages. */
const NAME_PATTERN = /^(?:@[a-z0-9-~][a-z0-9-._~]*\/)?[a-z0-9-~][a-z0-9-._~]*$/;
const VERSION_PATTERN = /^\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]+)?$/;
const ENTRY = 'callback/index.js';
/** Modules with an effect besides their exports: registering the exp layer. */
const SIDE_EFFECTS = ['./lib/network/expLayer.js'];
const TFJS_RANGE = '^4.0.0';

function packageJson(name: string, version: string, source: ExportSource): object {
  // Weights from elsewhere have a license of their own, which this toolkit does not know.
  const own = Object.values(source.kinds).every(({ training }) => training !== null);
  return {
    name,
    version,
    description: 'Weight forecasting callback for TensorFlow.js with a trained weight nowcaster.',
    keywords: ['tfjs', 'training', 'callback', 'weight-nowcaster'],
    license: own ? 'MIT' : 'SEE LICENSE IN README.md',
    type: 'module',
    main: './index.js',
    types: './index.d.ts',
    exports: { '.': { types: './index.d.ts', default: './index.js' }, './package.json': './package.json' },
    sideEffects: SIDE_EFFECTS,
    files: ['index.js', 'index.d.ts', 'networks.js', 'networks.d.ts', 'lib'],
    peerDependencies: { '@tensorflow/tfjs-core': TFJS_RANGE, '@tensorflow/tfjs-layers': TFJS_RANGE },
  };
}

/** First bytes of all numbers, then all second bytes, and so on: packs a tenth smaller than number by number. */
function splitBytes(values: Float32Array): Buffer {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return Buffer.from(bytes.map((_, i) => bytes[(i % values.length) * 4 + Math.floor(i / values.length)]));
}

function networksModule({ spec, recommended, kinds }: ExportSource): string {
  const entries = Object.entries(kinds).map(
    ([kind, { parameters }]) => `    ${kind}: decode('${splitBytes(parameters).toString('base64')}'),`,
  );
  return `// The trained networks: float32 parameters, little-endian, as base64; first bytes of all, then second bytes, ...

function decode(text) {
  const planes = atob(text);
  const count = planes.length / 4;
  const bytes = Uint8Array.from(planes, (_, i) => planes.charCodeAt((i % 4) * count + Math.floor(i / 4)));
  return new Float32Array(bytes.buffer);
}

function decodeNowcaster() {
  return {
    spec: ${JSON.stringify(spec)},
    recommended: ${JSON.stringify(recommended)},
    parameters: {
${entries.map((entry) => `  ${entry}`).join('\n')}
    },
  };
}

export const nowcaster = /* @__PURE__ */ decodeNowcaster();
`;
}

const NETWORKS_TYPES = `import type { NowcasterNetworks } from './lib/callback/index.js';

/** The networks of this package. */
export declare const nowcaster: NowcasterNetworks;
`;

const INDEX = `import { WeightForecasting } from './lib/callback/index.js';
import { nowcaster } from './networks.js';

export * from './lib/callback/index.js';
export { nowcaster };

export function weightForecasting(options) {
  return new WeightForecasting(nowcaster, options);
}
`;

const INDEX_TYPES = `import { WeightForecasting, type WeightForecastingOptions } from './lib/callback/index.js';

export * from './lib/callback/index.js';
export { nowcaster } from './networks.js';

/** The callback with the networks of this package: \`model.fit(x, y, { callbacks: weightForecasting() })\`. */
export declare function weightForecasting(options?: WeightForecastingOptions): WeightForecasting;
`;

function figuresTable({ kinds }: ExportSource): string[] {
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
    '## Figures',
    '',
    'Mean absolute error of the forecast on held-out runs, in normalized units (lower is better):',
    '',
    '| kind | no change | linear | this nowcaster | samples trained on |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ];
}

function provenance({ spec, kinds, dataset }: ExportSource): string[] {
  const lines = [
    '## Where it comes from',
    '',
    `Made by weight-nowcaster ${TOOLKIT_VERSION}. Looks at ${spec.inputLength} epochs, forecasts ${spec.horizons.join(', ')} ahead.`,
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

function readme(name: string, source: ExportSource): string {
  return [
    `# ${name}`,
    '',
    "A callback for TensorFlow.js that shortens training: now and then it replaces the model's weights by what a trained",
    `weight nowcaster says they will be some epochs later. It does so every ${source.recommended.period} epochs.`,
    '',
    `    npm install ${name} @tensorflow/tfjs-core @tensorflow/tfjs-layers`,
    '',
    '```js',
    `import { weightForecasting } from '${name}';`,
    '',
    'await model.fit(x, y, { epochs: 50, callbacks: [weightForecasting()] });',
    '```',
    '',
    'Works in Node and in browsers, on any tfjs backend. Options (period, first epoch, step scale, kinds, layer filter, guard, events)',
    'are documented in the types.',
    '',
    ...figuresTable(source),
    ...provenance(source),
  ].join('\n');
}

/**
 * Writes an npm package with the callback and the networks. The same input gives the same bytes. The directory appears
 * whole or not at all.
 *
 * @throws {@link UsageError} for a name or version that npm refuses and for a target that is not empty, and what reading
 * the source throws.
 */
export async function exportNpmPackage(options: NpmPackageOptions): Promise<NpmPackageResult> {
  const { to, name, version = '1.0.0' } = options;
  if (!NAME_PATTERN.test(name) || name.length > 214)
    throw new UsageError({
      what: `npm takes no package called ${JSON.stringify(name)}`,
      where: '--name',
      remedy: 'use small letters, digits, hyphens, dots; a scope as in @me/nowcaster',
    });
  if (!VERSION_PATTERN.test(version))
    throw new UsageError({ what: `not a version: ${version}`, where: '--package-version', remedy: 'use e.g. 1.0.0' });
  const from = typeof options.from === 'string' ? [options.from] : options.from;
  const source = await readSource(from, options);
  const texts: Record<string, string> = {
    'package.json': `${JSON.stringify(packageJson(name, version, source), null, 2)}\n`,
    'README.md': readme(name, source),
    'index.js': INDEX,
    'index.d.ts': INDEX_TYPES,
    'networks.js': networksModule(source),
    'networks.d.ts': NETWORKS_TYPES,
  };
  const license = new URL('../../LICENSE', import.meta.url);
  if (existsSync(license)) texts.LICENSE = readFileSync(license, 'utf8');
  for (const [path, text] of Object.entries(collectCode(ENTRY))) texts[`lib/${path}`] = text;
  const encoder = new TextEncoder();
  const files = Object.fromEntries(Object.entries(texts).map(([path, text]) => [path, encoder.encode(text)]));
  const written = writeExport(to, files, false);
  return {
    directory: to,
    written,
    name,
    version,
    files: Object.entries(files).map(([path, content]) => ({ path, bytes: content.length })),
  };
}
