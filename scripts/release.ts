// Makes a release of the two packages: checks, builds, packs and verifies them, then publishes what was verified and tags the
// commit.
//
//   npm run release                       checks, packs and verifies; publishes and tags nothing
//   npm run release -- --publish          publishes with provenance, which takes a CI job that npm can attest, and tags
//   npm run release -- --publish --no-provenance   from one's own machine; asks npm for what its login needs
//   npm run release -- --skip-checks      without audit, lint, types and tests: to try the rest
//
// Tarballs are left in release/. A release that failed after it had published one of the packages goes on when run again.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: {
    publish: { type: 'boolean', default: false },
    provenance: { type: 'boolean', default: true },
    'skip-checks': { type: 'boolean', default: false },
  },
  allowNegative: true,
});

/** The package for training jobs that want nothing but the callback. */
const CALLBACK_NAME = 'weight-nowcaster-callback';
/** Unpacked bytes that it may have. */
const CALLBACK_LIMIT = 1e6;
const OUT = resolve('release');

/** What was packed: `npm pack --json`. */
interface Packed {
  id: string;
  filename: string;
  unpackedSize: number;
  files: { path: string }[];
}

function fail(problem: string): never {
  process.stderr.write(`release: ${problem}\n`);
  process.exit(1);
}

function run(command: string, args: readonly string[], cwd = '.'): void {
  process.stderr.write(`> ${command} ${args.join(' ')}\n`);
  execFileSync(command, args, { cwd, stdio: ['inherit', 'ignore', 'inherit'] });
}

const read = (command: string, args: readonly string[], cwd = '.') =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();

/** Whether the registry has this version, from a release that was interrupted. */
function isPublished(id: string): boolean {
  try {
    return read('npm', ['view', id, 'version']) !== '';
  } catch (error) {
    // npm ends with an error for a package or a version that is not there, and for everything else.
    if (/E404/.test(String((error as { stderr?: unknown }).stderr))) return false;
    throw error;
  }
}

/** Packs a directory. What npm would run on installing the package is an error. */
function pack(directory: string): Packed {
  const { scripts = {} } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as { scripts?: object };
  for (const script of ['preinstall', 'install', 'postinstall'])
    if (script in scripts) fail(`${directory}/package.json has a script ${script}`);
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', OUT];
  return (JSON.parse(read('npm', args, directory)) as Packed[])[0]!;
}

/** Installs a tarball in a project of its own and runs a training with it. */
function verify(name: string, { filename }: Packed, load: string, extra: (directory: string) => void = () => {}): void {
  const directory = mkdtempSync(join(tmpdir(), 'wnn-release-'));
  try {
    writeFileSync(join(directory, 'package.json'), '{ "name": "project", "private": true, "type": "module" }');
    run(
      'npm',
      ['install', '--no-audit', '--no-fund', join(OUT, filename), '@tensorflow/tfjs-backend-cpu@4'],
      directory,
    );
    writeFileSync(
      join(directory, 'job.js'),
      `import '@tensorflow/tfjs-backend-cpu';
       import * as tf from '@tensorflow/tfjs-core';
       import * as tfl from '@tensorflow/tfjs-layers';
       import * as callbacks from '${name}';
       await tf.setBackend('cpu');
       const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 3, inputShape: [4] })] });
       model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
       const callback = await ${load};
       await model.fit(tf.ones([8, 4]), tf.ones([8, 3]), { epochs: 12, callbacks: [callback], verbose: 0 });
       if (callback.history[0]?.outcome !== 'kept') throw new Error('no nowcast');
       await callback.dispose();`,
    );
    run('node', ['job.js'], directory);
    extra(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const { name, version } = JSON.parse(readFileSync('package.json', 'utf8')) as { name: string; version: string };
const tags = [`${name}@${version}`, `${CALLBACK_NAME}@${version}`];

if (read('git', ['status', '--porcelain']) !== '') fail('the working tree has changes; commit them');
const [heading] =
  new RegExp(`^## ${version.replaceAll('.', '\\.')}\\b.*$`, 'm').exec(readFileSync('CHANGELOG.md', 'utf8')) ?? [];
if (heading === undefined) fail(`CHANGELOG.md has no entry "## ${version}"`);
if (options.publish && heading.includes('unreleased')) fail(`CHANGELOG.md says "${heading}"; put the date there`);
if (options.publish && options['skip-checks']) fail('what was not checked is not published');
const known = read('git', ['tag', '--list']).split('\n');
for (const tag of tags) if (known.includes(tag)) fail(`the tag ${tag} is there already; set a new version`);

// What a source that is gone was built into would be packed.
rmSync('dist', { recursive: true, force: true });
if (!options['skip-checks']) {
  run('npm', ['audit', '--omit=dev']);
  for (const check of ['lint', 'typecheck', 'test', 'verify:package']) run('npm', ['run', check]);
}
run('npm', ['run', 'build']);

rmSync(OUT, { recursive: true, force: true });
mkdirSync(OUT);
const callbackDirectory = join(OUT, CALLBACK_NAME);
const naming = ['--format', 'npm', '--name', CALLBACK_NAME, '--package-version', version];
run('node', ['dist/cli/main.js', 'export', '--from', 'weights/zoo', '--to', callbackDirectory, ...naming]);
const packages = [pack('.'), pack(callbackDirectory)];
const [toolkit, callback] = packages as [Packed, Packed];

for (const path of ['dist/index.js', 'dist/cli/main.js', 'weights/zoo/nowcaster.json', 'README.md', 'LICENSE'])
  if (!toolkit.files.some((file) => file.path === path)) fail(`${toolkit.id} lacks ${path}`);
if (callback.unpackedSize > CALLBACK_LIMIT) fail(`${callback.id} has ${callback.unpackedSize} bytes`);
verify(name, toolkit, 'callbacks.WeightForecasting.load()', (directory) => {
  if (read('npx', ['wnn', '--version'], directory) !== version) fail('`wnn --version` says another version');
  run('npx', ['wnn', 'doctor'], directory);
});
verify(CALLBACK_NAME, callback, 'callbacks.weightForecasting()');

for (const { id, filename, unpackedSize } of packages) {
  const file = join(OUT, filename);
  const sizes = `${(statSync(file).size / 1e6).toFixed(2)} MB, ${(unpackedSize / 1e6).toFixed(2)} MB unpacked`;
  process.stdout.write(`${id}: ${file}, ${sizes}\n`);
  const args = ['publish', file, '--access', 'public', ...(options.provenance ? ['--provenance'] : [])];
  if (options.publish && isPublished(id)) process.stdout.write('  published before\n');
  else if (options.publish) run('npm', args);
  else process.stdout.write(`  not published; --publish runs: npm ${args.join(' ')}\n`);
}
if (options.publish) for (const tag of tags) run('git', ['tag', '--annotate', tag, '--message', tag]);
else process.stdout.write(`not tagged; --publish makes the tags ${tags.join(', ')}\n`);
