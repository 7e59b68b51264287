import assert from "node:assert/strict";
import test from "node:test";
import { Chain } from "../../src/engine/chain";
import { ARTICLE_GPT, ARTICLE_TRAINING } from "../../src/engine/config";
import { Corpus } from "../../src/engine/corpus";
import { GPT } from "../../src/engine/gpt";
import { mixingSteps } from "../../src/engine/mixing";
import { endings, entropyRate, longRunSteps, stationarySteps } from "../../src/engine/stationary";
import { finish } from "../../src/engine/steps";
import { periodOf, recurrentClasses } from "../../src/engine/structure";
import { Trainer } from "../../src/engine/train";
import type { Decoding } from "../../src/decoding";
import { close, golden, trainings } from "./goldens";

interface Analysed {
  readonly vocab_size: number;
  readonly context_length: number;
  readonly decoding: Decoding;
  readonly table: number[];
  readonly decoded: number[];
  readonly classes: number[][];
  readonly periods: number[];
  readonly stationary: number[][];
  readonly endings: number[];
  readonly entropy_rate: number | null;
  readonly mixing_time: number | null;
  readonly tokens: number[];
  readonly losses: [number, number];
}

const chains = golden<Analysed>("chains").map((row) => {
  const chain = new Chain(row.vocab_size, row.context_length, Float64Array.from(row.table));
  return { row, chain, decoded: chain.decoded(row.decoding), what: `${row.vocab_size}^${row.context_length} ${JSON.stringify(row.decoding)}` };
});

test("every context of a GPT is read as the library reads it, for any shape", () => {
  for (const { config, training, first } of trainings) {
    const chain = Chain.ofGPT(GPT.seeded(config, training.seed));
    close(chain.table.map(Math.exp), first, 0, 1e-6, JSON.stringify(config));
  }
});

test("what is read in blocks is what a training that reads everything sees", () => {
  const config = { ...ARTICLE_GPT, block_size: 10, n_layer: 1 }; // 2,046 rows, in eight blocks or more
  const gpt = GPT.seeded(config, 0);
  const chain = Chain.ofGPT(gpt);
  const corpus = Corpus.ofTokens([..."010011010111001"].map(Number), 2, 10);
  const trainer = new Trainer(gpt, corpus, ARTICLE_TRAINING, true);
  trainer.step();
  const table = new Float64Array(chain.table.length);
  trainer.table(table);
  close(chain.table, table, 1e-13);
});

test("decoding leaves what the library's leaves, its zeros too", () => {
  for (const { row, decoded, what } of chains) {
    const probs = decoded.logProbs.map(Math.exp);
    close(probs, row.decoded, 1e-9, 0, what);
    assert.ok(decoded.logProbs.every((log, i) => log > -Infinity || row.decoded[i] === 0), what);
  }
});

test("recurrent classes and their periods are the library's", () => {
  for (const { row, decoded, what } of chains) {
    const classes = recurrentClasses(decoded);
    assert.deepEqual(classes.map((states) => [...states]), row.classes, what);
    assert.deepEqual(classes.map((states) => periodOf(decoded, states)), row.periods, what);
  }
});

test("the long run of each class, and the entropy rate, are the library's", () => {
  for (const { row, decoded, what } of chains) {
    recurrentClasses(decoded).forEach((states, i) => {
      const pi = finish(stationarySteps(decoded, states))!;
      close(pi, row.stationary[i]!, 1e-9, 1e-9, what);
      if (row.entropy_rate !== null) close([entropyRate(decoded, pi)], [row.entropy_rate], 1e-9, 1e-12, what);
    });
  }
});

test("the long run keeps its digits where states hardly communicate, and where arrows are too rare for a float", () => {
  for (const [rare, digits] of [[-20, 1e-14], [-800, 1e-12]] as const) {
    // 0 is left once in e²⁰ or e⁸⁰⁰ tokens, 1 twice as often
    const leave = [rare, rare + Math.LN2];
    const logs = [Math.log1p(-Math.exp(leave[0]!)), leave[0]!, leave[1]!, Math.log1p(-Math.exp(leave[1]!))];
    const chain = new Chain(2, 1, Float64Array.from(logs));
    close(finish(stationarySteps(chain, Int32Array.of(0, 1)))!, [2 / 3, 1 / 3], digits);
  }
});

test("where walks end, and so the long run of several classes, is the library's", () => {
  let several = 0;
  for (const { row, decoded, what } of chains) {
    const classes = recurrentClasses(decoded);
    close(endings(decoded, classes)!, row.endings, 1e-9, 1e-12, what);
    const mixture = row.stationary[0]!.map((_, s) => row.endings.reduce((sum, share, i) => sum + share * row.stationary[i]![s]!, 0));
    close(finish(longRunSteps(decoded))!, mixture, 1e-9, 1e-9, what);
    if (classes.length > 1) several++;
  }
  assert.ok(several > 1);
});

test("the mixing time is the library's, to the token", () => {
  let finite = 0;
  for (const { row, decoded, what } of chains) {
    if (row.context_length * Math.log2(row.vocab_size) > 8 || row.classes.length > 1) continue;
    const pi = finish(stationarySteps(decoded, recurrentClasses(decoded)[0]!))!;
    const time = finish(mixingSteps(decoded, pi));
    assert.equal(Number.isFinite(time) ? time : null, row.mixing_time, what);
    if (row.mixing_time !== null) finite++;
  }
  assert.ok(finite > 4);
});

test("the loss on a corpus is the library's, on last and on all positions", () => {
  for (const { row, chain, what } of chains) {
    const corpus = Corpus.ofTokens(row.tokens, row.vocab_size, row.context_length);
    close([chain.loss(corpus), chain.loss(corpus, "all")], row.losses, 1e-11, 0, what);
  }
});
