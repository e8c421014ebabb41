import { describe, expect, it } from 'vitest';
import { explainAbsence, findAdapter, parseAdapters } from '../../../src/engine/webgpu/adapters.js';

const LISTED = `no suitable backends found
Available adapters:
 * backend: 'vulkan', name: 'NVIDIA GeForce RTX 3090'
 * backend: 'vulkan', name: 'Intel(R) UHD 'Graphics' 630'
 * backend: 'vulkan', name: 'NVIDIA H100'`;

describe('parseAdapters', () => {
  it('reads the list in the message, names with quotes too', () => {
    expect(parseAdapters(LISTED)).toEqual([
      { backend: 'vulkan', name: 'NVIDIA GeForce RTX 3090' },
      { backend: 'vulkan', name: "Intel(R) UHD 'Graphics' 630" },
      { backend: 'vulkan', name: 'NVIDIA H100' },
    ]);
    expect(parseAdapters('no suitable backends found\nAvailable adapters:')).toEqual([]);
  });
});

describe('findAdapter', () => {
  const adapters = parseAdapters(LISTED);

  it('takes a whole name, or a part that one adapter alone has', () => {
    expect(findAdapter(adapters, 'nvidia h100')?.name).toBe('NVIDIA H100');
    expect(findAdapter(adapters, '3090')?.name).toBe('NVIDIA GeForce RTX 3090');
    expect(findAdapter(adapters, 'nvidia')).toBeUndefined();
    expect(findAdapter(adapters, 'amd')).toBeUndefined();
  });
});

describe('explainAbsence', () => {
  it('tells a missing loader, a refused driver and nothing at all apart', () => {
    expect(explainAbsence("Warning: Couldn't load Vulkan: libvulkan.so.1: cannot open\n    at operator()")).toBe(
      'no Vulkan (libvulkan.so.1: cannot open)',
    );
    expect(explainAbsence('error: noise\nWarning: Vulkan x required.\n - While')).toMatch(/refused: Vulkan x required/);
    // What Dawn 0.6 wrote on an H100 whose machine lacked them.
    const nvidia =
      "Warning: loader_scanned_icd_add: Could not get 'vkCreateInstance' via 'vk_icdGetInstanceProcAddr' for ICD libGLX_nvidia.so.0";
    expect(explainAbsence(nvidia)).toMatch(/refused: loader_scanned.*needs libraries.*libx11-6/);
    expect(explainAbsence('')).toMatch(/no Vulkan, Metal or Direct3D 12 driver/);
  });
});
