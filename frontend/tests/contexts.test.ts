import assert from "node:assert/strict";
import test from "node:test";
import { certainContext, contextOf, occurrences, stateOf, successor, tokenOfKey } from "../src/contexts";
import { bit, bytes, floats } from "../src/packed";

test("contexts and their numbers find each other, the oldest token most significant", () => {
  assert.deepEqual(contextOf(5, 2, 3), [1, 0, 1]);
  for (let state = 0; state < 81; state++) assert.equal(stateOf(contextOf(state, 3, 4), 3), state);
});

test("a token leads to the context without the oldest token and with the new one", () => {
  for (let state = 0; state < 8; state++)
    for (const token of [0, 1]) assert.equal(successor(state, token, 2, 3), stateOf([...contextOf(state, 2, 3).slice(1), token], 2));
});

test("a key is the symbol itself, capital or not, a blank too, or else the first letter of a word", () => {
  assert.equal(tokenOfKey(["A", "a", " "], "a"), 1);
  assert.equal(tokenOfKey(["A", "a", " "], " "), 2);
  assert.equal(tokenOfKey(["cat", "the"], "t"), 1);
  assert.equal(tokenOfKey(["Enter", "End"], "Enter"), -1);
});

test("of the contexts with one continuation the middle one is shown first", () => {
  const article = [..."111101111011110"].map(Number);
  assert.equal(certainContext(article, 2, 3), 0b101);
  assert.equal(certainContext([0, 0, 0, 1, 0, 1, 1], 2, 1), null);
});

test("a context occurs wherever its last token is read after the others", () => {
  assert.deepEqual(occurrences([1, 1, 1, 0, 1, 1], [1, 1]), [1, 2, 5]);
  assert.deepEqual(occurrences([1], [1, 1]), []);
});

test("packed numbers are little-endian, bits lowest first", () => {
  assert.deepEqual([...bytes("AQL/")], [1, 2, 255]);
  assert.deepEqual([...floats("AACAPwAAAMA=")], [1, -2]);
  const bits = bytes("BQE=");
  assert.deepEqual([0, 1, 2, 3, 8, 9, 99].map((i) => bit(bits, i)), [true, false, true, false, true, false, false]);
});
