// The effect of a part of the data on an arrow, as src/babygpt/lab/attribute.py has it: its probability as trained, less
// what it is when the same GPT is trained, from the same first weights, on the text with that token *changed* to another
// symbol, or without that *window*, a context and the token after it. Nothing is estimated.

import { stateOf } from "../contexts";
import { isPlain, type Decoding } from "../decoding";
import type { GPTConfig, TrainConfig } from "./config";
import { BORDER, Corpus } from "./corpus";
import { decode } from "./decode";
import { Trainings } from "./many";

/** Another symbol at a place of a text; or, if `token` is null, the window that begins there left out. */
export interface Change {
  readonly place: number;
  readonly token: number | null;
}

/** Every other symbol at a place, in order. */
export function otherTokens(tokens: readonly number[], place: number, V: number): Change[] {
  return Array.from({ length: V }, (_, token) => ({ place, token })).filter(({ token }) => token !== tokens[place]);
}

/** Every window of K + 1 tokens left out. */
export function leftOut(tokens: readonly number[], K: number): Change[] {
  const all = tokens.map((_, place) => ({ place, token: null }));
  return all.filter(({ place }) => {
    const window = tokens.slice(place, place + K + 1);
    return window.length === K + 1 && !window.includes(BORDER);
  });
}

/** The corpus of a text with a change. */
export function changedCorpus(tokens: readonly number[], V: number, K: number, { place, token }: Change): Corpus {
  if (token !== null) return Corpus.ofTokens(tokens.map((one, i) => (i === place ? token : one)), V, K);
  const table = Corpus.ofTokens(tokens, V, K).prefixCounts(K);
  const state = stateOf(tokens.slice(place, place + K), V);
  table.get(state)![tokens[place + K]!]!--;
  return new Corpus(V, K, table);
}

/** The trainings that tell the effects of changes: each distinct corpus is trained once. */
export class ChangedTrainings {
  readonly trainings: Trainings;
  private readonly memberOf: number[] = []; // by change

  /** `step`: the step at which the arrows are compared. */
  constructor(
    tokens: readonly number[],
    changes: readonly Change[],
    config: GPTConfig,
    training: TrainConfig,
    readonly step: number,
  ) {
    const found = new Map<string, number>();
    const corpora: Corpus[] = [];
    for (const change of changes) {
      const corpus = changedCorpus(tokens, config.vocab_size, config.block_size, change);
      const key = `${corpus.states};${corpus.counts}`;
      if (!found.has(key)) found.set(key, corpora.push(corpus) - 1);
      this.memberOf.push(found.get(key)!);
    }
    const members = corpora.map((corpus) => ({ corpus, seed: training.seed }));
    this.trainings = new Trainings(members, { config, training, recorded: [step] });
  }

  /** Every arrow (N, V) as it is with a change, under a decoding. */
  changed(change: number, V: number, decoding: Decoding): Float64Array {
    const probs = Float64Array.from(this.trainings.chain(this.memberOf[change]!, 0));
    return isPlain(decoding) ? probs : decode(probs.map(Math.log), V, decoding).map(Math.exp);
  }

  /** The effect on every arrow of what some changes have in common: `base` (N, V) less the mean of what they make of it. */
  effect(base: Float64Array, changes: readonly number[], V: number, decoding: Decoding): Float64Array {
    const all = changes.map((change) => this.changed(change, V, decoding));
    return base.map((p, arrow) => p - all.reduce((sum, probs) => sum + probs[arrow]!, 0) / all.length);
  }
}
