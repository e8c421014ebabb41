// A nowcaster as an npm package, ready to publish: the callback, the networks inside a module, types and a README.
// A training job imports it and needs nothing else but tfjs.

import { networksLiteral } from '../../nowcaster/embedded.js';
import { quantity } from '../../quantity.js';
import { describeCadence } from '../../trajectory/cadence.js';
import type { ExportSource } from '../readSource.js';
import { collectCode } from './npmCode.js';
import type { PackageKind } from './package.js';
import { hasOwnLicense, provenance } from './provenance.js';

/** What npm accepts for new packages. */
const NAME_PATTERN = /^(?:@[a-z0-9-~][a-z0-9-._~]*\/)?[a-z0-9-~][a-z0-9-._~]*$/;
const VERSION_PATTERN = /^\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]+)?$/;
const ENTRY = 'callback/index.js';
const DECODER = 'nowcaster/embedded.js';
/** Modules with an effect besides their exports: registering the exp layer. */
const SIDE_EFFECTS = ['./lib/network/expLayer.js'];
const TFJS_RANGE = '^4.0.0';

function packageJson(name: string, version: string, source: ExportSource): object {
  return {
    name,
    version,
    description: 'Weight forecasting callback for TensorFlow.js with a trained weight nowcaster.',
    keywords: ['tfjs', 'training', 'callback', 'weight-nowcaster'],
    license: hasOwnLicense(source) ? 'MIT' : 'SEE LICENSE IN README.md',
    type: 'module',
    main: './index.js',
    types: './index.d.ts',
    exports: { '.': { types: './index.d.ts', default: './index.js' }, './package.json': './package.json' },
    sideEffects: SIDE_EFFECTS,
    files: ['index.js', 'index.d.ts', 'networks.js', 'networks.d.ts', 'lib'],
    peerDependencies: { '@tensorflow/tfjs-core': TFJS_RANGE, '@tensorflow/tfjs-layers': TFJS_RANGE },
  };
}

function networksModule({ spec, cadence, recommended, kinds }: ExportSource): string {
  const parameters = Object.fromEntries(Object.entries(kinds).map(([kind, network]) => [kind, network.parameters]));
  return `// The trained networks, their parameters as text.

import { decodeParameters } from './lib/${DECODER}';

const decodeNowcaster = () => (${networksLiteral({ spec, cadence, recommended, parameters })});

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

function readme(name: string, source: ExportSource): string {
  return [
    `# ${name}`,
    '',
    "A callback for TensorFlow.js that shortens training: now and then it replaces the model's weights by what a trained",
    `weight nowcaster says they will be some snapshots later. It takes a snapshot ${describeCadence(source.cadence)}, and replaces`,
    `weights after every ${quantity(source.recommended.period, 'snapshot')}.`,
    '',
    `    npm install ${name} @tensorflow/tfjs-core @tensorflow/tfjs-layers`,
    '',
    '```js',
    `import { weightForecasting } from '${name}';`,
    '',
    'await model.fit(x, y, { epochs: 50, callbacks: [weightForecasting()] });',
    '```',
    '',
    'Works in Node and in browsers, on any tfjs backend. Options (period, first epoch, step scale, kinds, layer filter, watch, events)',
    'are documented in the types.',
    '',
    ...provenance(source),
  ].join('\n');
}

/** An npm package with the callback and the networks. */
export const npmPackage: PackageKind = {
  id: 'npm',
  nameProblem: (name) =>
    NAME_PATTERN.test(name) && name.length <= 214
      ? null
      : {
          what: `npm takes no package called ${JSON.stringify(name)}`,
          remedy: 'use small letters, digits, hyphens, dots; a scope as in @me/nowcaster',
        },
  versionPattern: VERSION_PATTERN,
  encode: ({ name, version, source }) => ({
    'package.json': `${JSON.stringify(packageJson(name, version, source), null, 2)}\n`,
    'README.md': readme(name, source),
    'index.js': INDEX,
    'index.d.ts': INDEX_TYPES,
    'networks.js': networksModule(source),
    'networks.d.ts': NETWORKS_TYPES,
    ...Object.fromEntries(Object.entries(collectCode([ENTRY, DECODER])).map(([path, text]) => [`lib/${path}`, text])),
  }),
  commands(directory) {
    // npm takes a name without a leading dot or slash for a package of the registry, or of GitHub.
    const path = /^(\.{0,2}\/|[A-Za-z]:)/.test(directory) ? directory : `./${directory}`;
    const place = /^[\w./:@-]+$/.test(path) ? path : JSON.stringify(path);
    return { look: `npm pack --dry-run ${place}`, publish: `npm publish ${place}` };
  },
};
