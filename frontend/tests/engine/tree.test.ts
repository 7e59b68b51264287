import assert from "node:assert/strict";
import test from "node:test";
import { ARTICLE_GPT } from "../../src/engine/config";
import { Activations, forward, GPT } from "../../src/engine/gpt";
import { fullTree, pathTree, placeOf, trainingTree } from "../../src/engine/tree";
import { close } from "./goldens";

const gpt = GPT.seeded({ ...ARTICLE_GPT, block_size: 4, vocab_size: 3 }, 1);
gpt.weights.forEach((value, i) => (gpt.weights[i] = value * 10));

test("a tree of all contexts predicts after each what the context read alone does", () => {
  const tree = fullTree(3, 4);
  assert.equal(tree.rows, 3 + 9 + 27 + 81);
  const [all, alone] = [new Activations(gpt.config, tree.rows, false), new Activations(gpt.config, 4, true)];
  forward(gpt, tree, all);
  for (let row = 0; row < tree.rows; row++) {
    const context: number[] = [];
    for (let at = row; at >= 0; at = tree.parents[at]!) context.unshift(tree.tokens[at]!);
    const number = context.reduce((a, token) => 3 * a + token, 0);
    assert.equal(placeOf(number, context.length, 3), row);
    forward(gpt, pathTree(context), alone);
    const last = context.length - 1;
    close(alone.logits.slice(3 * last, 3 * last + 3), all.logits.slice(3 * row, 3 * row + 3), 1e-12, 1e-14);
  }
});

test("a training tree holds whole contexts last, then what is only read, every context once", () => {
  const tree = trainingTree([0b011, 0b101, 0b110, 0b111], 2, 3, true);
  assert.deepEqual([tree.leaves, tree.trained, tree.rows], [2 + 3, 2 + 3 + 4, 14]); // 0 1, 01 10 11, the four
  assert.equal(new Set(tree.rowOf.values()).size, 14);
  assert.deepEqual([0b011, 0b101, 0b110, 0b111].map((state) => tree.rowOf.get(placeOf(state, 3, 2))), [5, 6, 7, 8]);
});
