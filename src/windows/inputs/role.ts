// The input `role`: what a tensor does in its network, one-hot. Finer than its kind, which chooses the network.

import type { TensorInfo, WindowInput } from './input.js';

/** Roles in the order of the columns. */
export const ROLES = ['conv', 'depthwise', 'fc', 'attention', 'recurrent', 'embedding', 'bias', 'norm'] as const;
export type Role = (typeof ROLES)[number];

/** By the tensor's name with its layer; the first that matches counts, for kernels only. */
export const NAMED_ROLES: readonly (readonly [Role, TensorInfo['kind'], RegExp])[] = [
  ['depthwise', 'conv', /depthwise|(^|[._/])dw/i],
  ['recurrent', 'fc', /recurrent|weight_[hi]h|(^|[._/])(gru|lstm|rnn)/i],
  ['attention', 'fc', /attention|attn|(^|[._/])(qkv|query|key|value|[qkvo]_proj)([._/]|$)/i],
];

/** PyTorch's depthwise kernels [out, 1, size, size] have no name of their own; a first layer on gray images looks the same. */
function isTorchDepthwise([out, perGroup, height, width, ...rest]: readonly number[]): boolean {
  return rest.length === 0 && out > 1 && perGroup === 1 && height === width && height > 1 && height < 12;
}

/** The role of a tensor; undefined for kinds that no nowcaster is trained for. */
export function roleOf({ name, kind, shape }: TensorInfo): Role | undefined {
  if (kind === 'conv' && isTorchDepthwise(shape)) return 'depthwise';
  const named = NAMED_ROLES.find(([, ofKind, pattern]) => ofKind === kind && pattern.test(name));
  return named?.[0] ?? ROLES.find((role) => role === kind);
}

/** One column a role, 1 for the tensor's. */
export const roleInput: WindowInput = {
  name: 'role',
  width: () => ROLES.length,
  fill({ tensor, count }, rows, offset, stride) {
    const role = ROLES.indexOf(roleOf(tensor) as Role);
    for (let j = 0; j < count; j++)
      for (let i = 0; i < ROLES.length; i++) rows[offset + j * stride + i] = i === role ? 1 : 0;
  },
};
