// The chain: what a GPT predicts after every context, as log-probabilities, and what it amounts to on a corpus.
//
// A *state* is a context of K tokens; after token t it is the state (s mod V^(K−1))·V + t. Short contexts are those of
// fewer tokens, with which a text begins.

import { successor } from "../contexts";
import type { Decoding } from "../decoding";
import type { Corpus } from "./corpus";
import { decode } from "./decode";
import { Activations, forward, type GPT } from "./gpt";
import { logSoftmax } from "./softmax";
import { finish, type Steps } from "./steps";
import { countRows, fullTree, placeOf } from "./tree";

// Rows that are read at a time: what they need stays in the processor's cache.
const ROWS = 512;

export class Chain {
  readonly nStates: number;
  readonly nShort: number;
  /** (nStates, V): the log-probability of each token in each state. */
  readonly logProbs: Float64Array;

  /** `table`: (nShort + nStates, V), log-probabilities after every context, short ones first. */
  constructor(
    readonly vocabSize: number,
    readonly contextLength: number,
    readonly table: Float64Array,
  ) {
    this.nStates = vocabSize ** contextLength;
    this.nShort = countRows(vocabSize, contextLength - 1);
    this.logProbs = table.subarray(this.nShort * vocabSize);
  }

  /** The chain that a GPT is. */
  static ofGPT(gpt: GPT): Chain {
    return finish(Chain.stepsOfGPT(gpt));
  }

  /** The same in steps: contexts that begin alike are read together, in blocks that have their beginning in common. */
  static *stepsOfGPT(gpt: GPT): Steps<Chain> {
    const { vocab_size: V, block_size: K } = gpt.config;
    const table = new Float64Array(countRows(V, K) * V);
    let shared = 0;
    while (shared < K - 1 && countRows(V, K - shared) > ROWS) shared++;
    const tree = fullTree(V, K, shared);
    const a = new Activations(gpt.config, tree.rows, false);
    for (let beginning = 0; beginning < V ** shared; beginning++) {
      for (let row = shared - 1, rest = beginning; row >= 0; row--, rest = Math.floor(rest / V)) tree.tokens[row] = rest % V;
      forward(gpt, tree, a);
      for (let length = 1, row = 0; length <= K; length++) {
        const many = length <= shared ? 1 : V ** (length - shared);
        const first = length <= shared ? Math.floor(beginning / V ** (shared - length)) : beginning * many;
        const place = placeOf(first, length, V);
        for (let i = 0; i < many; i++, row++) logSoftmax(table, (place + i) * V, a.logits, row * V, V);
      }
      yield;
    }
    return new Chain(V, K, table);
  }

  /** The state that a token leads to. */
  successor(state: number, token: number): number {
    return successor(state, token, this.vocabSize, this.contextLength);
  }

  /** The chain under rules of decoding. */
  decoded(decoding: Decoding): Chain {
    return new Chain(this.vocabSize, this.contextLength, decode(this.table, this.vocabSize, decoding));
  }

  /** Where a distribution over states is one token later, written to `moved`. */
  advance(moved: Float64Array, distribution: Float64Array, probs: Float64Array): void {
    const { vocabSize: V, nStates: N } = this;
    const apart = N / V; // the states that lead to the same ones differ in their oldest token alone
    for (let newer = 0; newer < apart; newer++) {
      for (let token = 0; token < V; token++) {
        let sum = 0;
        for (let state = newer; state < N; state += apart) sum += distribution[state]! * probs[state * V + token]!;
        moved[newer * V + token] = sum;
      }
    }
  }

  /** The mean loss on a corpus, in nats per token; infinite if something that occurs is ruled out. */
  loss(corpus: Corpus, positions: "last" | "all" = "last"): number {
    const { vocabSize: V, contextLength: K } = this;
    const first = positions === "last" ? K : 1;
    let loss = 0;
    for (let length = first; length <= K; length++) {
      for (const [number, counts] of corpus.prefixCounts(length)) {
        const at = placeOf(number, length, V) * V;
        for (let v = 0; v < V; v++) if (counts[v]! > 0) loss -= counts[v]! * this.table[at + v]!;
      }
    }
    return loss / (corpus.nExamples * (K - first + 1));
  }
}
