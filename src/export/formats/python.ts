// A nowcaster as one Python module that needs numpy alone: parameters, normalization and the forward pass, written out
// operation by operation from the graph.

import { type Operation, operandsOf } from '../../network/graph.js';
import type { Network } from '../../network/network.js';
import type { NowcasterSpec } from '../../network/spec.js';
import { inputsOf, type TrainedKind } from '../../nowcaster/spec.js';
import { TOOLKIT_VERSION } from '../../version.js';
import { isWindowOnly } from '../../windows/inputs/index.js';
import type { ExportFormat } from './format.js';

/** The expression of one operation; `v` holds the outputs so far, `p` the parameters, `x` the named inputs. */
function expressionOf(operation: Operation): string {
  const [a, b] = operandsOf(operation).map((name) => `v[${JSON.stringify(name)}]`);
  switch (operation.op) {
    case 'input':
      return `x[${JSON.stringify(operation.input)}]`;
    case 'differences':
      return `np.diff(${a}, axis=1)`;
    case 'dense': {
      const sums = `${a} @ p[${JSON.stringify(`${operation.name}/kernel`)}] + p[${JSON.stringify(`${operation.name}/bias`)}]`;
      if (operation.activation === undefined) return sums;
      return operation.activation === 'relu' ? `np.maximum(${sums}, 0)` : `np.tanh(${sums})`;
    }
    case 'relu':
      return `np.maximum(${a}, 0)`;
    case 'exp':
      return `np.exp(${a})`;
    case 'tanh':
      return `np.tanh(${a})`;
    case 'leakyRelu':
      return `np.where(${a} > 0, ${a}, np.float32(${operation.slope}) * ${a})`;
    case 'multiply':
      return `${a} * ${b}`;
    case 'add':
      return `${a} + ${b}`;
    case 'concat':
      return `np.concatenate([${operandsOf(operation)
        .map((name) => `v[${JSON.stringify(name)}]`)
        .join(', ')}], axis=1)`;
    default:
      return operation satisfies never;
  }
}

function forwardFunction({ graph, inputs, outputWidth }: Network): string[] {
  const shapes = inputs.map(({ name, width }) => `${name} [batch, ${width}]`).join(', ');
  return [
    'def forward(kind, x):',
    `    """Outputs [batch, ${outputWidth}] of the network of \`kind\` for its named inputs: ${shapes}, float32."""`,
    '    p, v = PARAMETERS[kind], {}',
    ...graph.map((operation) => `    v[${JSON.stringify(operation.name)}] = ${expressionOf(operation)}`),
    `    return v[${JSON.stringify(graph[graph.length - 1].name)}]`,
  ];
}

function forecastFunction({ inputLength, horizons, normalization, residual }: NowcasterSpec): string[] {
  const scaling =
    normalization === 'range'
      ? ['    scale = 2 * (w.max(1, keepdims=True) - w.min(1, keepdims=True) + 1e-8 + 1e-5)', '    origin = w[:, :1]']
      : ['    scale, origin = 1.0, 0.0'];
  return [
    'def forecast(kind, history):',
    `    """Weights ${horizons.join(', ')} snapshots after the last, [batch, ${horizons.length}], from ${inputLength} snapshots [batch, ${inputLength}], oldest first."""`,
    '    w = np.asarray(history, np.float64)',
    ...scaling,
    '    x = ((w - origin) / scale).astype(np.float32)',
    `    return ((${residual ? 'x[:, -1:] + ' : ''}forward(kind, {"window": x})) * scale + origin).astype(np.float32)`,
  ];
}

function parametersOf(kind: TrainedKind, parameters: Float32Array): string {
  const bytes = Buffer.from(parameters.buffer, parameters.byteOffset, parameters.byteLength);
  return `    ${JSON.stringify(kind)}: _decode("${bytes.toString('base64')}"),`;
}

export const python: ExportFormat = {
  id: 'python',
  description: 'Python: one module that needs numpy alone',
  async encode({ tag, spec, network, parameters }) {
    const kinds = Object.keys(parameters) as TrainedKind[];
    const lines = [
      `"""Weight nowcaster ${tag}, made by weight-nowcaster ${TOOLKIT_VERSION}. Needs numpy."""`,
      'import base64',
      '',
      'import numpy as np',
      '',
      `SPEC = ${pythonLiteral(spec)}`,
      '',
      `_ARRAYS = ${pythonLiteral(network.arrays.map(({ name, shape, start, end }) => [name, shape, start, end]))}`,
      '',
      '',
      'def _decode(text):',
      '    flat = np.frombuffer(base64.b64decode(text), "<f4")',
      '    return {name: flat[start:end].reshape(shape) for name, shape, start, end in _ARRAYS}',
      '',
      '',
      'PARAMETERS = {',
      ...kinds.map((kind) => parametersOf(kind, parameters[kind] as Float32Array)),
      '}',
      '',
      '',
      ...forwardFunction(network),
      ...(isWindowOnly(inputsOf(spec.family)) ? ['', '', ...forecastFunction(spec)] : []),
      '',
    ];
    const file = `nowcaster_${tag.replaceAll(/\W/g, '_')}.py`;
    return {
      files: { [file]: new TextEncoder().encode(lines.join('\n')) },
      main: Object.fromEntries(kinds.map((kind) => [kind, file])),
    };
  },
};

/** Plain data as Python writes it. */
function pythonLiteral(value: unknown): string {
  return JSON.stringify(value).replaceAll(/("(?:[^"\\]|\\.)*")|\btrue\b|\bfalse\b|\bnull\b/g, (text, quoted) => {
    if (quoted) return quoted;
    return text === 'true' ? 'True' : text === 'false' ? 'False' : 'None';
  });
}
