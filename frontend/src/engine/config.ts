// The shape of a GPT and how it is trained: the names and the defaults of babygpt.GPTConfig and babygpt.TrainConfig.

/** The shape of a GPT; the defaults are the article's, 12,656 parameters. */
export interface GPTConfig {
  readonly block_size: number; // K, the context length in tokens
  readonly vocab_size: number; // V, the number of symbols
  readonly n_layer: number;
  readonly n_head: number;
  readonly n_embd: number; // C, the width, which the heads divide
  readonly bias: boolean; // whether the four linear maps of a block have one; LayerNorm always has
}

/** How to train; the defaults are the article's. */
export interface TrainConfig {
  readonly steps: number;
  readonly learning_rate: number;
  readonly weight_decay: number;
  readonly positions: "last" | "all"; // predict the token after whole contexts, or after each of their prefixes too
  readonly batch_size: number | null; // examples drawn for each step; null: the whole corpus
  readonly seed: number; // draws the weights and the batches
}

export const ARTICLE_GPT: GPTConfig = { block_size: 3, vocab_size: 2, n_layer: 4, n_head: 4, n_embd: 16, bias: false };
export const ARTICLE_TRAINING: TrainConfig = {
  steps: 50,
  learning_rate: 1e-3,
  weight_decay: 0.1,
  positions: "last",
  batch_size: null,
  seed: 1337,
};
