import assert from "node:assert/strict";
import test from "node:test";
import { apart, lossScale, pathOf, plotIn, stepAt, xOf } from "../src/timeline";

const PLOT = plotIn(12_000, 120, 100, 20);

test("a place on the timeline and its step find each other", () => {
  for (const total of [1, 50, 5000])
    for (const step of [0, 1, Math.floor(total / 2), total]) assert.equal(stepAt(xOf(step, total, PLOT), total, PLOT), step);
});

test("losses, floor and ln V all fit, the lowest at the bottom", () => {
  const scale = lossScale([0.9, 0.5, Number.NaN], 0.35, 0.69, PLOT);
  assert.equal(scale.high, 0.9);
  assert.equal(scale.low, 0.35);
  assert.equal(scale.y(0.9), PLOT.top);
  assert.equal(scale.y(0.35), PLOT.bottom);
});

test("losses that are all the same still have a scale", () => {
  assert.ok(Number.isFinite(lossScale([], 0, 0, PLOT).y(0)));
});

test("a curve goes through its points", () => {
  assert.equal(pathOf([[8, 14], [208, 70]]), "M8.0 14.0L208.0 70.0");
});

test("names in the margin keep apart, in their order, and within the plot", () => {
  const placed = apart([20, 21, 88, 89, 90], 14, PLOT);
  const sorted = [...placed].sort((a, b) => a - b);
  assert.deepEqual(placed, sorted);
  for (let i = 1; i < sorted.length; i++) assert.ok(sorted[i]! - sorted[i - 1]! >= 14 - 1e-9);
  assert.ok(sorted[0]! >= PLOT.top && sorted.at(-1)! <= PLOT.bottom);
});
