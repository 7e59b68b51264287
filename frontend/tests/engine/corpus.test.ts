import assert from "node:assert/strict";
import test from "node:test";
import { Corpus } from "../../src/engine/corpus";
import { close, corpusOf, trainings } from "./goldens";

test("a text is its counts: the article's four contexts, and what follows each", () => {
  const corpus = Corpus.ofTokens([..."111101111011110"].map(Number), 2, 3);
  assert.deepEqual([...corpus.states], [0b011, 0b101, 0b110, 0b111]);
  assert.deepEqual([...corpus.counts], [0, 2, 0, 2, 0, 2, 3, 3]);
  assert.equal(corpus.nExamples, 12);
  close([corpus.floor()], [0.5 * Math.log(2)], 1e-15); // half the examples are a coin, the others certain
});

test("no window crosses the border between two sequences", () => {
  const corpus = Corpus.ofTokens([0, 1, -1, 1, 0], 2, 1);
  assert.deepEqual([[...corpus.states], [...corpus.counts]], [[0, 1], [0, 1, 1, 0]]);
});

test("a sequence of a single context ends there, though no example leads to it", () => {
  assert.deepEqual(Corpus.ofTokens([0, 0, 1, -1, 1, 1], 2, 2).endStates, [0b01, 0b11]);
});

test("examples, floors and the states in which the data ends are the library's", () => {
  for (const row of trainings) {
    const corpus = corpusOf(row);
    assert.deepEqual(corpus.endStates, row.end_states);
    close([corpus.nExamples, corpus.floor(), corpus.floor("all")], [row.n_examples, ...row.floors], 1e-11, 1e-15);
  }
});
