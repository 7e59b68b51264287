// The gradient of the loss, by hand: what forward does, from its end to its beginning.

import { attentionBackward } from "./attention";
import { geluBackward } from "./gelu";
import type { Activations, BlockActivations, GPT } from "./gpt";
import { layerNormBackward } from "./layernorm";
import { linearBackward } from "./linear";
import type { PrefixTree } from "./tree";
import type { BlockPlaces } from "./weights";

/** Room for the gradients of a tree's rows. */
export class Gradients {
  readonly dx: Float64Array; // (rows, C), of the residual stream
  readonly narrow: Float64Array; // (rows, C)
  readonly wide: Float64Array; // (rows, 4C)
  readonly qkv: Float64Array; // (rows, 3C)
  readonly logits: Float64Array; // (rows, V)

  constructor({ config: { n_embd: C, vocab_size: V } }: GPT, rows: number) {
    this.dx = new Float64Array(rows * C);
    this.narrow = new Float64Array(rows * C);
    this.wide = new Float64Array(rows * 4 * C);
    this.qkv = new Float64Array(rows * 3 * C);
    this.logits = new Float64Array(rows * V);
  }
}

/**
 * Write the gradient of every weight to `gradient`, from that of the logits, `g.logits`, of the rows `from` to `to`.
 * Other rows have no part in the loss but as ancestors of these, and all ancestors stand before row `to`.
 */
export function backward(
  gpt: GPT, tree: PrefixTree, a: Activations, g: Gradients, gradient: Float64Array, from: number, to: number,
): void {
  const { n_embd: C, vocab_size: V } = gpt.config;
  gradient.fill(0);
  g.dx.fill(0, 0, to * C);
  linearBackward(g.narrow, g.logits, a.out, gradient, gpt.weights, 0, -1, from, to, C, V);
  layerNormBackward(
    g.dx, g.narrow, a.normed, a.scale, gradient, gpt.weights, gpt.ends.lnWeight, gpt.ends.lnBias, from, to, C,
  );
  for (let layer = gpt.blocks.length - 1; layer >= 0; layer--) {
    blockBackward(gpt, gpt.blocks[layer]!, tree, a.blocks[layer]!, g, gradient, from, to);
    from = 0; // by attention it has reached all ancestors
  }
  for (let row = 0; row < to; row++) {
    const token = tree.tokens[row]! * C;
    const position = gpt.ends.wpe + tree.positions[row]! * C;
    for (let c = 0; c < C; c++) {
      gradient[token + c]! += g.dx[row * C + c]!;
      gradient[position + c]! += g.dx[row * C + c]!;
    }
  }
}

function blockBackward(
  gpt: GPT, at: BlockPlaces, tree: PrefixTree, b: BlockActivations, g: Gradients, gradient: Float64Array,
  from: number, to: number,
): void {
  const { n_embd: C, n_head, block_size: K } = gpt.config;
  const w = gpt.weights;
  linearBackward(g.wide, g.dx, b.hidden, gradient, w, at.projWeight, at.projBias, from, to, 4 * C, C);
  geluBackward(g.wide, b.below, b.wide, from * 4 * C, to * 4 * C);
  linearBackward(g.narrow, g.wide, b.in2, gradient, w, at.fcWeight, at.fcBias, from, to, C, 4 * C);
  layerNormBackward(g.dx, g.narrow, b.normed2, b.scale2, gradient, w, at.ln2Weight, at.ln2Bias, from, to, C);

  linearBackward(g.narrow, g.dx, b.gathered, gradient, w, at.attnProjWeight, at.attnProjBias, from, to, C, C);
  g.qkv.fill(0, 0, to * 3 * C);
  attentionBackward(g.qkv, g.narrow, b.taken, b.qkv, tree, from, to, n_head, C, K);
  linearBackward(g.narrow, g.qkv, b.in1, gradient, w, at.attnWeight, at.attnBias, 0, to, C, 3 * C);
  layerNormBackward(g.dx, g.narrow, b.normed1, b.scale1, gradient, w, at.ln1Weight, at.ln1Bias, 0, to, C);
}
