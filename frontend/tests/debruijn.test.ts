import assert from "node:assert/strict";
import test from "node:test";
import { contextOf, successor } from "../src/contexts";
import { deBruijnOrder } from "../src/graph/debruijn";

const SIZES: [number, number][] = [
  [1, 3],
  [2, 1],
  [2, 2],
  [2, 3],
  [2, 4],
  [2, 6],
  [2, 8],
  [3, 1],
  [3, 2],
  [3, 5],
  [4, 3],
  [27, 1],
];

test("the successor of 101 on 1 is 011, and of 111 on 0 is 110", () => {
  assert.equal(successor(0b101, 1, 2, 3), 0b011);
  assert.equal(successor(0b111, 0, 2, 3), 0b110);
});

test("a context is read oldest token first", () => {
  assert.deepEqual(contextOf(0b011, 2, 3), [0, 1, 1]);
  assert.deepEqual(contextOf(5, 3, 2), [1, 2]);
});

test("the order of eight states is that of the Python drawings", () => {
  assert.deepEqual(deBruijnOrder(2, 3), [0, 1, 2, 5, 3, 7, 6, 4]);
});

for (const [nSymbols, contextLength] of SIZES) {
  test(`de Bruijn order, V=${nSymbols} K=${contextLength}: every state once, each followed by a successor`, () => {
    const order = deBruijnOrder(nSymbols, contextLength);
    const n = nSymbols ** contextLength;
    assert.deepEqual(
      [...order].sort((a, b) => a - b),
      Array.from({ length: n }, (_, i) => i),
    );
    order.forEach((state, i) => {
      const next = order[(i + 1) % n]!;
      assert.equal(successor(state, next % nSymbols, nSymbols, contextLength), next);
    });
  });
}
