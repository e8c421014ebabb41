// Opens the webgpu engine: tfjs-backend-webgpu on Dawn, from the `webgpu` package.

import * as tf from '@tensorflow/tfjs-core';
import { EngineUnavailableError } from '../../errors.js';
import type { Engine } from '../openedEngine.js';
import { findAdapter, surveyAdapters, type WebgpuAdapter } from './adapters.js';
import { guardBackend, type WatchedBackend } from './deviceLoss.js';

/** Limits that are raised to those of the adapter. */
const RAISED_LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxComputeWorkgroupsPerDimension',
] as const;

const DRIVER_REMEDY =
  'install a Vulkan loader and driver (Debian: libvulkan1 and the driver of the GPU), or another engine';

/** Software adapters. */
const SOFTWARE = /swiftshader|llvmpipe/i;
/** The packages of this engine, in the versions that fit. Not installed with the toolkit, as they are large. */
const INSTALL = `run \`npm install webgpu @tensorflow/tfjs-backend-webgpu@${tf.version_core}\``;

/**
 * Disables the initialization of workgroup memory. SwiftShader takes ten seconds to compile it for a large memory, and no
 * shader here reads uninitialized memory.
 */
const QUICK_START = 'enable-dawn-features=disable_workgroup_init';

/** The used part of the `webgpu` package. */
interface Dawn {
  create(options: string[]): GPU;
  globals: Record<string, unknown>;
}

/** The used part of `@tensorflow/tfjs-backend-webgpu`. */
interface TfjsWebgpu {
  WebGPUBackend: new (device: GPUDevice, info: GPUAdapterInfo) => tf.KernelBackend & WatchedBackend;
}

/** Dawn's instances: they must outlive their devices. */
const instances: GPU[] = [];

/**
 * Opens the webgpu engine.
 *
 * @param wanted name of the adapter, or a part of it. Default: the one that Dawn prefers.
 * @throws EngineUnavailableError if there is no adapter, none of that name, or it gives no device.
 */
export async function openWebgpu(wanted?: string): Promise<Engine> {
  const { chosen, adapters } = await chooseAdapter(wanted);
  const { create, globals } = await importOptional<Dawn>('webgpu');
  const { WebGPUBackend } = await importOptional<TfjsWebgpu>('@tensorflow/tfjs-backend-webgpu');
  const options = chosen === undefined ? [] : [`backend=${chosen.backend}`, `adapter=${chosen.name}`];
  if ((chosen === undefined ? adapters : [chosen]).every(({ name }) => SOFTWARE.test(name))) options.push(QUICK_START);
  const gpu = create(options);
  instances.push(gpu);
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) throw unavailable('no adapter', chosen?.name ?? 'any', DRIVER_REMEDY);
  const device = await requestDevice(adapter);

  // The backend reads these when it is created.
  Object.assign(globalThis, globals);
  const navigator = borrowNavigator(gpu);
  const backend = new WebGPUBackend(device, adapter.info);
  navigator.giveBack();
  guardBackend(backend, device, describeAdapter(adapter));
  tf.registerBackend('webgpu', () => backend);
  return {
    name: 'webgpu',
    description: `webgpu (${describeAdapter(adapter)})`,
    version: tf.version_core,
    devices: adapters.map(({ name }) => name),
    usesGpu: true,
  };
}

async function chooseAdapter(
  wanted: string | undefined,
): Promise<{ chosen?: WebgpuAdapter; adapters: WebgpuAdapter[] }> {
  const { adapters, reason, installed } = await surveyAdapters();
  if (reason !== null)
    throw unavailable(
      'engine webgpu does not open',
      reason,
      installed ? DRIVER_REMEDY : `${INSTALL}, or use another engine`,
    );
  if (wanted === undefined) return { adapters };
  const chosen = findAdapter(adapters, wanted);
  if (chosen !== undefined) return { chosen, adapters };
  const names = adapters.map(({ name }) => name).join(', ');
  throw unavailable('no such adapter, or several', wanted, `name one of: ${names}`);
}

/** Imports an optional package. */
async function importOptional<T>(name: string): Promise<T> {
  try {
    return (await import(name)) as T;
  } catch (cause) {
    const reason = (cause as Error).message.split('\n')[0]!;
    throw unavailable(`the package ${name} does not load`, reason, `${INSTALL}, or use another engine`, cause);
  }
}

async function requestDevice(adapter: GPUAdapter): Promise<GPUDevice> {
  const requiredLimits = Object.fromEntries(RAISED_LIMITS.map((limit) => [limit, adapter.limits[limit]]));
  const requiredFeatures: GPUFeatureName[] = adapter.features.has('timestamp-query') ? ['timestamp-query'] : [];
  try {
    return await adapter.requestDevice({ requiredLimits, requiredFeatures });
  } catch (cause) {
    const reason = (cause as Error).message.split('\n')[0];
    throw unavailable(`the adapter gives no device (${reason})`, describeAdapter(adapter), DRIVER_REMEDY, cause);
  }
}

function describeAdapter({ info }: GPUAdapter): string {
  return info.description || [info.vendor, info.architecture, info.device].filter(Boolean).join(' ');
}

function unavailable(what: string, where: string, remedy: string, cause?: unknown): EngineUnavailableError {
  return new EngineUnavailableError({ what, where, remedy, cause });
}

/** Sets `navigator.gpu` until `giveBack` is called. */
function borrowNavigator(gpu: GPU): { giveBack(): void } {
  const before = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
  Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true, writable: true });
  return {
    giveBack() {
      if (before === undefined) delete (globalThis as { navigator?: unknown }).navigator;
      else Object.defineProperty(globalThis, 'navigator', before);
    },
  };
}
