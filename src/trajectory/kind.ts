// The kind of a tensor: one table, by the class of its layer where the file says it, then by name and rank together.

import type { KindReason, TensorKind } from './schema.js';

/** A kind and what decided it. */
export interface ChosenKind {
  kind: TensorKind;
  by: KindReason;
}

/** A row of {@link KIND_RULES}. */
export interface KindRule {
  /**
   * `class` of the layer; `layer`: the part of the name before the tensor's own; `own`: the tensor's own name; `path`: all
   * of the name before the tensor's own, as it is.
   */
  of: 'class' | 'layer' | 'own' | 'path';
  pattern: RegExp;
  /** What the tensor's own name is too. Default: any. */
  own?: RegExp;
  /** Ranks that it holds for. */
  ranks: readonly [least: number, most: number];
  /** `rank`: what the rank says. */
  kind: TensorKind | 'rank';
}

const ANY = [0, Number.POSITIVE_INFINITY] as const;
/** A layer that normalizes, by name. */
const NORM_LAYER = /(norm(alization)?|(^|[_-])(bn|ln))(_?\d+)*$/;
/** What such a layer measures, where its own name does not say `moving` or `running`. */
const STATISTIC = /^(mean|var|variance|count)$/;

/** The first that holds decides; where none does, the rank. */
export const KIND_RULES: readonly KindRule[] = [
  // Of every framework: parameters and statistics of normalizations, buffers that are computed, tokens and positions.
  { of: 'own', pattern: /^(gamma(_\d+)?|beta)$/, ranks: ANY, kind: 'norm' },
  {
    of: 'own',
    pattern: /^((moving|running)_(mean|var|variance)|num_batches_tracked)$/,
    ranks: ANY,
    kind: 'statistics',
  },
  // Flax keeps them in a collection of their own, as `mean` and `var`.
  { of: 'path', pattern: /(^|[/.])batch_stats([/.]|$)/, ranks: ANY, kind: 'statistics' },
  {
    of: 'own',
    pattern: /^(inv_freq|freqs?(_cis|_cos|_sin)?|(cos|sin)(_cached)?|pe|positional_encoding)$/,
    ranks: ANY,
    kind: 'other',
  },
  { of: 'own', pattern: /(^|_)(mask|masked_bias|tokens?)$/, ranks: ANY, kind: 'other' },
  {
    of: 'own',
    pattern: /(^|_)(pos|position|positional|relative_position|token)(_?emb\w*|_bias_table)$/,
    ranks: [2, Number.POSITIVE_INFINITY],
    kind: 'embedding',
  },
  { of: 'own', pattern: /(^|_)(pos|position|positional|token|class)_?emb\w*$/, ranks: ANY, kind: 'other' },
  { of: 'own', pattern: /^embeddings?$/, ranks: [2, 2], kind: 'embedding' },
  { of: 'own', pattern: /^(embeddings?|codebook|latents?|logit_scale|temperature)$/, ranks: ANY, kind: 'other' },
  // Spectral norm keeps vectors beside its kernel, weight norm the kernel's length.
  { of: 'own', pattern: /^(weight_u|weight_v|_u|_v|vector_u)$/, ranks: [0, 1], kind: 'other' },
  { of: 'own', pattern: /^(weight_g|original0)$/, ranks: ANY, kind: 'norm' },
  // By class.
  { of: 'class', pattern: /norm(alization)?(_?\d?d)?$/, own: STATISTIC, ranks: ANY, kind: 'statistics' },
  { of: 'class', pattern: /norm(alization)?(_?\d?d)?$/, ranks: ANY, kind: 'norm' },
  { of: 'class', pattern: /embed(ding)?(_bag)?$/, ranks: [2, 2], kind: 'embedding' },
  { of: 'class', pattern: /embed(ding)?(_bag)?$/, ranks: ANY, kind: 'other' },
  // A bias with three axes is a mask, as in GPT-2.
  { of: 'own', pattern: /(^|_)bias$/, ranks: [2, 2], kind: 'bias' },
  { of: 'own', pattern: /(^|_)bias$/, ranks: [3, Number.POSITIVE_INFINITY], kind: 'other' },
  { of: 'class', pattern: /./, ranks: [1, Number.POSITIVE_INFINITY], kind: 'rank' },
  // By name. A normalization's layer ends in its word (`norm1`, `q_norm`, `LayerNorm_0`), which `norm_proj` does not.
  { of: 'own', pattern: /^(scale|weight)$/, ranks: [1, 1], kind: 'norm' },
  { of: 'layer', pattern: NORM_LAYER, own: STATISTIC, ranks: ANY, kind: 'statistics' },
  { of: 'layer', pattern: NORM_LAYER, ranks: [1, 1], kind: 'norm' },
  {
    of: 'layer',
    pattern: /^((batch|layer|group|instance|rms)_?norm(alization)?|norm|bn|ln)(_?\d+)*$/,
    ranks: ANY,
    kind: 'norm',
  },
  // An embedding's table is its `weight`, a `kernel` never one. A patch embedding of more axes is a convolution.
  {
    of: 'layer',
    pattern: /(^|_)(emb|embed|embeds|embedding|embeddings|embedder)(_?\d+)*$/,
    own: /^weight$/,
    ranks: [2, 2],
    kind: 'embedding',
  },
  {
    of: 'layer',
    pattern: /^(embed_(in|tokens|positions)|wte|wpe|shared|relative_attention_bias|lookup_table)$/,
    own: /^weight$/,
    ranks: [2, 2],
    kind: 'embedding',
  },
  { of: 'layer', pattern: /^codebook$/, own: /^weight$/, ranks: [2, 2], kind: 'other' },
  { of: 'own', pattern: /(^|_)(emb|embed)$|^(wte|wpe)$/, ranks: [2, 2], kind: 'embedding' },
];

/** Own names of tensors that may stand behind their layer's with `_` alone: `conv1_bn_gamma`. */
export const OWN_NAMES =
  /^(.*?)[/._]((?:depthwise_|pointwise_|recurrent_)?(?:kernel|bias)|weight|gamma|beta|scale|(?:moving|running)_(?:mean|variance|var)|embeddings)$/;

/** `LayerNorm_0` as `layer_norm_0`. */
const snake = (name: string) =>
  name
    .replace(/([a-z\d])([A-Z])/g, '$1_$2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1_$2')
    .toLowerCase();

/** The tensor's own name and that of its layer, without the numbers that containers give. */
function splitName(name: string): { layer: string; own: string; path: string } {
  const plain = name.replace(/:\d+$/, '');
  const match = OWN_NAMES.exec(plain);
  const cut = Math.max(plain.lastIndexOf('/'), plain.lastIndexOf('.'));
  const path = match?.[1] ?? plain.slice(0, Math.max(cut, 0));
  const own = match?.[2] ?? plain.slice(cut + 1);
  return { layer: snake(path.split(/[/.]/).at(-1) as string), own: own.toLowerCase(), path };
}

function kindOfRank(rank: number): TensorKind {
  if (rank === 0) return 'other';
  if (rank >= 3) return 'conv';
  return rank === 2 ? 'fc' : 'bias';
}

/**
 * The kind of a tensor by itself.
 *
 * @param name the tensor's full name with its layer, e.g. `batch_normalization_1/gamma` or `layer1.0.bn1.weight`.
 * @param layerClass class of its layer, where the file says it: `BatchNormalization`, `batch_normalization`.
 */
function chooseKind(name: string, shape: readonly number[], layerClass?: string): ChosenKind {
  const rank = shape.length;
  const { layer, own, path } = splitName(name);
  const texts = { class: layerClass === undefined ? '' : snake(layerClass), layer, own, path };
  const rule = KIND_RULES.find(
    ({ of, pattern, own: also, ranks: [least, most] }) =>
      rank >= least && rank <= most && pattern.test(texts[of]) && (also === undefined || also.test(own)),
  );
  if (rule === undefined || rule.kind === 'rank') return { kind: kindOfRank(rank), by: 'rank' };
  return { kind: rule.kind, by: rule.of === 'class' ? 'class' : 'name' };
}

/**
 * The kind of a tensor: `norm`, `embedding`, `statistics` and `other` by name, then `conv` from rank 3, `fc` for rank 2,
 * `bias` for rank 1.
 *
 * @param name the tensor's full name with its layer, e.g. `batch_normalization_1/gamma` or `layer1.0.bn1.weight`.
 */
export function tensorKind(name: string, shape: readonly number[]): TensorKind {
  return chooseKind(name, shape).kind;
}

/** A tensor whose kind {@link chooseKinds} decides. */
export interface UnsortedTensor {
  name: string;
  shape: readonly number[];
  layerClass?: string;
}

/**
 * The kinds of all tensors of a network: as {@link tensorKind}, and `norm` for the offset of a layer whose scale is one
 * (`layers.1.weight` of rank 1 in a PyTorch network says that `layers.1` is a normalization).
 */
export function chooseKinds(tensors: readonly UnsortedTensor[]): ChosenKind[] {
  const chosen = tensors.map(({ name, shape, layerClass }) => chooseKind(name, shape, layerClass));
  const normLayers = new Set(
    tensors.flatMap(({ name }, i) => (chosen[i].kind === 'norm' ? [splitName(name).path] : [])),
  );
  return chosen.map((choice, i) => {
    const { own, path } = splitName(tensors[i].name);
    const isOffset = choice.kind !== 'norm' && (own === 'bias' || own === 'offset') && normLayers.has(path);
    return isOffset ? { kind: 'norm', by: 'layer' } : choice;
  });
}
