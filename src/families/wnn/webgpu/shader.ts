// The shader of the forward pass, and of both passes together with backwardShader.ts. A workgroup holds a block of
// samples in its memory through the whole network. A thread is one feature of one stream: it keeps that feature's
// weights, and in training their gradients, in registers from block to block. The text is generated for one spec.

import { LEAK } from '../graph.js';
import { writeBackward, writeGradients } from './backwardShader.js';
import { headPasses, repeat, writeFeature, writePower } from './phrases.js';
import { HORIZONS_AT_ONCE, type KernelPlan, SAMPLE_GROUPS, scratchSize } from './plan.js';

function writeDeclarations(plan: KernelPlan, trains: boolean): string {
  const { spec, streams, threads, quads, outQuads, samples, part } = plan;
  const horizons = spec.horizons.length;
  return `
struct Job { count: u32, loss: u32, add: u32, groups: u32, nan: f32 }
@group(0) @binding(0) var<uniform> job: Job;
@group(0) @binding(1) var<storage, read> numbers: array<vec4f>;
@group(0) @binding(2) var<storage, read> windows: array<f32>;
@group(0) @binding(3) var<storage, read_write> results: array<f32>;
${trains ? '@group(0) @binding(4) var<storage, read> targets: array<f32>;' : ''}

var<workgroup> inputs: array<vec4f, ${samples * streams * quads}>;
${spec.config.activation === 'network' ? `var<workgroup> codes: array<vec4f, ${samples * streams * 2}>;` : ''}
var<workgroup> hidden: array<f32, ${samples * threads}>;
var<workgroup> scratch: array<f32, ${scratchSize(plan)}>;
${
  trains
    ? `var<workgroup> outBacks: array<vec4f, ${samples * outQuads}>;
var<workgroup> slopes: array<f32, ${samples * horizons}>;
var<workgroup> quads: array<vec4f, ${threads}>;
${spec.config.activation === 'network' ? `var<workgroup> codeBacks: array<vec4f, ${part * streams * 2}>;` : ''}`
    : ''
}

fn valueAt(window: u32, l: u32) -> f32 {
  return select(0.0, windows[window + min(l, ${spec.inputLength - 1}u)], l < ${spec.inputLength}u);
}
fn differenceAt(window: u32, l: u32) -> f32 {
  return select(0.0, valueAt(window, l + 1u) - valueAt(window, l), l + 1u < ${spec.inputLength}u);
}
// Tests the bits: a shader compiler may assume that all numbers are finite.
fn isBroken(x: vec4f) -> bool {
  return any((bitcast<vec4u>(x) & vec4u(0x7f800000u)) == vec4u(0x7f800000u));
}`;
}

function writeLoading({ streams, threads, quads, samples, spec }: KernelPlan): string {
  const quad = (name: string) => `vec4f(${repeat(4, (i) => `${name}(window, l + ${i}u)`, ', ')})`;
  return `
// Samples past the end repeat the last one; their results are not used.
    for (var i = tid; i < ${samples * streams * quads}u; i += ${threads}u) {
      let window = min(block * ${samples}u + i / ${streams * quads}u, job.count - 1u) * ${spec.inputLength}u;
      let l = 4u * (i % ${quads}u);
      if ((i / ${quads}u) % ${streams}u == 0u) {
        inputs[i] = ${quad('valueAt')};
      } else {
        inputs[i] = ${quad('differenceAt')};
      }
    }
    workgroupBarrier();`;
}

function writeCodes({ streams, threads, quads, samples, packed }: KernelPlan): string {
  const component = (i: number) => 'xyzw'[i];
  return `
    for (var i = tid; i < ${samples * streams * 2}u; i += ${threads}u) {
      let s = (i / 2u) % ${streams}u;
      let half = i % 2u;
      var sum = numbers[${packed.foldBias}u + 2u * s + half];
      for (var v = 0u; v < ${quads}u; v++) {
        let x = inputs[(i / 2u) * ${quads}u + v];
        let row = ${packed.fold}u + 8u * (s * ${quads}u + v) + half;
        ${repeat(4, (l) => `sum += x.${component(l)} * numbers[row + ${2 * l}u];`)}
      }
      codes[i] = max(sum, vec4f(0.0));
    }
    workgroupBarrier();`;
}

function writeHidden(plan: KernelPlan): string {
  const { threads, samples, spec } = plan;
  return `
    for (var n = 0u; n < ${samples}u; n++) {
      ${writeFeature(plan)}
      ${
        spec.config.activation === 'network'
          ? `${writePower(plan)}
      hidden[n * ${threads}u + tid] = factor * power + biases.w + dot(add0, c0) + dot(add1, c1);`
          : `hidden[n * ${threads}u + tid] = max(f, 0.0);`
      }
    }
    workgroupBarrier();`;
}

/** Four outputs of each of a thread's samples, `o0`, `o1`, ..., kept in registers. */
function writeOutputs({ threads, samples, packed }: KernelPlan): string {
  const each = samples / SAMPLE_GROUPS;
  const at = (m: number) => `hidden[(ownSample + ${m}u) * ${threads}u + feature]`;
  return `
    ${repeat(each, (m) => `var o${m} = outBias;`)}
    for (var j = 0u; j < 64u; j++) {
      let feature = 64u * (quad / 8u) + j;
      let weights = numbers[${packed.out}u + 8u * feature + quad % 8u];
      ${repeat(each, (m) => `o${m} += ${at(m)} * weights;`)}
    }
    ${repeat(each, (m) => `o${m} = select(${LEAK} * o${m}, o${m}, o${m} > vec4f(0.0));`)}`;
}

/** Text for the output with sum `z` of horizon `h`: stores it in the forward pass, else its loss and gradient. */
function writeOutput({ spec, samples }: KernelPlan, trains: boolean, pass: number): string {
  const horizons = spec.horizons.length;
  const place = `(block * ${samples}u + n) * ${horizons}u + h`;
  // tanh by exp: the built-in may be NaN where the result is 1, and 1 - y * y loses precision there. Near 0, where exp
  // loses precision, by its series.
  const curve = `
          let decay = exp(-2.0 * min(abs(z), 40.0));
          let zz = z * z;
          let series = 1.0 + zz * (-1.0 / 3.0 + zz * (2.0 / 15.0 + zz * (-17.0 / 315.0 + zz * 62.0 / 2835.0)));
          let y = select(sign(z) * (1.0 - decay) / (1.0 + decay), z * series, zz < 0.09);`;
  if (!trains) return `${curve}\n          results[${place}] = select(y, job.nan, broken);`;
  return `${curve}
          let error = y - targets[${place}];
          let size = abs(error);
          var value = size;
          var slope = sign(error);
          if (job.loss == 1u) {
            let clipped = min(size, 1.0);
            value = clipped * (size - 0.5 * clipped);
            slope *= clipped;
          } else if (job.loss == 2u) {
            value = error * error;
            slope = 2.0 * error;
          }
          lossSum += select(value, job.nan, broken);
          back = slope * 4.0 * decay / ((1.0 + decay) * (1.0 + decay));
          headBiasSum${pass} += back;`;
}

/** The outputs of up to {@link HORIZONS_AT_ONCE} horizons: products of the threads' outputs, then their sums. */
function writeHead(plan: KernelPlan, trains: boolean, pass: number): string {
  const { spec, outQuads, samples, quads, streams, packed } = plan;
  const each = samples / SAMPLE_GROUPS;
  const first = pass * HORIZONS_AT_ONCE;
  const width = Math.min(HORIZONS_AT_ONCE, spec.horizons.length - first);
  return `
    ${repeat(
      width,
      (h) => `{
      let weights = numbers[${packed.head + (first + h) * outQuads}u + quad];
      ${repeat(
        each,
        (m) => `scratch[((ownSample + ${m}u) * ${width}u + ${h}u) * ${outQuads}u + quad] = dot(o${m}, weights);`,
      )}
    }`,
    )}
    workgroupBarrier();
    if (tid < ${samples * width}u) {
      let n = tid / ${width}u;
      let h = ${first}u + tid % ${width}u;
      ${trains ? 'var back = 0.0;' : ''}
      if (block * ${samples}u + n < job.count) {
          var z = numbers[${packed.headBias}u + h / 4u][h % 4u];
          for (var q = 0u; q < ${outQuads}u; q++) { z += scratch[tid * ${outQuads}u + q]; }
          var broken = isBroken(vec4f(z));
          for (var v = 0u; v < ${quads}u; v++) {
            broken = broken || isBroken(inputs[n * ${streams * quads}u + v]);
          }
          ${writeOutput(plan, trains, pass)}
      }
      ${trains ? `slopes[n * ${spec.horizons.length}u + h] = back;` : ''}
    }
    workgroupBarrier();`;
}

/** A thread's weights. */
function writeWeights({ spec, streams, quads, packed }: KernelPlan, trains: boolean): string {
  const own = (from: number, width: number, index: number) => `numbers[${from}u + ${width}u * tid + ${index}u]`;
  const gate = (m: number, i: number) => own(packed.gates + m * streams * 128, 2, i);
  const network = ['mul', 'exp', 'add'].flatMap((name, m) => [0, 1].map((i) => `let ${name}${i} = ${gate(m, i)};`));
  return `
  ${repeat(quads, (v) => `let in${v} = ${own(packed.in, quads, v)};`)}
  let biases = numbers[${packed.biases}u + tid];
  ${spec.config.activation === 'network' ? network.join('\n') : ''}
  ${trains ? repeat(8, (v) => `let out${v} = ${own(packed.out, 8, v)};`) : ''}
  ${trains && spec.config.activation === 'network' ? repeat(2, (i) => `let code${i} = ${own(packed.code, 2, i)};`) : ''}
  let outBias = numbers[${packed.outBias}u + quad];`;
}

/** Text that declares a thread's sums over all samples of its workgroup. */
function writeSums(plan: KernelPlan): string {
  const { spec, quads } = plan;
  const vectors = [
    ...Array.from({ length: quads }, (_, v) => `inSum${v}`),
    ...Array.from({ length: 8 }, (_, v) => `outSum${v}`),
    ...spec.horizons.map((_, h) => `headSum${h}`),
    'biasSum',
    'outBiasSum',
    ...(spec.config.activation === 'network'
      ? ['mulSum0', 'mulSum1', 'expSum0', 'expSum1', 'addSum0', 'addSum1', 'codeSum0', 'codeSum1', 'codeBiasSum']
      : []),
  ];
  return `
  var lossSum = 0.0;
  ${repeat(headPasses(plan), (pass) => `var headBiasSum${pass} = 0.0;`)}
  ${vectors.map((name) => `var ${name} = vec4f(0.0);`).join('\n')}`;
}

/**
 * Writes the shader, in WGSL, entry point `main`. Without `trains` it writes outputs to `results`; with it, each
 * workgroup writes there its sums of gradients, flat as parameters are, and of the loss.
 */
export function writeNetworkShader(plan: KernelPlan, trains: boolean): string {
  const { threads, samples, outQuads, spec } = plan;
  return `${writeDeclarations(plan, trains)}

@compute @workgroup_size(${threads})
fn main(
  @builtin(local_invocation_index) tid: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let stream = tid / 64u;
  let quad = tid % ${outQuads}u;
  let ownSample = tid / ${outQuads}u * ${samples / SAMPLE_GROUPS}u;
  ${writeWeights(plan, trains)}
  ${trains ? writeSums(plan) : ''}
  for (var block = group.x; block * ${samples}u < job.count; block += groups.x) {
    ${writeLoading(plan)}
    ${spec.config.activation === 'network' ? writeCodes(plan) : ''}
    ${writeHidden(plan)}
    ${writeOutputs(plan)}
    ${repeat(headPasses(plan), (pass) => writeHead(plan, trains, pass))}
    ${trains ? writeBackward(plan) : ''}
  }
  ${trains ? writeGradients(plan) : ''}
}
`;
}
