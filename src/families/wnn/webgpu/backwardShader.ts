// The backward pass of the shader, and its end, where each workgroup writes its sums.

import { LEAK, streamsOf } from '../graph.js';
import { headPasses, repeat, writeFeature, writePower } from './phrases.js';
import { HORIZONS_AT_ONCE, type KernelPlan, SAMPLE_GROUPS } from './plan.js';

/** From the outputs' slopes to the outputs' and the head's: each thread for its own four outputs and samples. */
function writeHeadBack({ spec, samples, outQuads, packed }: KernelPlan): string {
  const horizons = spec.horizons.length;
  return `
    ${repeat(horizons, (h) => `let headWeights${h} = numbers[${packed.head + h * outQuads}u + quad];`)}
    ${repeat(
      samples / SAMPLE_GROUPS,
      (m) => `{
      let n = ownSample + ${m}u;
      var back = vec4f(0.0);
      ${repeat(
        horizons,
        (h) => `{
        let slope = slopes[n * ${horizons}u + ${h}u];
        back += slope * headWeights${h};
        headSum${h} += slope * o${m};
      }`,
      )}
      back = select(${LEAK} * back, back, o${m} > vec4f(0.0));
      outBiasSum += back;
      outBacks[n * ${outQuads}u + quad] = back;
    }`,
    )}
    workgroupBarrier();`;
}

/** From the outputs' slopes to that of a thread's hidden value, `hiddenBack`. */
function writeOutBack({ threads, outQuads }: KernelPlan): string {
  return `
      let value = hidden[n * ${threads}u + tid];
      var hiddenBack = 0.0;
      ${repeat(
        8,
        (v) => `{
        let back = outBacks[n * ${outQuads}u + 8u * stream + ${v}u];
        hiddenBack += dot(out${v}, back);
        outSum${v} += value * back;
      }`,
      )}`;
}

/** From the slope of a thread's feature, `featureBack`, to its weights'. */
function writeInBack({ quads }: KernelPlan): string {
  return `
      biasSum.x += featureBack;
      ${repeat(quads, (v) => `inSum${v} += featureBack * x${v};`)}`;
}

/** The activation network, for a part of the block at a time, since its gradients take much memory. */
function writeNetworkBack(plan: KernelPlan): string {
  const { streams, threads, samples, part, packed } = plan;
  const tiles = part * streams * 2;
  const span = (64 * tiles) / threads;
  const scratchAt = (m: number) => `scratch[${m * part * threads}u + r * ${threads}u + tid]`;
  return `
    for (var first = 0u; first < ${samples}u; first += ${part}u) {
      for (var r = 0u; r < ${part}u; r++) {
        let n = first + r;
        ${writeFeature(plan)}
        ${writePower(plan)}
        ${writeOutBack(plan)}
        let factorBack = hiddenBack * power;
        let productBack = factorBack * factor;
        let exponentBack = productBack * f;
        biasSum += vec4f(0.0, exponentBack, factorBack, hiddenBack);
        mulSum0 += factorBack * c0;
        mulSum1 += factorBack * c1;
        expSum0 += exponentBack * c0;
        expSum1 += exponentBack * c1;
        addSum0 += hiddenBack * c0;
        addSum1 += hiddenBack * c1;
        ${scratchAt(0)} = factorBack;
        ${scratchAt(1)} = exponentBack;
        ${scratchAt(2)} = hiddenBack;
// The hidden value is no longer needed; its memory is reused for the gradient that bypasses the codes.
        hidden[n * ${threads}u + tid] = productBack * exponent;
      }
      workgroupBarrier();
      {
        let tile = tid % ${tiles}u;
        let r = tile / ${2 * streams}u;
        let s = (tile / 2u) % ${streams}u;
        let begin = 64u * s + tid / ${tiles}u * ${span}u;
        var sum = vec4f(0.0);
        for (var j = begin; j < begin + ${span}u; j++) {
          ${repeat(
            3,
            (m) => `sum += scratch[${m * part * threads}u + r * ${threads}u + j]
            * numbers[${packed.gates + m * streams * 128}u + 2u * j + tile % 2u];`,
          )}
        }
        quads[tid] = sum;
      }
      workgroupBarrier();
      if (tid < ${tiles}u) {
        var sum = quads[tid];
        for (var i = tid + ${tiles}u; i < ${threads}u; i += ${tiles}u) { sum += quads[i]; }
        sum = select(vec4f(0.0), sum, codes[first * ${2 * streams}u + tid] > vec4f(0.0));
        codeBiasSum += sum;
        codeBacks[tid] = sum;
      }
      workgroupBarrier();
      for (var r = 0u; r < ${part}u; r++) {
        let n = first + r;
        ${writeFeature(plan)}
        let back0 = codeBacks[(r * ${streams}u + stream) * 2u];
        let back1 = codeBacks[(r * ${streams}u + stream) * 2u + 1u];
        let featureBack = hidden[n * ${threads}u + tid] + dot(code0, back0) + dot(code1, back1);
        codeSum0 += f * back0;
        codeSum1 += f * back1;
        ${writeInBack(plan)}
      }
    }
    workgroupBarrier();`;
}

function writeReluBack(plan: KernelPlan): string {
  return `
    for (var n = 0u; n < ${plan.samples}u; n++) {
      ${writeFeature(plan)}
      ${writeOutBack(plan)}
      let featureBack = select(0.0, hiddenBack, f > 0.0);
      ${writeInBack(plan)}
    }
    workgroupBarrier();`;
}

/** Text of the backward pass from a block's outputs, which adds to the sums. */
export function writeBackward(plan: KernelPlan): string {
  return (
    writeHeadBack(plan) + (plan.spec.config.activation === 'network' ? writeNetworkBack(plan) : writeReluBack(plan))
  );
}

/** Text that sums a vector over all threads with equal `tid % width`; `use` reads it as `sum`. */
function writeVectorSum(name: string, width: number, threads: number, use: string): string {
  return `
  quads[tid] = ${name};
  workgroupBarrier();
  if (tid < ${width}u) {
    var sum = quads[tid];
    for (var i = tid + ${width}u; i < ${threads}u; i += ${width}u) { sum += quads[i]; }
    ${use}
  }
  workgroupBarrier();`;
}

/** The same for a single number, over the first `count` threads. */
function writeNumberSum(name: string, width: number, count: number, use: string): string {
  return `
  scratch[tid] = ${name};
  workgroupBarrier();
  if (tid < ${width}u) {
    var sum = scratch[tid];
    for (var i = tid + ${width}u; i < ${count}u; i += ${width}u) { sum += scratch[i]; }
    ${use}
  }
  workgroupBarrier();`;
}

/** Floats of a workgroup's sums: those of the parameters, then the loss. */
export function sumsLength({ network }: KernelPlan): number {
  return network.size + 1;
}

/** Text that writes the workgroup's sums. */
export function writeGradients(plan: KernelPlan): string {
  const { spec, streams, threads, outQuads, samples } = plan;
  const { layers, size } = plan.network;
  const horizons = spec.horizons.length;
  const base = `group.x * ${sumsLength(plan)}u`;
  const put = (at: string, value: string) => `results[${base} + ${at}] = ${value};`;
  const layerOf = (name: string) => layers.find((layer) => layer.name === name)!;
  /** Where the array of the thread's stream begins. */
  const start = (role: string, part: 'kernel' | 'bias', stream = 'stream') => {
    const [first, second] = streamsOf(spec).map((name) => layerOf(`${name}_${role}`)[part]);
    return second === undefined ? `${first}u` : `select(${first}u, ${second}u, ${stream} == 1u)`;
  };
  const part = (name: string, i: number) => `${name}${i >> 2}.${'xyzw'[i & 3]}`;
  const head = layerOf('head');
  const activation =
    spec.config.activation === 'relu'
      ? ''
      : `
  ${(['exp', 'mul', 'add'] as const)
    .map((role, r) =>
      [
        repeat(8, (i) => put(`${start(role, 'kernel')} + ${64 * i}u + feature`, part(`${role}Sum`, i))),
        put(`${start(role, 'bias')} + feature`, `biasSum.${'yzw'[r]}`),
      ].join('\n'),
    )
    .join('\n')}
  ${repeat(8, (i) => put(`${start('code', 'kernel')} + 8u * feature + ${i}u`, part('codeSum', i)))}
  ${writeVectorSum(
    `select(vec4f(0.0), codeBiasSum, tid < ${plan.part * streams * 2}u)`,
    2 * streams,
    threads,
    repeat(4, (i) => put(`${start('code', 'bias', '(tid / 2u)')} + 4u * (tid % 2u) + ${i}u`, `sum.${'xyzw'[i]}`)),
  )}`;
  return `
  let feature = tid % 64u;
  let own = select(0u, 1u, quad >= 8u);
  for (var l = 0u; l < select(${spec.inputLength}u, ${spec.inputLength - 1}u, stream == 1u); l++) {
    var value = 0.0;
    switch (l / 4u) {
      ${repeat(plan.quads, (v) => `case ${v}u: { value = inSum${v}[l % 4u]; }`)}
      default: {}
    }
    ${put(`${start('in', 'kernel')} + 64u * l + feature`, 'value')}
  }
  ${put(`${start('in', 'bias')} + feature`, 'biasSum.x')}
  ${repeat(32, (k) => put(`${start('out', 'kernel')} + 32u * feature + ${k}u`, part('outSum', k)))}
  ${activation}
  ${writeVectorSum(
    'outBiasSum',
    outQuads,
    threads,
    repeat(4, (i) => put(`${start('out', 'bias', 'own')} + 4u * (quad % 8u) + ${i}u`, `sum.${'xyzw'[i]}`)),
  )}
  ${repeat(horizons, (h) =>
    writeVectorSum(
      `headSum${h}`,
      outQuads,
      threads,
      repeat(4, (i) => put(`${head.kernel + h}u + ${horizons}u * (4u * quad + ${i}u)`, `sum.${'xyzw'[i]}`)),
    ),
  )}
  ${repeat(headPasses(plan), (pass) => {
    const width = Math.min(HORIZONS_AT_ONCE, horizons - pass * HORIZONS_AT_ONCE);
    const to = `${head.bias + pass * HORIZONS_AT_ONCE}u + tid`;
    return writeNumberSum(`headBiasSum${pass}`, width, samples * width, put(to, 'sum'));
  })}
  ${writeNumberSum('lossSum', 1, threads, put(`${size}u`, 'sum'))}`;
}
