// The shader that adds up the workgroups' sums, in an order that depends only on their number.

/** Sums per workgroup, and threads per sum. */
const COLUMNS = 32;
const SHARES = 8;

/** Workgroups that add up `length` sums. */
export function reduceGroups(length: number): number {
  return Math.ceil(length / COLUMNS);
}

/** Writes the shader, in WGSL, entry point `main`: column sums of [job.groups, length], on top of earlier dispatches'. */
export function writeReduceShader(length: number): string {
  return `
struct Job { count: u32, loss: u32, add: u32, groups: u32, nan: f32 }
@group(0) @binding(0) var<uniform> job: Job;
@group(0) @binding(1) var<storage, read> parts: array<f32>;
@group(0) @binding(2) var<storage, read_write> sums: array<f32>;
var<workgroup> shares: array<f32, ${COLUMNS * SHARES}>;

@compute @workgroup_size(${COLUMNS}, ${SHARES})
fn main(@builtin(local_invocation_id) local: vec3u, @builtin(workgroup_id) group: vec3u) {
  let column = group.x * ${COLUMNS}u + local.x;
  var sum = 0.0;
  if (column < ${length}u) {
    for (var i = local.y; i < job.groups; i += ${SHARES}u) { sum += parts[i * ${length}u + column]; }
  }
  shares[local.y * ${COLUMNS}u + local.x] = sum;
  workgroupBarrier();
  if (local.y == 0u && column < ${length}u) {
    for (var i = 1u; i < ${SHARES}u; i++) { sum += shares[i * ${COLUMNS}u + local.x]; }
    sums[column] = select(sum, sums[column] + sum, job.add != 0u);
  }
}
`;
}
