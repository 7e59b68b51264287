// What a page saves keeps the states apart, whatever the symbols are.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fileOf } from "../../src/session/files";
import { Limits } from "../../src/session";
import { Setup, ARTICLE } from "../../src/session/setup";
import { Stage } from "../../src/session/stage";

const SMALL = { ...ARTICLE, n_layer: 1, n_head: 1, n_embd: 4 };

// Texts whose signs mean something to a format, or look like what makes another sign visible.
const HOSTILE: [text: string, context: number, words?: boolean][] = [
  ["\n\\n01\n", 2], [" ␣ ␣  ", 3], ["\n⏎ \n", 2], ["\x1b\\x1b\x1b", 3], ["\u0890\x890\u0890", 2], ["\t⇥\\t\t", 3],
  ["<>&;lt<", 2], ['"\\"\\"', 3], ["{}[]:|{", 2], ["%a%%a", 2], ["\u2028\\u208\\", 2], ["é\u0301e\u0301", 2], ["\u3000␣ \u00a0 ", 2],
  ["1 11 111 1 1", 3, true], ["__proto__ constructor __proto__ constructor", 1, true], ["10 01 10 00 10", 1, true],
]; // prettier-ignore

/** A DOT graph as its grammar has it: of each node its label, and the arrows; throws at anything else. */
function parsed(dot: string): { nodes: Map<string, string>; arrows: [string, string][] } {
  const [nodes, arrows] = [new Map<string, string>(), [] as [string, string][]];
  const text = '"((?:[^"\\\\\\n]|\\\\["\\\\])*)"';
  const lines = dot.split("\n");
  assert.deepEqual(lines.splice(0, 3), ["digraph chain {", "  layout=circo;", "  node [shape=circle];"]);
  assert.deepEqual(lines.splice(-2), ["}", ""]);
  for (const line of lines) {
    const node = new RegExp(`^  (\\d+|"[^"\\\\]+") \\[label=${text}\\];$`, "u").exec(line);
    const arrow = new RegExp(`^  (\\d+|"[^"\\\\]+") -> (\\d+|"[^"\\\\]+") \\[label=${text}, probability="[\\d.e-]+"\\];$`, "u").exec(line);
    assert.ok(node || arrow, `not DOT: ${JSON.stringify(line)}`);
    if (arrow) arrows.push([arrow[1]!, arrow[2]!]);
    else {
      assert.ok(!nodes.has(node![1]!));
      nodes.set(node![1]!, node![2]!);
    }
  }
  return { nodes, arrows };
}

for (const [text, context_length, words] of HOSTILE) {
  test(`each state has a name of its own in DOT and JSON: ${JSON.stringify(text)}`, () => {
    const limits = Limits.ofAPage();
    const setup = Setup.make(text, "", { ...SMALL, context_length, tokens: words ? "words" : "chars", lines: false }, limits);
    const stage = new Stage(setup, limits, 0);
    const N = setup.nStates;
    const { nodes, arrows } = parsed(String(fileOf("chain.dot", stage).content));
    assert.equal(nodes.size, N);
    assert.equal(new Set(nodes.values()).size, N);
    assert.equal(arrows.length, N * setup.config.vocab_size);
    assert.ok(arrows.flat().every((name) => nodes.has(name)));

    const json = String(fileOf("chain.json", stage).content);
    const contexts = Array.from({ length: N }, (_, state) => setup.context(state));
    const written = Array.from(json.matchAll(/^  (".*"): \{$/gm), ([, key]) => JSON.parse(key!) as string);
    assert.deepEqual(written, contexts);
    const read = (JSON.parse(json) as { contexts: object }).contexts;
    assert.deepEqual(Object.keys(read).sort(), [...contexts].sort());
    for (const arrowsOf of Object.values(read) as object[]) {
      assert.deepEqual(Object.keys(arrowsOf).sort(), [...setup.reading.vocabulary.symbols].sort());
    }
  });
}
