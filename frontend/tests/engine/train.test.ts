import assert from "node:assert/strict";
import test from "node:test";
import { ARTICLE_GPT, ARTICLE_TRAINING } from "../../src/engine/config";
import { Corpus } from "../../src/engine/corpus";
import { GPT } from "../../src/engine/gpt";
import { DivergedError, Trainer } from "../../src/engine/train";
import { close, corpusOf, trainings } from "./goldens";

const article = Corpus.ofTokens([..."111101111011110"].map(Number), 2, 3);
const seeded = () => GPT.seeded(ARTICLE_GPT, 1337);
/** The probability of one token, 0 or 1, after each of the eight states, from a table with the six short contexts. */
const ofToken = (table: Float64Array, token: number) => Array.from({ length: 8 }, (_, s) => Math.exp(table[2 * (6 + s) + token]!));

test("the article's numbers come out as it prints them: untrained, the losses, trained", () => {
  const trainer = new Trainer(seeded(), article, ARTICLE_TRAINING, true);
  const table = new Float64Array(28);
  const losses = [trainer.step()];
  trainer.table(table);
  const untrained = [0.496335, 0.4515704, 0.4964836, 0.4518111, 0.4961162, 0.4517718, 0.4962803, 0.4520468];
  close(ofToken(table, 0), untrained, 0, 1e-7);
  while (losses.length < 50) losses.push(trainer.step());
  close([losses[0]!, losses[1]!], [0.663539469, 0.639351010], 0, 1e-8);
  close([losses[49]!], [0.4699831], 0, 5e-8);
  trainer.step();
  trainer.table(table); // as they were before that step
  close(ofToken(table, 1), [0.7316, 0.7814, 0.7578, 0.7956, 0.7475, 0.7929, 0.7799, 0.4536], 0, 5e-5);
});

test("losses and probabilities are the library's over fifty steps, for any shape, text and setting", () => {
  for (const row of trainings) {
    const { config, training, losses, first, last } = row;
    const what = JSON.stringify({ ...config, ...training });
    const corpus = corpusOf(row);
    const alone = new Trainer(GPT.seeded(config, training.seed), corpus, training);
    const watched = new Trainer(GPT.seeded(config, training.seed), corpus, training, true);
    const table = new Float64Array(first.length);
    losses.forEach((loss, step) => {
      close([alone.step(), watched.step()], [loss, loss], 0, 1e-5, `loss ${step} of ${what}`);
      if (step) return;
      watched.table(table);
      close(table.map(Math.exp), first, 0, 1e-6, `untrained ${what}`);
    });
    watched.step();
    watched.table(table);
    close(table.map(Math.exp), last, 0, 1e-5, `trained ${what}`);
  }
});

test("a training goes on from where another stopped, to the last bit", () => {
  const settings = { ...ARTICLE_TRAINING, batch_size: 4 };
  const whole = new Trainer(seeded(), article, settings);
  const begun = new Trainer(seeded(), article, settings);
  for (let i = 0; i < 5; i++) begun.step();
  const resumed = new Trainer(new GPT(ARTICLE_GPT, begun.gpt.weights.slice()), article, settings, false, 5, begun.adamw);
  for (let i = 0; i < 5; i++) whole.step();
  for (let i = 0; i < 5; i++) assert.equal(resumed.step(), whole.step());
  assert.deepEqual(resumed.gpt.weights, whole.gpt.weights);
});

test("a training that breaks the GPT says so, and keeps it as it was at the last sound step", () => {
  const trainer = new Trainer(seeded(), article, { ...ARTICLE_TRAINING, learning_rate: 1e200 }, true);
  let last = trainer.gpt.weights.slice();
  assert.throws(() => {
    for (;;) {
      last = trainer.gpt.weights.slice();
      trainer.step();
    }
  }, DivergedError);
  assert.ok(trainer.gpt.weights.every(Number.isFinite));
  assert.equal(trainer.stepsDone, 0); // the first update alone broke it
  assert.notDeepEqual(trainer.gpt.weights, last);
});

test("each gradient is what the loss gains by a small change of the weight", () => {
  // AdamW's first step divides the gradient by its size, so it is read from the running mean, a tenth of it
  const settings = { ...ARTICLE_TRAINING, positions: "all", learning_rate: 1e-300, weight_decay: 0 } as const;
  const config = { ...ARTICLE_GPT, n_layer: 2, bias: true };
  const gpt = GPT.seeded(config, 3);
  gpt.weights.forEach((value, i) => (gpt.weights[i] = value + 0.3 * Math.sin(i * i))); // where nothing is nearly linear
  const trainer = new Trainer(gpt, article, settings);
  trainer.step();
  const loss = (i: number, by: number) => {
    const weights = gpt.weights.slice();
    weights[i]! += by;
    return new Trainer(new GPT(config, weights), article, settings).step();
  };
  for (let i = 0; i < gpt.weights.length; i += 61) {
    const slope = (loss(i, 1e-5) - loss(i, -1e-5)) / 2e-5;
    close([trainer.adamw.mean[i]! * 10], [slope], 1e-6, 1e-9, `weight ${i}`);
  }
});
