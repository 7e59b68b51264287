import test from "node:test";
import type { GPTConfig } from "../../src/engine/config";
import { GPT } from "../../src/engine/gpt";
import { lookInside } from "../../src/engine/lens";
import { close, golden } from "./goldens";

test("attention, and what each layer would predict, are the library's", () => {
  for (const row of golden<{ config: GPTConfig; context: number[]; attention: number[]; probs: number[] }>("inside")) {
    const gpt = GPT.seeded(row.config, 1337);
    gpt.weights.forEach((value, i) => (gpt.weights[i] = 10 * value));
    const { attention, probs } = lookInside(gpt, row.context);
    close(attention.flat(3), row.attention, 0, 1e-5, JSON.stringify(row.config));
    close(probs.flat(), row.probs, 0, 1e-5, JSON.stringify(row.config));
  }
});
