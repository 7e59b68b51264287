// The GPT: a decoder-only transformer in the style of GPT-2, as src/babygpt/gpt/model.py has it, in double precision.
//
// Token and position embeddings are added; each block normalises before attention and before its feed-forward part and
// adds the result to what came in; token embedding and output head are one matrix. It reads a prefix tree: every row is a
// token that is read once, whatever contexts it belongs to.

import { attention } from "./attention";
import type { GPTConfig } from "./config";
import { gelu } from "./gelu";
import { layerNorm } from "./layernorm";
import { linear } from "./linear";
import type { PrefixTree } from "./tree";
import { blockPlaces, drawWeights, parameterPlaces, type BlockPlaces, type Place } from "./weights";

export class GPT {
  readonly places: Map<string, Place>;
  readonly blocks: readonly BlockPlaces[];
  readonly ends: { readonly wpe: number; readonly lnWeight: number; readonly lnBias: number }; // wte begins at 0

  constructor(
    readonly config: GPTConfig,
    readonly weights: Float64Array,
  ) {
    this.places = parameterPlaces(config);
    this.blocks = Array.from({ length: config.n_layer }, (_, layer) => blockPlaces(this.places, layer));
    const at = (name: string) => this.places.get(name)!.at;
    this.ends = { wpe: at("wpe.weight"), lnWeight: at("ln_f.weight"), lnBias: at("ln_f.bias") };
  }

  /** The GPT that torch.manual_seed(seed) leads to. */
  static seeded(config: GPTConfig, seed: number): GPT {
    return new GPT(config, drawWeights(config, seed));
  }
}

/** What a block computes on its way, each (rows, …): the gradient needs all of it. */
export class BlockActivations {
  readonly normed1: Float64Array;
  readonly scale1: Float64Array;
  readonly in1: Float64Array;
  readonly qkv: Float64Array;
  readonly taken: Float64Array; // (rows, n_head, K): how much each row takes from itself and its ancestors
  readonly gathered: Float64Array;
  readonly normed2: Float64Array;
  readonly scale2: Float64Array;
  readonly in2: Float64Array;
  readonly wide: Float64Array; // (rows, 4C), before GELU
  readonly below: Float64Array;
  readonly hidden: Float64Array; // (rows, 4C), after GELU

  constructor({ n_embd: C, n_head, block_size: K }: GPTConfig, rows: number) {
    const zeros = (width: number) => new Float64Array(rows * width);
    this.normed1 = zeros(C);
    this.scale1 = zeros(1);
    this.in1 = zeros(C);
    this.qkv = zeros(3 * C);
    this.taken = zeros(n_head * K);
    this.gathered = zeros(C);
    this.normed2 = zeros(C);
    this.scale2 = zeros(1);
    this.in2 = zeros(C);
    this.wide = zeros(4 * C);
    this.below = zeros(4 * C);
    this.hidden = zeros(4 * C);
  }
}

/** Room for a GPT to read trees of up to `rows` rows; `keep`: each block's activations have their own, for a gradient. */
export class Activations {
  readonly blocks: readonly BlockActivations[];
  readonly x: Float64Array; // (rows, C), the residual stream
  readonly added: Float64Array; // (rows, C), what is added to it
  readonly normed: Float64Array;
  readonly scale: Float64Array;
  readonly out: Float64Array; // (rows, C), the residual stream after the last block, normalised
  readonly logits: Float64Array; // (rows, V)

  constructor(config: GPTConfig, readonly rows: number, keep: boolean) {
    const { n_embd: C, n_layer, vocab_size: V } = config;
    const shared = keep ? null : new BlockActivations(config, rows);
    this.blocks = Array.from({ length: n_layer }, () => shared ?? new BlockActivations(config, rows));
    this.x = new Float64Array(rows * C);
    this.added = new Float64Array(rows * C);
    this.normed = new Float64Array(rows * C);
    this.scale = new Float64Array(rows);
    this.out = new Float64Array(rows * C);
    this.logits = new Float64Array(rows * V);
  }
}

/**
 * Read a tree: the logits of what follows each row come to stand in `a.logits`. `after` is called with the number of
 * layers done, 0 first, whenever the residual stream `a.x` has come so far.
 */
export function forward(gpt: GPT, tree: PrefixTree, a: Activations, after?: (layers: number) => void): void {
  const { n_embd: C } = gpt.config;
  const w = gpt.weights;
  for (let row = 0; row < tree.rows; row++) {
    const token = tree.tokens[row]! * C;
    const position = gpt.ends.wpe + tree.positions[row]! * C;
    for (let c = 0; c < C; c++) a.x[row * C + c] = w[token + c]! + w[position + c]!;
  }
  for (let layer = 0; layer < gpt.blocks.length; layer++) {
    after?.(layer);
    block(gpt, gpt.blocks[layer]!, tree, a, a.blocks[layer]!);
  }
  after?.(gpt.blocks.length);
  readOut(gpt, a, tree.rows);
}

/** One layer: attention, then the feed-forward part, each added to the residual stream. */
function block(gpt: GPT, at: BlockPlaces, tree: PrefixTree, a: Activations, b: BlockActivations): void {
  const { n_embd: C, n_head, block_size: K } = gpt.config;
  const w = gpt.weights;
  const rows = tree.rows;
  layerNorm(b.in1, b.normed1, b.scale1, a.x, w, at.ln1Weight, at.ln1Bias, rows, C);
  linear(b.qkv, b.in1, w, at.attnWeight, at.attnBias, 0, rows, C, 3 * C);
  attention(b.gathered, b.taken, b.qkv, tree, n_head, C, K);
  linear(a.added, b.gathered, w, at.attnProjWeight, at.attnProjBias, 0, rows, C, C);
  add(a.x, a.added, rows * C);

  layerNorm(b.in2, b.normed2, b.scale2, a.x, w, at.ln2Weight, at.ln2Bias, rows, C);
  linear(b.wide, b.in2, w, at.fcWeight, at.fcBias, 0, rows, C, 4 * C);
  gelu(b.hidden, b.below, b.wide, rows * 4 * C);
  linear(a.added, b.hidden, w, at.projWeight, at.projBias, 0, rows, 4 * C, C);
  add(a.x, a.added, rows * C);
}

/** The logits that the residual stream `a.x` has by now: what the GPT would predict if it stopped here. */
export function readOut(gpt: GPT, a: Activations, rows: number): void {
  const { n_embd: C, vocab_size: V } = gpt.config;
  layerNorm(a.out, a.normed, a.scale, a.x, gpt.weights, gpt.ends.lnWeight, gpt.ends.lnBias, rows, C);
  linear(a.logits, a.out, gpt.weights, 0, -1, 0, rows, C, V);
}

function add(x: Float64Array, y: Float64Array, n: number): void {
  for (let i = 0; i < n; i++) x[i]! += y[i]!;
}
