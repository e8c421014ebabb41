// A nowcaster as a Python package, ready for pip: the static modules of assets/python, the networks and the table of kinds
// as generated modules, golden values by which it tests itself, and a README.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InsufficientDataError, MismatchError } from '../../errors.js';
import { inputsOf, type TrainedKind } from '../../nowcaster/spec.js';
import { describeCadence } from '../../trajectory/cadence.js';
import type { ExportSource } from '../readSource.js';
import { goldenForecasts } from './golden.js';
import type { PackageKind } from './package.js';
import { hasOwnLicense, provenance } from './provenance.js';
import { kindRulesModule, networksModule, PARAMETERS_FILE, parametersFile } from './pythonNetworks.js';

/** What pip accepts (PEP 508), as far as a name that can be imported comes of it. */
const NAME_PATTERN = /^[A-Za-z]([A-Za-z0-9._-]*[A-Za-z0-9])?$/;
/** PEP 440, without epochs. */
const VERSION_PATTERN = /^\d+(\.\d+)*((a|b|rc)\d+)?(\.post\d+)?(\.dev\d+)?(\+[a-z0-9]+([.][a-z0-9]+)*)?$/;
const LONGEST_NAME = 100;
/** Names of Python's language, and of what the package imports: a package of that name would stand in its own way. */
const RESERVED =
  /^(False|None|True|and|as|assert|async|await|break|class|continue|def|del|elif|else|except|finally|for|from|global|if|import|in|is|lambda|nonlocal|not|or|pass|raise|return|try|while|with|yield|numpy|keras|tf_keras|tensorflow|torch|jax|pytest|setuptools|base64|contextlib|dataclasses|inspect|json|math|os|pathlib|re|sys|tempfile|time|types|typing|warnings|zlib|test|tests)$/;

const TEMPLATES = new URL('../../../assets/python/', import.meta.url);
const PACKAGE_TEMPLATE = 'nowcast';

/** The name by which Python imports a package. */
function importName(name: string): string {
  return name.replaceAll(/[-.]/g, '_');
}

function nameProblem(name: string): { what: string; remedy: string } | null {
  const remedy = 'use letters, digits, hyphens and underscores, a letter first, as in my-nowcaster';
  if (!NAME_PATTERN.test(name) || name.length > LONGEST_NAME)
    return { what: `pip takes no package called ${JSON.stringify(name)} that Python can import`, remedy };
  if (RESERVED.test(importName(name)))
    return { what: `a package called ${JSON.stringify(name)} would hide Python's own or what it needs`, remedy };
  return null;
}

function readTemplates(): [path: string, text: string][] {
  const directory = fileURLToPath(new URL(`${PACKAGE_TEMPLATE}/`, TEMPLATES));
  try {
    return readdirSync(directory, { recursive: true, encoding: 'utf8' })
      .filter((path) => /\.(py|json)$/.test(path) && !path.includes('__pycache__'))
      .sort()
      .map((path) => [path.replaceAll('\\', '/'), readFileSync(join(directory, path), 'utf8')]);
  } catch (cause) {
    throw new InsufficientDataError({
      what: "the package's static modules are not there",
      where: directory,
      remedy: 'install the toolkit again',
      cause,
    });
  }
}

function pyproject(name: string, version: string, source: ExportSource): string {
  const module = importName(name);
  return `[build-system]
requires = ["setuptools>=61"]
build-backend = "setuptools.build_meta"

[project]
name = "${name}"
version = "${version}"
description = "A trained weight nowcaster for Keras and PyTorch: shortens training by forecasting weights."
readme = "README.md"
requires-python = ">=3.9"
${hasOwnLicense(source) ? 'license = { text = "MIT" }\n' : ''}dependencies = ["numpy>=1.21"]
keywords = ["keras", "pytorch", "training", "callback", "weight-nowcaster"]

[project.optional-dependencies]
keras = ["keras"]
torch = ["torch"]
test = ["pytest"]

[tool.setuptools]
packages = ["${module}", "${module}.tests"]

[tool.setuptools.package-data]
"${module}" = ["py.typed", "golden.json", "${PARAMETERS_FILE}"]
"${module}.tests" = ["watch_cases.json"]

[tool.pytest.ini_options]
testpaths = ["${module}"]
`;
}

function readme(name: string, source: ExportSource): string {
  const module = importName(name);
  const { period, start, stepScale } = source.recommended;
  return [
    `# ${name}`,
    '',
    "Shortens training in Keras and PyTorch: now and then it replaces a model's weights by what a trained weight nowcaster",
    `says they will be some snapshots later. It takes a snapshot ${describeCadence(source.cadence)}, and replaces weights after every`,
    `${period} snapshots from snapshot ${start} (counted from 0) on, at a step scale of ${stepScale}. The optimizer's state is untouched.`,
    '',
    `    pip install ${name}`,
    '',
    '## Keras 3 on any backend, and tf.keras from 2.13',
    '',
    '```python',
    `from ${module}.keras import WeightForecasting`,
    '',
    'model.fit(x, y, epochs=50, callbacks=[WeightForecasting()])',
    '```',
    '',
    '## PyTorch',
    '',
    '```python',
    `from ${module}.torch import WeightNowcaster`,
    '',
    'nowcaster = WeightNowcaster(model, optimizer, length=50)',
    'for epoch in range(50):',
    '    loss = train_one_epoch(model, optimizer)',
    '    nowcaster.step(loss)',
    '```',
    '',
    'A watch judges each nowcast by the training loss of the period that follows, and rolls back, weights and optimizer, those',
    'that did not help; these cost at most a tenth of the training (`budget`). `watch=False` keeps every nowcast. Further options of both:',
    '`period`, `start`, `step_scale`, `step_scale_decay`, `horizon`, `cadence`, `length`, `kinds`, `layers`, `keep_norm`, `recalibrate`,',
    '`on_nowcast`. What became of each nowcast is in `history`.',
    '',
    'Without the networks: `MeanLinearForecasting` and `MeanLinearNowcaster` go along the change of the mean of the weights.',
    '',
    'Averages of the weights to evaluate with (EMA, LAWA, SWA), beside or without nowcasts: `AveragedWeights` of the same modules.',
    '',
    '## numpy',
    '',
    '```python',
    `from ${module}.numpy import forecast`,
    '',
    `later = forecast("conv", snapshots)  # ${source.spec.inputLength} arrays of one shape, oldest first`,
    '```',
    '',
    '## Recording',
    '',
    `\`${module}.record.TrajectoryRecorder\` records a training for \`wnn collect import\`, from which better nowcasters are made.`,
    '',
    '## Tests',
    '',
    `\`python -m pytest\` in this directory, or \`python -m pytest --pyargs ${module}\` where it is installed, compares the forecasts`,
    'with golden values that were computed in float64 when the package was made.',
    '',
    ...provenance(source),
  ].join('\n');
}

/** Inputs that assets/python computes. */
const INPUTS = ['window', 'context', 'role'];

function requireInputs({ spec }: ExportSource): void {
  const unknown = inputsOf(spec.family).filter((name) => !INPUTS.includes(name));
  if (unknown.length === 0) return;
  throw new MismatchError({
    what: `the Python package does not compute the input ${unknown.join(', ')}`,
    where: `family ${spec.family}`,
    remedy: `export a family that takes ${INPUTS.join(', ')}`,
  });
}

/** A Python package with the networks, a Keras callback, a nowcaster for PyTorch and a recorder. */
export const pythonPackage: PackageKind = {
  id: 'python',
  nameProblem,
  versionPattern: VERSION_PATTERN,
  encode({ name, version, source }) {
    requireInputs(source);
    const module = importName(name);
    const parameters = Object.fromEntries(
      (Object.entries(source.kinds) as [TrainedKind, { parameters: Float32Array }][]).map(([kind, network]) => [
        kind,
        network.parameters,
      ]),
    );
    return {
      'pyproject.toml': pyproject(name, version, source),
      'README.md': readme(name, source),
      ...Object.fromEntries(readTemplates().map(([path, text]) => [`${module}/${path}`, text])),
      [`${module}/_networks.py`]: networksModule(source),
      [`${module}/${PARAMETERS_FILE}`]: parametersFile(source),
      [`${module}/_kind_rules.py`]: kindRulesModule(),
      [`${module}/golden.json`]: `${JSON.stringify(goldenForecasts(source.spec, parameters))}\n`,
      [`${module}/py.typed`]: '',
    };
  },
  commands: (directory) => ({
    look: `cd ${directory} && python -m pytest`,
    publish: `python -m build ${directory} && python -m twine upload ${directory}/dist/*`,
  }),
};
