// What the library computes, for the engine to compute again: goldens.py writes it (make goldens).

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { GPTConfig, TrainConfig } from "../../src/engine/config";
import { Corpus } from "../../src/engine/corpus";

export interface Training {
  readonly config: GPTConfig;
  readonly training: TrainConfig;
  readonly tokens: number[];
  readonly weighted: boolean; // whether the counts were divided by 7
  readonly n_examples: number;
  readonly end_states: number[];
  readonly floors: [number, number];
  readonly init: Record<string, number[]>;
  readonly losses: number[];
  readonly first: number[];
  readonly last: number[];
}

/** The rows of tests/goldens/NAME.json; tests run in frontend/. */
export function golden<Row>(name: string): Row[] {
  return JSON.parse(readFileSync(`tests/goldens/${name}.json`, "utf8")) as Row[];
}

export const trainings = golden<Training>("trainings");

export function corpusOf({ tokens, config, weighted }: Training): Corpus {
  const corpus = Corpus.ofTokens(tokens, config.vocab_size, config.block_size);
  if (!weighted) return corpus;
  const V = config.vocab_size;
  const row = (i: number) => corpus.counts.slice(i * V, (i + 1) * V).map((count) => count / 7);
  return new Corpus(V, config.block_size, new Map(Array.from(corpus.states, (state, i) => [state, row(i)])), true);
}

/** Fail unless both are numbers as many, each within `relative` of its size or `absolute`. */
export function close(found: ArrayLike<number>, wanted: ArrayLike<number>, relative: number, absolute = 0, what = ""): void {
  assert.equal(found.length, wanted.length, what);
  for (let i = 0; i < found.length; i++) {
    const off = Math.abs(found[i]! - wanted[i]!);
    if (!(off <= Math.max(relative * Math.abs(wanted[i]!), absolute))) assert.fail(`${what}[${i}]: ${found[i]}, not ${wanted[i]}`);
  }
}
