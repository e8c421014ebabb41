// The fused kernels on a GPU: uploads, dispatches and read-backs around the shaders. Works on any open WebGPU device, a
// browser's or Dawn's.

import { type DeviceWatch, watchDevice } from '../../../engine/webgpu/deviceLoss.js';
import { GPU_MEMORY_REMEDY } from '../../../engine/webgpu/memory.js';
import { OutOfMemoryError } from '../../../errors.js';
import { makeQueue } from '../../../kernels/turns.js';
import { LOSSES, type NetworkCompute } from '../../../network/compute.js';
import type { Network } from '../../../network/network.js';
import type { NowcasterSpec } from '../../../network/spec.js';
import { sumsLength } from './backwardShader.js';
import { makePacker } from './pack.js';
import { planKernels } from './plan.js';
import { reduceGroups, writeReduceShader } from './reduceShader.js';
import { writeNetworkShader } from './shader.js';

/** Maximum workgroups of a dispatch: several per core even on the largest GPUs. */
const MOST_GROUPS = 1024;
/** Minimum blocks per workgroup in training, since each workgroup costs a set of sums. */
const BLOCKS_A_GROUP = 2;
/** Bytes of the shaders' Job. */
const JOB_BYTES = 32;
const NAN_BITS = 0x7fc00000;

/** Milliseconds of the parts of one call. */
export interface CallTimes {
  /** Packing parameters and uploading all data, until the device has it. */
  upload: number;
  /** Until the device has finished computing. */
  compute: number;
  /** Until the results are in the caller's arrays. */
  readBack: number;
}

/** How to run the kernels. */
export interface WebgpuComputeOptions {
  /** Samples of one dispatch; larger batches take several. Default 262,144, less where the device's buffers are small. */
  dispatchSamples?: number;
  /** Bytes of workgroup memory to use. Default: the device's limit, 32 KiB at most. */
  workgroupMemory?: number;
  /** Receives the times of each call. The parts then do not overlap, which is slower. */
  onTimes?: (times: CallTimes) => void;
}

/** A buffer of the device that grows when it must. */
class GrowingBuffer {
  #buffer: GPUBuffer | undefined;

  constructor(
    private readonly device: GPUDevice,
    private readonly label: string,
    private readonly usage: GPUBufferUsageFlags,
  ) {}

  /** The buffer, of at least `floats` numbers; growing discards its content. */
  async ofSize(floats: number): Promise<GPUBuffer> {
    const size = Math.max(16, 4 * floats);
    if (this.#buffer !== undefined && this.#buffer.size >= size) return this.#buffer;
    this.#buffer?.destroy();
    this.#buffer = undefined;
    this.device.pushErrorScope('out-of-memory');
    this.device.pushErrorScope('validation');
    const buffer = this.device.createBuffer({ label: this.label, size, usage: this.usage });
    const refusals = await Promise.all([this.device.popErrorScope(), this.device.popErrorScope()]);
    const refusal = refusals.find((error) => error !== null);
    if (refusal)
      throw new OutOfMemoryError({
        what: `out of GPU memory (${refusal.message.split('\n')[0]!.replace(/\.$/, '')})`,
        where: `${this.label}, ${(size / 2 ** 20).toFixed(1)} MiB, on ${nameOf(this.device)}`,
        remedy: GPU_MEMORY_REMEDY,
      });
    this.#buffer = buffer;
    return buffer;
  }

  destroy(): void {
    this.#buffer?.destroy();
    this.#buffer = undefined;
  }
}

/** Display name of a device's GPU. */
function nameOf({ adapterInfo }: GPUDevice): string {
  const { description, vendor, architecture } = adapterInfo;
  return description || [vendor, architecture].filter(Boolean).join(' ') || 'GPU';
}

/** Pipelines by shader: compiling one can take seconds, and several networks usually share a spec. */
const pipelines = new WeakMap<GPUDevice, Map<string, Promise<GPUComputePipeline>>>();

function createPipeline(device: GPUDevice, label: string, code: string): Promise<GPUComputePipeline> {
  const known = pipelines.get(device) ?? new Map<string, Promise<GPUComputePipeline>>();
  pipelines.set(device, known);
  let pipeline = known.get(code);
  if (pipeline === undefined) {
    const module = device.createShaderModule({ label, code });
    pipeline = device.createComputePipelineAsync({ label, layout: 'auto', compute: { module, entryPoint: 'main' } });
    pipeline = watchDevice(device, nameOf(device)).race(pipeline);
    known.set(code, pipeline);
  }
  return pipeline;
}

/**
 * Opens the fused kernels on a WebGPU device. Buffers are kept between calls; a call uploads parameters and samples and
 * reads back outputs, or gradients and loss. The same call is bit-reproducible on the same device.
 *
 * Arguments of exp are clamped to [-87.3, 88]. Where a window or an output's sum is not finite the output is NaN, and
 * `lossAndGradients` returns NaN, as it does when a gradient is not finite.
 *
 * @param device stays the caller's; it is not destroyed with the compute.
 * @throws from the calls: EngineUnavailableError when the device is lost, OutOfMemoryError when it is out of memory.
 */
export async function createWebgpuCompute(
  spec: NowcasterSpec,
  network: Network,
  device: GPUDevice,
  options: WebgpuComputeOptions = {},
): Promise<NetworkCompute> {
  const { limits, queue } = device;
  const plan = planKernels(spec, network, options.workgroupMemory ?? limits.maxComputeWorkgroupStorageSize);
  const length = spec.inputLength;
  const horizons = spec.horizons.length;
  const sums = sumsLength(plan);
  const largest = Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize);
  const fitting = Math.floor(largest / (4 * Math.max(length, horizons)));
  const dispatchSamples = Math.min(options.dispatchSamples ?? 262_144, fitting);
  const mostGroups = Math.min(MOST_GROUPS, limits.maxComputeWorkgroupsPerDimension, Math.floor(largest / (4 * sums)));
  const watch: DeviceWatch = watchDevice(device, nameOf(device));
  const pack = makePacker(plan);
  const enqueue = makeQueue();

  const { STORAGE, COPY_DST, COPY_SRC, UNIFORM, MAP_READ } = {
    STORAGE: 0x80,
    COPY_DST: 0x8,
    COPY_SRC: 0x4,
    UNIFORM: 0x40,
    MAP_READ: 0x1,
  };
  const buffers = {
    job: new GrowingBuffer(device, 'job', UNIFORM | COPY_DST),
    numbers: new GrowingBuffer(device, 'parameters', STORAGE | COPY_DST),
    windows: new GrowingBuffer(device, 'windows', STORAGE | COPY_DST),
    targets: new GrowingBuffer(device, 'targets', STORAGE | COPY_DST),
    outputs: new GrowingBuffer(device, 'outputs', STORAGE | COPY_SRC),
    parts: new GrowingBuffer(device, 'partial sums', STORAGE),
    sums: new GrowingBuffer(device, 'sums', STORAGE | COPY_SRC),
    outputsBack: new GrowingBuffer(device, 'outputs to read', MAP_READ | COPY_DST),
    sumsBack: new GrowingBuffer(device, 'sums to read', MAP_READ | COPY_DST),
  };
  const forwardPipeline = () => createPipeline(device, 'wnn forward', writeNetworkShader(plan, false));
  const trainPipeline = () => createPipeline(device, 'wnn train', writeNetworkShader(plan, true));
  const reducePipeline = () => createPipeline(device, 'wnn reduce', writeReduceShader(sums));

  const job = new ArrayBuffer(JOB_BYTES);
  const writeJob = (to: GPUBuffer, count: number, loss: number, add: boolean, groups: number) => {
    new Uint32Array(job).set([count, loss, Number(add), groups, NAN_BITS]);
    queue.writeBuffer(to, 0, job);
  };
  const bind = (pipeline: GPUComputePipeline, bound: GPUBuffer[]) =>
    device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: bound.map((buffer, binding) => ({ binding, resource: { buffer } })),
    });
  const dispatch = (encoder: GPUCommandEncoder, pipeline: GPUComputePipeline, group: GPUBindGroup, groups: number) => {
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(groups);
    pass.end();
  };
  const upload = (to: GPUBuffer, from: Float32Array, first: number, count: number) =>
    queue.writeBuffer(to, 0, from as Float32Array<ArrayBuffer>, first, count);
  const readBack = async (from: GPUBuffer, floats: number, to: (numbers: Float32Array) => void) => {
    await watch.race(from.mapAsync(MAP_READ, 0, 4 * floats));
    to(new Float32Array(from.getMappedRange(0, 4 * floats)));
    from.unmap();
  };

  /** Measures the times of a call's parts if `onTimes` is set. */
  const makeClock = () => {
    const times: CallTimes = { upload: 0, compute: 0, readBack: 0 };
    let last = performance.now();
    return {
      async end(part: keyof CallTimes) {
        if (!options.onTimes) return;
        if (part !== 'readBack') await watch.race(queue.onSubmittedWorkDone());
        times[part] += performance.now() - last;
        last = performance.now();
        if (part === 'readBack') options.onTimes(times);
      },
    };
  };

  return {
    spec,
    description: `webgpu kernels, ${nameOf(device)}`,
    block: dispatchSamples,

    forward: (parameters, windows, count, outputs) =>
      enqueue(async () => {
        watch.check();
        if (count === 0) return;
        const clock = makeClock();
        const pipeline = await forwardPipeline();
        const most = Math.min(count, dispatchSamples);
        const [jobBuffer, numbers, samples, results, back] = await Promise.all([
          buffers.job.ofSize(JOB_BYTES / 4),
          buffers.numbers.ofSize(4 * plan.packed.size),
          buffers.windows.ofSize(most * length),
          buffers.outputs.ofSize(most * horizons),
          buffers.outputsBack.ofSize(most * horizons),
        ]);
        const group = bind(pipeline, [jobBuffer, numbers, samples, results]);
        upload(numbers, pack(parameters), 0, 4 * plan.packed.size);
        for (let first = 0; first < count; first += most) {
          const here = Math.min(most, count - first);
          const groups = Math.min(mostGroups, Math.ceil(here / plan.samples));
          writeJob(jobBuffer, here, 0, false, groups);
          upload(samples, windows, first * length, here * length);
          await clock.end('upload');
          const encoder = device.createCommandEncoder();
          dispatch(encoder, pipeline, group, groups);
          encoder.copyBufferToBuffer(results, 0, back, 0, 4 * here * horizons);
          queue.submit([encoder.finish()]);
          await clock.end('compute');
          await readBack(back, here * horizons, (numbers) => outputs.set(numbers, first * horizons));
        }
        await clock.end('readBack');
      }),

    lossAndGradients: (parameters, windows, targets, count, loss, gradients) =>
      enqueue(async () => {
        watch.check();
        const clock = makeClock();
        const [train, reduce] = await Promise.all([trainPipeline(), reducePipeline()]);
        const most = Math.min(count, dispatchSamples);
        const mostParts = Math.min(mostGroups, Math.ceil(most / plan.samples / BLOCKS_A_GROUP));
        const [jobBuffer, numbers, samples, wanted, parts, total, back] = await Promise.all([
          buffers.job.ofSize(JOB_BYTES / 4),
          buffers.numbers.ofSize(4 * plan.packed.size),
          buffers.windows.ofSize(most * length),
          buffers.targets.ofSize(most * horizons),
          buffers.parts.ofSize(mostParts * sums),
          buffers.sums.ofSize(sums),
          buffers.sumsBack.ofSize(sums),
        ]);
        const trainGroup = bind(train, [jobBuffer, numbers, samples, parts, wanted]);
        const reduceGroup = bind(reduce, [jobBuffer, parts, total]);
        upload(numbers, pack(parameters), 0, 4 * plan.packed.size);
        for (let first = 0; first < count; first += most) {
          const here = Math.min(most, count - first);
          const groups = Math.min(mostGroups, Math.ceil(here / plan.samples / BLOCKS_A_GROUP));
          writeJob(jobBuffer, here, LOSSES.indexOf(loss), first > 0, groups);
          upload(samples, windows, first * length, here * length);
          upload(wanted, targets, first * horizons, here * horizons);
          await clock.end('upload');
          const encoder = device.createCommandEncoder();
          dispatch(encoder, train, trainGroup, groups);
          dispatch(encoder, reduce, reduceGroup, reduceGroups(sums));
          if (first + here === count) encoder.copyBufferToBuffer(total, 0, back, 0, 4 * sums);
          queue.submit([encoder.finish()]);
          await clock.end('compute');
        }
        const mean = 1 / (count * horizons);
        let result = Number.NaN;
        await readBack(back, sums, (numbers) => {
          let finite = true;
          for (let i = 0; i < sums - 1; i++) {
            gradients[i] = numbers[i] * mean;
            finite &&= Number.isFinite(gradients[i]);
          }
          if (finite) result = numbers[sums - 1] * mean;
        });
        await clock.end('readBack');
        return result;
      }),

    async dispose() {
      for (const buffer of Object.values(buffers)) buffer.destroy();
    },
  };
}
