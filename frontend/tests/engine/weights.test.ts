import assert from "node:assert/strict";
import test from "node:test";
import { ARTICLE_GPT } from "../../src/engine/config";
import { countParameters, drawWeights, parameterPlaces } from "../../src/engine/weights";
import { close, trainings } from "./goldens";

test("the article's GPT has 12,656 parameters", () => {
  assert.equal(countParameters(ARTICLE_GPT), 12_656);
  assert.equal(drawWeights(ARTICLE_GPT, 1337).length, 12_656);
});

test("from the seed alone come the weights that torch draws, for any shape", () => {
  for (const { config, training, init } of trainings) {
    const weights = drawWeights(config, training.seed);
    const places = parameterPlaces(config);
    assert.deepEqual([...places.keys()], Object.keys(init));
    for (const [name, { at, shape }] of places) {
      const n = shape.reduce((a, b) => a * b);
      const values = weights.subarray(at, at + n);
      let [absolute, weighted] = [0, 0];
      values.forEach((value, i) => {
        absolute += Math.abs(value);
        weighted += (value * (i + 1)) / n;
      });
      const digest = [absolute, weighted, values[0]!, values[n >> 1]!, values[n - 1]!];
      close(digest, init[name]!, 1e-6, 1e-6 * 0.02, `${JSON.stringify(config)} ${name}`);
    }
  }
});
