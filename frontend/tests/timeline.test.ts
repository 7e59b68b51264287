import assert from "node:assert/strict";
import test from "node:test";
import { lossScale, pathOf, stepAt, xOf } from "../src/timeline";

test("a place on the timeline and its step find each other", () => {
  for (const total of [1, 50, 5000])
    for (const step of [0, 1, Math.floor(total / 2), total]) assert.equal(stepAt(xOf(step, total, 12000), total, 12000), step);
});

test("losses, floor and ln V all fit, the lowest at the bottom", () => {
  const scale = lossScale([0.9, 0.5, Number.NaN], 0.35, 0.69, 84);
  assert.equal(scale.high, 0.9);
  assert.equal(scale.low, 0.35);
  assert.ok(scale.y(0.9) > 0 && scale.y(0.35) < 84 && scale.y(0.9) < scale.y(0.5));
});

test("losses that are all the same still have a scale", () => {
  assert.ok(Number.isFinite(lossScale([], 0, 0, 84).y(0)));
});

test("a curve goes through its points", () => {
  const scale = lossScale([1, 0], 0, 1, 84);
  assert.equal(pathOf([0, 10], [1, 0], 10, 216, scale), "M8.0 14.0L208.0 70.0");
});
