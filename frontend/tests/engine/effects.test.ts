import assert from "node:assert/strict";
import test from "node:test";
import { PLAIN } from "../../src/decoding";
import { ARTICLE_TRAINING, type GPTConfig, type TrainConfig } from "../../src/engine/config";
import { changedCorpus, ChangedTrainings, leftOut, otherTokens } from "../../src/engine/effects";
import { close, golden } from "./goldens";

interface Effects {
  readonly config: GPTConfig;
  readonly steps: number;
  readonly positions: TrainConfig["positions"];
  readonly by: "token" | "window";
  readonly tokens: number[];
  readonly places: number[];
  readonly replacements: number[];
  readonly base: number[];
  readonly n_trained: number;
  readonly changed: number[][];
}

test("every arrow with a token changed, or a window left out, is the library's", () => {
  for (const row of golden<Effects>("effects")) {
    const { vocab_size: V, block_size: K } = row.config;
    const changes =
      row.by === "window"
        ? leftOut(row.tokens, K)
        : row.tokens.flatMap((token, place) => (token < 0 ? [] : otherTokens(row.tokens, place, V)));
    assert.deepEqual(changes.map(({ place }) => place), row.places);
    assert.deepEqual(changes.map(({ token }) => token ?? -1), row.replacements);
    const settings = { ...ARTICLE_TRAINING, positions: row.positions };
    const asked = new ChangedTrainings(row.tokens, changes, row.config, settings, row.steps);
    assert.equal(asked.trainings.members.length, row.n_trained); // what gives the same counts is trained once
    asked.trainings.advance();
    changes.forEach((_, i) => close(asked.changed(i, V, PLAIN), row.changed[i]!, 0, 1e-5, `change ${i}`));
    const base = Float64Array.from(row.base);
    const effect = asked.effect(base, [0, 1], V, PLAIN);
    close(effect, base.map((p, i) => p - (row.changed[0]![i]! + row.changed[1]![i]!) / 2), 0, 1e-5);
  }
});

test("without a window one count is one less", () => {
  const corpus = changedCorpus([0, 1, 0, 1, 0], 2, 1, { place: 1, token: null });
  assert.deepEqual([[...corpus.states], [...corpus.counts]], [[0, 1], [0, 2, 1, 0]]);
});
