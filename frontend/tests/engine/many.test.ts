import assert from "node:assert/strict";
import test from "node:test";
import { Chain } from "../../src/engine/chain";
import { ARTICLE_GPT, ARTICLE_TRAINING } from "../../src/engine/config";
import { Corpus } from "../../src/engine/corpus";
import { GPT } from "../../src/engine/gpt";
import { quantiles, trainMember, Trainings } from "../../src/engine/many";
import { Trainer } from "../../src/engine/train";
import { close } from "./goldens";

const corpus = Corpus.ofTokens([..."111101111011110"].map(Number), 2, 3);

test("each seed is trained as it would be alone, a piece at a time", () => {
  const settings = { ...ARTICLE_TRAINING, batch_size: 6 };
  const members = [0, 1, 2].map((seed) => ({ corpus, seed }));
  const trainings = new Trainings(members, { config: ARTICLE_GPT, training: settings, recorded: [0, 4] });
  trainings.advance(0);
  assert.deepEqual([trainings.nDone, trainings.done], [0, false]);
  assert.ok(Number.isNaN(trainings.chain(2, 1)[0]));
  while (!trainings.done) trainings.advance(0);
  for (const seed of [0, 1, 2]) {
    const alone = new Trainer(GPT.seeded(ARTICLE_GPT, seed), corpus, { ...settings, seed });
    for (let i = 0; i < 4; i++) alone.step();
    close(trainings.chain(seed, 1), Chain.ofGPT(alone.gpt).logProbs.map(Math.exp), 1e-7);
  }
});

test("who keeps every chain has the same, and so has whoever takes a member", () => {
  const members = [0, 1, 2].map((seed) => ({ corpus, seed }));
  const plan = { config: ARTICLE_GPT, training: ARTICLE_TRAINING, recorded: [0, 1, 2, 3] };
  const [all, few] = [new Trainings(members, plan), new Trainings(members, { ...plan, recorded: [0, 3] })];
  few.advance();
  all.advance(0);
  const taken = all.take()!;
  const chains = new Float32Array(4 * 16);
  for (const _ of trainMember(plan, members[taken]!, chains));
  all.put(taken, chains);
  assert.deepEqual([taken, all.nDone, all.countRead(0), all.countRead(1)], [1, 0, 1, 0]);
  all.advance();
  assert.ok(all.done);
  for (const seed of [0, 1, 2]) {
    for (const frame of [0, 1]) close(all.chain(seed, 3 * frame), Float64Array.from(few.chain(seed, frame)), 1e-6);
  }
});

test("a member whose loss does not stay finite leaves no chain, and the others go on", () => {
  const training = { ...ARTICLE_TRAINING, learning_rate: 1e200 };
  const trainings = new Trainings([{ corpus, seed: 0 }], { config: ARTICLE_GPT, training, recorded: [0, 3] });
  trainings.advance();
  assert.ok(trainings.done);
  assert.ok(trainings.chain(0, 0).every(Number.isFinite));
  assert.ok(trainings.chain(0, 1).every(Number.isNaN));
});

test("quantiles lie between neighbours in proportion", () => {
  const chains = [4, 1, 3, 2].map((p) => Float32Array.of(p, 0));
  assert.deepEqual(quantiles(chains, [0, 0.5, 0.9]).map(([p]) => Math.round(p! * 1e9) / 1e9), [1, 2.5, 3.7]);
});
