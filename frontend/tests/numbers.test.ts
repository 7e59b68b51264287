import assert from "node:assert/strict";
import test from "node:test";
import { decimal, percent, points } from "../src/numbers";

test("percents are whole but where whole ones would lie", () => {
  assert.equal(percent(0.793), "79\u00a0%");
  assert.equal(percent(0), "0\u00a0%");
  assert.equal(percent(1), "100\u00a0%");
  assert.equal(percent(0.004), "0.4\u00a0%");
  assert.equal(percent(0.0001), "<0.1\u00a0%");
  assert.equal(percent(0.997), "99.7\u00a0%");
  assert.equal(percent(0.99999), ">99.9\u00a0%");
});

test("differences carry their sign, and nothing has none", () => {
  assert.equal(points(0.12), "+12");
  assert.equal(points(-0.031), "−3");
  assert.equal(points(-0.001), "0");
});

test("a number that rounds to nothing is not minus nothing", () => {
  assert.equal(decimal(-0.00001), "0.0000");
  assert.equal(decimal(-0.5, 2), "−0.50");
});
