// The corpus: what a GPT can learn from a text, which is nothing but counts, as src/babygpt/gpt/corpus.py has it.
//
// A text of L tokens is L − K examples, each a context of K tokens with the token after it. The order of the examples
// does not enter the loss, so the text is a table: each distinct context once, with how often every token followed it.

import { contextOf, successor } from "../contexts";

/** Between two sequences of a text: no window crosses it. */
export const BORDER = -1;

export class Corpus {
  /** The M contexts that occur, by the number of their state, in order. */
  readonly states: Float64Array;
  /** (M, V): how often, or with what weight, each token followed each of them. */
  readonly counts: Float64Array;
  /** How many examples there are, or what all weights add up to. */
  readonly nExamples: number;

  /** The states in which the data ends and that it never leaves, in order. */
  readonly endStates: number[];

  /**
   * `weighted`: the numbers of `table`, by state, are weights and no counts. `ends`: states in which a sequence ended,
   * which need be told only if no example leads there.
   */
  constructor(
    readonly vocabSize: number,
    readonly contextLength: number,
    table: ReadonlyMap<number, ArrayLike<number>>,
    readonly weighted = false,
    ends: readonly number[] = [],
  ) {
    const followed = [...table].filter(([, row]) => Array.from(row).some((count) => count > 0)).sort(([a], [b]) => a - b);
    this.states = Float64Array.from(followed, ([state]) => state);
    this.counts = Float64Array.from(followed.flatMap(([, row]) => Array.from(row)));
    this.nExamples = this.counts.reduce((a, b) => a + b, 0);
    const reached = followed.flatMap(([state, row]) =>
      Array.from(row, (count, token) => (count > 0 ? successor(state, token, vocabSize, contextLength) : -1)),
    );
    const left = new Set(this.states);
    this.endStates = [...new Set([...reached, ...ends])].filter((s) => s >= 0 && !left.has(s)).sort((a, b) => a - b);
  }

  /** The counts of a text, as tokens; each BORDER begins another sequence. */
  static ofTokens(tokens: ArrayLike<number>, vocabSize: number, contextLength: number): Corpus {
    const table = new Map<number, Float64Array>();
    const ends: number[] = [];
    let state = 0;
    for (let i = 0, length = 0; i <= tokens.length; i++) {
      const token = i < tokens.length ? tokens[i]! : BORDER;
      if (token === BORDER) {
        if (length === contextLength) ends.push(state); // too short for an example
        state = length = 0;
        continue;
      }
      if (length++ >= contextLength) {
        let row = table.get(state);
        if (!row) table.set(state, (row = new Float64Array(vocabSize)));
        row[token]!++;
      }
      state = successor(state, token, vocabSize, contextLength);
    }
    return new Corpus(vocabSize, contextLength, table, false, ends);
  }

  /** The contexts that occur, as tokens. */
  contexts(): number[][] {
    return Array.from(this.states, (state) => contextOf(state, this.vocabSize, this.contextLength));
  }

  /** What follows the first `length` tokens of the contexts, by the number of these tokens. */
  prefixCounts(length: number): Map<number, Float64Array> {
    const { vocabSize: V, contextLength: K } = this;
    const table = new Map<number, Float64Array>();
    this.states.forEach((state, i) => {
      const prefix = Math.floor(state / V ** (K - length));
      let row = table.get(prefix);
      if (!row) table.set(prefix, (row = new Float64Array(V)));
      const own = this.counts.subarray(i * V, (i + 1) * V);
      if (length === K) row.set(own);
      else row[Math.floor(state / V ** (K - length - 1)) % V]! += own.reduce((a, b) => a + b);
    });
    return table;
  }

  /** The lowest mean loss that the data allows, in nats per token; on all positions over 1, 2, … K tokens of context. */
  floor(positions: "last" | "all" = "last"): number {
    const K = this.contextLength;
    if (positions === "last") return entropy(this.prefixCounts(K));
    return Array.from({ length: K }, (_, i) => entropy(this.prefixCounts(i + 1))).reduce((a, b) => a + b) / K;
  }
}

/** The mean entropy, in nats, of the next token given the row, weighted by the rows' counts. */
function entropy(table: ReadonlyMap<number, Float64Array>): number {
  let [sum, total] = [0, 0];
  for (const row of table.values()) {
    const all = row.reduce((a, b) => a + b);
    total += all;
    for (const count of row) if (count > 0) sum -= count * Math.log(count / all);
  }
  return total && sum / total;
}
