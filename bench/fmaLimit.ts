// The most fp32 operations a second that a GPU does in a shader of nothing but multiply-adds: what the network's shaders
// are held against.

const THREADS = 256;
const CHAINS = 8;

function writeShader(rounds: number): string {
  const each = (write: (chain: number) => string) => Array.from({ length: CHAINS }, (_, c) => write(c)).join(' ');
  return `
@group(0) @binding(0) var<storage, read_write> out: array<f32>;
@compute @workgroup_size(${THREADS})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let x = vec4f(0.999 + f32(id.x & 7u) * 1e-5);
  ${each((c) => `var a${c} = vec4f(${c}.5);`)}
  for (var i = 0u; i < ${rounds}u; i++) { ${each((c) => `a${c} = fma(a${c}, x, x);`)} }
  let sum = ${Array.from({ length: CHAINS }, (_, c) => `a${c}`).join(' + ')};
  out[id.x] = sum.x + sum.y + sum.z + sum.w;
}`;
}

/** Measures operations a second, a multiply-add counted as two; the best of several dispatches of about `seconds`. */
export async function measureFmaLimit(device: GPUDevice, seconds: number): Promise<number> {
  const groups = 4096;
  const out = device.createBuffer({ size: 4 * groups * THREADS, usage: 0x80 });
  let best = 0;
  for (let rounds = 16, spent = 0; spent < seconds; rounds *= 2) {
    const module = device.createShaderModule({ code: writeShader(rounds) });
    const pipeline = await device.createComputePipelineAsync({ layout: 'auto', compute: { module } });
    const group = device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [{ binding: 0, resource: { buffer: out } }],
    });
    const begin = performance.now();
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(groups);
    pass.end();
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
    const elapsed = (performance.now() - begin) / 1000;
    spent += elapsed;
    best = Math.max(best, (2 * 4 * CHAINS * rounds * groups * THREADS) / elapsed);
  }
  out.destroy();
  return best;
}
