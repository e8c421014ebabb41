// A row for each name that people's networks have, with the kind that it must get.

import { describe, expect, test } from 'vitest';
import { chooseKinds, tensorKind } from '../../src/trajectory/kind.js';
import type { TensorKind } from '../../src/trajectory/schema.js';

describe('the kind of a tensor by its name and rank', () => {
  test.each<[name: string, rank: number, kind: TensorKind]>([
    // Plain layers.
    ['conv2d/kernel', 4, 'conv'],
    ['conv1d/kernel', 3, 'conv'],
    ['dense/kernel', 2, 'fc'],
    ['dense/bias', 1, 'bias'],
    ['dense/kernel:0', 2, 'fc'],
    ['layer1.0.conv1.weight', 4, 'conv'],
    ['fc.weight', 2, 'fc'],
    ['fc.bias', 1, 'bias'],
    ['lstm.weight_ih_l0', 2, 'fc'],
    ['lstm.bias_ih_l0', 1, 'bias'],
    ['attn.in_proj_weight', 2, 'fc'],
    ['attn.in_proj_bias', 1, 'bias'],
    ['multi_head_attention/query/bias', 2, 'bias'],
    ['lm_head.weight', 2, 'fc'],
    // Normalizations.
    ['batch_normalization_1/gamma', 1, 'norm'],
    ['settle/moving_variance', 1, 'statistics'],
    ['layer1.0.bn1.weight', 1, 'norm'],
    ['layer1.0.bn1.bias', 1, 'norm'],
    ['layer1.0.bn1.num_batches_tracked', 0, 'statistics'],
    ['downsample.1.running_mean', 1, 'statistics'],
    ['features.1.weight', 1, 'norm'],
    ['model.layers.0.input_layernorm.weight', 1, 'norm'],
    ['blocks.0.attn.q_norm.weight', 1, 'norm'],
    ['norm.weight', 3, 'norm'],
    ['conv1_bn_gamma', 1, 'norm'],
    ['ln_f.weight', 1, 'norm'],
    ['params/LayerNorm_0/scale', 1, 'norm'],
    ['params/RMSNorm_0/scale', 1, 'norm'],
    ['params/ln_1/scale', 1, 'norm'],
    ['rms_normalization/scale', 1, 'norm'],
    ['blocks.0.gamma_1', 1, 'norm'],
    ['layernorm_embedding.weight', 1, 'norm'],
    ['conv.weight_g', 4, 'norm'],
    ['conv.parametrizations.weight.original0', 4, 'norm'],
    // What normalizations measure.
    ['batch_normalization/moving_mean:0', 1, 'statistics'],
    ['batch_normalization_BatchNormalization1/moving_variance', 1, 'statistics'],
    ['conv1_bn_moving_mean', 1, 'statistics'],
    ['batch_stats/BatchNorm_0/mean', 1, 'statistics'],
    ['batch_stats/stem/post/var', 1, 'statistics'],
    ['bn1/var', 1, 'statistics'],
    ['normalization/mean', 1, 'statistics'],
    ['normalization/count', 0, 'statistics'],
    ['layer1.0.bn1.running_var', 1, 'statistics'],
    // What is called after a normalization and is none.
    ['norm_proj.weight', 2, 'fc'],
    ['norm_proj.bias', 1, 'bias'],
    ['adaln.norm1.linear.weight', 2, 'fc'],
    ['adaln.norm1.linear.bias', 1, 'bias'],
    ['norm_dense/kernel', 2, 'fc'],
    ['normal/kernel', 2, 'fc'],
    ['conv.weight_v', 4, 'conv'],
    ['conv.parametrizations.weight.original1', 4, 'conv'],
    ['sn.weight_orig', 2, 'fc'],
    // Embeddings.
    ['embedding/embeddings', 2, 'embedding'],
    ['embed.weight', 2, 'embedding'],
    ['item_emb.weight', 2, 'embedding'],
    ['item_emb', 2, 'embedding'],
    ['shared.weight', 2, 'embedding'],
    ['transformer.wte.weight', 2, 'embedding'],
    ['model.embed_tokens.weight', 2, 'embedding'],
    ['bert.embeddings.word_embeddings.weight', 2, 'embedding'],
    ['query_embed.weight', 2, 'embedding'],
    ['encoder.block.0.relative_attention_bias.weight', 2, 'embedding'],
    ['params/Embed_0/embedding', 2, 'embedding'],
    ['embedding_Embedding1/embeddings', 2, 'embedding'],
    ['token_and_position_embedding/token_embedding/embeddings', 2, 'embedding'],
    ['transformer.wpe.weight', 2, 'embedding'],
    ['token_embedding', 2, 'embedding'],
    // What is called after an embedding and is none.
    ['class_embedding', 1, 'other'],
    ['quantizer.codebook.weight', 2, 'other'],
    ['quantizer.codebook', 2, 'other'],
    ['patch_embed.proj.weight', 4, 'conv'],
    ['embeddings.patch_embedding.weight', 4, 'conv'],
    ['time_embedding.linear_1.weight', 2, 'fc'],
    ['embed/kernel', 2, 'fc'],
    ['shared/kernel', 2, 'fc'],
    ['embeddings.dense.bias', 1, 'bias'],
    // Tokens, positions, buffers.
    ['cls_token', 3, 'other'],
    ['register_tokens', 3, 'other'],
    ['pos_embed', 3, 'embedding'],
    ['visual.positional_embedding', 2, 'embedding'],
    ['relative_position_bias_table', 2, 'embedding'],
    ['rope.inv_freq', 1, 'other'],
    ['freqs_cis', 2, 'other'],
    ['attn.cos_cached', 2, 'other'],
    ['attn.causal_mask', 2, 'other'],
    ['h.0.attn.bias', 4, 'other'],
    ['h.0.attn.masked_bias', 0, 'other'],
    ['sn.weight_u', 1, 'other'],
    ['sn.weight_v', 1, 'other'],
    ['sn.parametrizations.weight.0._u', 1, 'other'],
    ['logit_scale', 0, 'other'],
    ['step', 0, 'other'],
  ])('%s of rank %i: %s', (name, rank, kind) => {
    expect(tensorKind(name, new Array(rank).fill(2))).toBe(kind);
  });
});

describe('the kinds of a network', () => {
  const kinds = (tensors: [name: string, rank: number, layerClass?: string][]) =>
    chooseKinds(tensors.map(([name, rank, layerClass]) => ({ name, shape: new Array(rank).fill(2), layerClass }))).map(
      ({ kind, by }) => `${kind} by ${by}`,
    );

  test('follow the class where the file says it, whatever the names', () => {
    expect(
      kinds([
        ['post/0', 1, 'batch_normalization'],
        ['post/3', 1, 'batch_normalization'],
        ['a/0', 2, 'ReversibleEmbedding'],
        ['a/0', 2, 'Embed'],
        ['scaling/mean', 1, 'Normalization'],
        ['norm/kernel', 2, 'dense'],
        ['b.weight', 1, 'InstanceNorm2d'],
        ['b.weight', 1, 'LlamaRMSNorm'],
        ['c.weight', 2, 'EmbeddingBag'],
        ['embed.weight', 2, 'Linear'],
        ['gate.weight', 1, 'PReLU'],
      ]),
    ).toEqual([
      'norm by class',
      'norm by class',
      'embedding by class',
      'embedding by class',
      'statistics by class',
      'fc by rank',
      'norm by class',
      'norm by class',
      'embedding by class',
      'fc by rank',
      'bias by rank',
    ]);
  });

  test('make the offset of a layer whose scale is a normalization’s one too', () => {
    expect(
      kinds([
        ['net.1.weight', 1],
        ['net.1.bias', 1],
        ['net.2.weight', 2],
        ['net.2.bias', 1],
        ['params/Block_0/post/scale', 1],
        ['params/Block_0/post/bias', 1],
        ['norm.weight', 3],
        ['norm.bias', 3],
      ]),
    ).toEqual([
      'norm by name',
      'norm by layer',
      'fc by rank',
      'bias by rank',
      'norm by name',
      'norm by layer',
      'norm by name',
      'norm by layer',
    ]);
  });
});
