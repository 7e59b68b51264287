import assert from "node:assert/strict";
import test from "node:test";
import { Activations, forward } from "../../src/engine/gpt";
import { logSoftmax } from "../../src/engine/softmax";
import { pathTree } from "../../src/engine/tree";
import { contextOf } from "../../src/contexts";
import { Session } from "../../src/session";
import { close } from "../engine/goldens";

test("what follows a context shorter than K is what the GPT says after it, read by itself", () => {
  const session = new Session();
  session.handle({ command: "configure", sequence: "0120210122", steps: 8, n_layer: 2, n_head: 2, n_embd: 8 });
  session.handle({ command: "short", on: true });
  session.handle({ command: "train" });
  while (session.busy) session.advance(0, 1);
  session.handle({ command: "seek", step: 8 });
  const { short } = session.changed({}).views;
  assert.equal(short!.n, 3 + 9);
  const { playback, weights } = session.shown;
  const gpt = playback.gpt(weights.weights); // kept in single precision
  const alone = new Activations(gpt.config, 3, true);
  for (let row = 0; row < short!.n; row++) {
    const context = row < 3 ? [row] : contextOf(row - 3, 3, 2);
    forward(gpt, pathTree(context), alone);
    const found = new Float64Array(3);
    logSoftmax(found, 0, alone.logits, 3 * (context.length - 1), 3);
    close(short!.values!.slice(3 * row, 3 * row + 3), found.map(Math.exp), 1e-6, 0, context.join(""));
  }
});
