import { expect, test } from 'vitest';
import { ROLES, roleInput, roleOf } from '../../src/windows/inputs/role.js';

test.each([
  ['conv2d_1/kernel', 'conv', [3, 3, 8, 16], 'conv'],
  ['depthwise_conv2d/depthwise_kernel', 'conv', [3, 3, 8, 1], 'depthwise'],
  ['features.1.conv.0.0.weight', 'conv', [32, 1, 3, 3], 'depthwise'],
  ['conv/kernel', 'conv', [1, 1, 3, 3], 'conv'],
  ['dense/kernel', 'fc', [4, 5], 'fc'],
  ['gru/recurrent_kernel', 'fc', [8, 24], 'recurrent'],
  ['rnn.weight_hh_l0', 'fc', [24, 8], 'recurrent'],
  ['layers.0.self_attn.q_proj.weight', 'fc', [8, 8], 'attention'],
  ['block_0_attention/query/kernel', 'fc', [8, 8], 'attention'],
  ['layers.0.mlp.up_proj.weight', 'fc', [32, 8], 'fc'],
  ['conv2d/bias', 'bias', [16], 'bias'],
  ['layers.0.attn.bias', 'bias', [16], 'bias'],
])('%s (%s) is %4$s', (name, kind, shape, role) => {
  expect(roleOf({ name, kind, shape })).toBe(role);
});

test('one column a role, a single 1 in each row', () => {
  const tensor = { name: 'dense/kernel', kind: 'fc', shape: [4, 5] };
  const rows = new Float32Array(2 * (ROLES.length + 1)).fill(9);
  roleInput.fill({ tensor, count: 2 } as never, rows, 1, ROLES.length + 1);
  const expected = [9, ...ROLES.map((role) => (role === 'fc' ? 1 : 0))];
  expect([...rows]).toEqual([...expected, ...expected]);
});
