// A thousand sequences of commands, sound and unsound, in any order: no mistake, and every row of every chain sums to one.

import assert from "node:assert/strict";
import { test } from "node:test";
import { floats } from "../../src/packed";
import { Limits, Session, type Revisions } from "../../src/session";

/** Numbers from 0 to below 1, the same of a seed: the generator of Park and Miller. */
function generator(seed: number): () => number {
  let x = seed + 1;
  return () => (x = (48271 * x) % 2147483647) / 2147483647;
}

const TEXTS = ["0110100110010110", "abcabdabc", "床前明月光疑是地上霜", "a b c a b", "", "11", "rain, sun, rain, sun", "one two\nthree one\ntwo one"];
const HOSTILE = ["</script><script>x", "\u202e\u0000\u2028", "😀😁😀😀", "__proto__", "constructor", "\ud800", "=1+1", "x".repeat(2000)];
const SETTINGS: Record<string, unknown[]> = {
  sequence: [...TEXTS, ...HOSTILE],
  name: ["", "moon.txt", "article", ...HOSTILE],
  vocabulary: [null, "01", "a b c", ...HOSTILE],
  context_length: [1, 2, 3, 6, 0, 40, "2", null],
  tokens: ["chars", "words", "bytes"],
  separator: [null, ",", " ", ""],
  lines: [null, true, false, 2],
  steps: [1, 3, 6, 0, 1e9],
  stop_gap: [null, 0, 5, -1],
  learning_rate: [0.001, 0.1, 1e300, 0, "fast"],
  weight_decay: [0, 0.1, -1],
  n_head: [1, 2, 3],
  bias: [true, false, 1],
  positions: ["last", "all", "first"],
  batch_size: [null, 1, 4, 0],
  seed: [0, 7, 2 ** 40, -1, 0.5],
};
const OTHERS: Record<string, Record<string, unknown[]>> = {
  preset: { name: ["article", "alternating", "__proto__", "none"] },
  file: { name: ["a.txt", "../x.html", "</b>"], data: ["bW9vbiBtb29u", "6WD66ek=", "?", "AAAA", btoa('<script type="application/json" id="beginning">{"link":{"seed":"3"}}</script>')] },
  open: { link: [{}, { steps: "3", trained: "2", n_layer: "1", n_embd: "8" }, { sequence: "\u2028</script>", x: "1" }, { preset: "__proto__" }, { select: "-1" }] },
  train: {}, more: { steps: [1, 2, 0, -3] }, stop: {}, play: {}, pause: {}, step: {}, rewind: {}, release: {}, dismiss: {}, nonsense: {},
  seek: { step: [0, 1, 2.5, 1e20, "1", NaN] }, skip: { by: [-2, 1, 1e9] }, speed: { speed: [null, 3, 0, 1e9] },
  show: { source: ["model", "data", "seeds", "difference", "x"], compare: [undefined, ["A", "B"], ["seeds", "data"], ["model"]] },
  seeds: { n: [2, 5, 1, 1e6] }, attribute: { position: [null, 0, 3, 1e6] }, select: { state: [null, 0, 5, 1e9, -1, 0.5] },
  decode: { temperature: [undefined, 0, 0.5, -1], top_k: [undefined, null, 1], top_p: [undefined, 0.5, 2], min_p: [undefined, 0.9, "x"] },
  pin: { slot: ["A", "B", "C"] }, unpin: { slot: ["A", "B"] }, rows: { first: [null, 0, 1e9, -4] }, code: { on: [true, false, 1] },
  walk: { token: [0, 1, 99] }, place: { state: [0, 6, 1e9] }, wander: { on: [true, false] }, turn: { position: [0, 0.5, 9] },
  tensor: { name: ["wte.weight", "h.0.mlp.c_fc.weight", "x"] }, nudge: { place: [0, 3, 1e9], by: [0.5, 1e308, -1] },
}; // prettier-ignore

function drawn(random: () => number): unknown {
  const one = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)]!;
  const parts: Record<string, unknown> = {};
  if (random() < 0.25) {
    parts.command = "configure";
    for (const [name, values] of Object.entries(SETTINGS)) if (random() < 0.12) parts[name] = one(values);
    return parts;
  }
  parts.command = one(Object.keys(OTHERS));
  for (const [name, values] of Object.entries(OTHERS[parts.command as string]!)) parts[name] = one(values);
  return parts;
}

test("a thousand sequences of commands leave every chain a chain", () => {
  let chains = 0;
  for (let seed = 0; seed < 1000; seed++) {
    const random = generator(seed);
    const session = new Session(new Limits({ states: 300, steps: 30, text: 1000, seeds: 20 }), seed, { n_layer: "1", n_embd: "8", steps: "4" });
    let known: Revisions = {};
    let now = 0;
    for (let i = 0; i < 15; i++) {
      session.handle(drawn(random));
      for (let slice = 0; slice < 3; slice++) session.advance((now += random()), 0);
      if (random() < 0.3) for (let slice = 0; session.busy && slice < 2000; slice++) session.advance(now, 0.1);
      const { views, revisions } = session.changed(known);
      known = revisions;
      JSON.stringify(views);
      const { frame, selected, knobs } = views;
      if (knobs?.values) assert.ok(floats(knobs.values).every(Number.isFinite));
      if (selected) assert.ok(Math.abs(selected.model.reduce((a, b) => a + b) - 1) < 1e-9, `seed ${seed}, turn ${i}`);
      if (!frame?.values || frame.signed || frame.source !== "model") continue;
      const V = session.shown.setup.config.vocab_size;
      for (let at = 0; at < frame.values.length; at += V) {
        const sum = frame.values.slice(at, at + V).reduce<number>((a, p) => a + p!, 0);
        assert.ok(Math.abs(sum - 1) < 1e-9, `seed ${seed}, turn ${i}: a row sums to ${sum}`);
      }
      chains++;
    }
  }
  assert.ok(chains > 2000);
});
