import assert from "node:assert/strict";
import test from "node:test";
import { COMPUTERS, KNOWN_MODELS } from "../src/session/facts.generated";
import { bitsOf, bytesOf, placeOnScale, statesOf } from "../src/sizes";
import { golden } from "./engine/goldens";

interface Sized {
  vocab_size: number;
  context_length: number;
  bits: number;
  states: string;
  bytes: string;
}

test("bits, bytes and states of any size are those of babygpt sizes", () => {
  for (const { vocab_size: V, context_length: K, bits, states, bytes } of golden<Sized>("sizes")) {
    assert.ok(Math.abs(bitsOf(V, K) - bits) <= 1e-9 * bits, `${V}, ${K}`);
    const power = Array.from(statesOf(V, K).slice(2), (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹".indexOf(digit)).join("");
    assert.equal(states.includes("^") ? power : statesOf(V, K), states.includes("^") ? states.slice(3).replaceAll(",", "") : states);
    assert.equal(bytesOf(bits).join(" "), bytes);
  }
});

test("every model that the article names is there, as it has it and as it is", () => {
  const [baby, ...large] = KNOWN_MODELS;
  assert.deepEqual([baby!.article, baby!.actual], [[2, 3], [2, 3]]);
  assert.deepEqual(large.map(({ name }) => name), ["gpt-2", "gpt-3", "gpt-4"]);
  for (const { article, actual } of large) assert.notDeepEqual(article, actual);
});

test("the article's GPT-3 fits the Atari and its GPT-4 the Commodore; corrected, GPT-4 does not", () => {
  const [, , gpt3, gpt4] = KNOWN_MODELS;
  const bytes = ([V, K]: readonly [number, number]) => bitsOf(V, K) / 8;
  assert.ok(bytes(gpt3!.article) < COMPUTERS["Atari 800"]! && bytes(gpt4!.article) < COMPUTERS["Commodore 64"]!);
  assert.ok(bytes(gpt4!.actual) > COMPUTERS["Commodore 64"]!);
});

test("on the scale ten times as many bits are a step further, and a single one is its beginning", () => {
  assert.deepEqual([1, 10, 1000].map((bits) => placeOnScale(bits, 1000)), [0, 1 / Math.log10(1000), 1]);
});
