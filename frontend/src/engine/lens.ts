// What happens inside a GPT while it reads one context, as src/babygpt/lens/inside.py has it: how much each position takes
// from itself and from those before it, and what the GPT would predict if it stopped after 0, 1, … layers [1].
//
// [1] nostalgebraist, "interpreting GPT: the logit lens", 2020.

import { Activations, forward, readOut, type GPT } from "./gpt";
import { logSoftmax } from "./softmax";
import { pathTree } from "./tree";

export interface Inside {
  /** attention[layer][head][i][j] is how much position i takes from position j ≤ i. */
  readonly attention: number[][][][];
  /** The next-token probabilities after 0, 1, … layers; the last are the GPT's own. */
  readonly probs: number[][];
}

/** What happens inside while a context of 1 to K tokens is read. */
export function lookInside(gpt: GPT, context: readonly number[]): Inside {
  const { vocab_size: V, block_size: K, n_head } = gpt.config;
  const T = context.length;
  const a = new Activations(gpt.config, T, true);
  const probs: number[][] = [];
  const log = new Float64Array(V);
  forward(gpt, pathTree(context), a, () => {
    readOut(gpt, a, T);
    logSoftmax(log, 0, a.logits, (T - 1) * V, V);
    probs.push(Array.from(log, Math.exp));
  });
  const attention = a.blocks.map(({ taken }) =>
    range(n_head).map((head) =>
      range(T).map((i) => range(T).map((j) => (j <= i ? taken[(i * n_head + head) * K + (i - j)]! : 0))),
    ),
  );
  return { attention, probs };
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
