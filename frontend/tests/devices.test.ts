import assert from "node:assert/strict";
import test from "node:test";
import { commonestContext, contextOf } from "../src/contexts";
import { clock, counter, drawsOf, jointStates, lookup, timesOf, walk, type Device } from "../src/devices";
import { golden } from "./engine/goldens";

interface Row {
  vocab_size: number;
  context_length: number;
  table: number[];
  start: number;
  seed: number;
  name: "none" | "lookup" | "clock" | "counter";
  parts: number[];
  n_tokens: number;
  questions: number;
  ambiguous: number;
  states: number | null;
}

const goldens = golden<Row>("devices");

function deviceOf({ name, parts }: Row): Device | null {
  const [a, b, c] = parts as [number, number, number];
  return { none: null, lookup: lookup(a, b, c), clock: clock(a, b), counter: counter(a) }[name];
}

function walked(row: Row, n = row.n_tokens) {
  const { vocab_size: V, context_length: K, table, start, seed } = row;
  const rows = Array.from({ length: V ** K }, (_, state) => table.slice(state * V, (state + 1) * V));
  return walk(rows, K, deviceOf(row), contextOf(start, V, K), drawsOf(seed), n);
}

test("walks with devices tell what babygpt input-devices tells, pair for pair", () => {
  for (const row of goldens) {
    const { questions, ambiguous } = walked(row);
    assert.deepEqual([ambiguous, questions], [row.ambiguous, row.questions], `${row.name} ${row.parts.join()}, ${row.vocab_size}^${row.context_length}`);
  }
});

test("chain and device together have as many states as the library connects", () => {
  for (const row of goldens) assert.equal(jointStates(row.vocab_size, row.context_length, deviceOf(row)), row.states, `${row.name} ${row.parts.join()}`);
});

test("the article's chain: 0 of 12 with a lookup, 6 of 14 with a clock, 14 of 16 with a counter", () => {
  const [none, lookup, , clock, , counter] = goldens as [Row, Row, Row, Row, Row, Row];
  const told = [none, lookup, clock, counter].map((row) => `${row.ambiguous} of ${row.questions}, ${row.states}`);
  assert.deepEqual(told, ["0 of 16, 8", "0 of 12, 16", "6 of 14, 24", "14 of 16, null"]);
});

test("the two histories of a conflict end in the same context and token, and part after it", () => {
  for (const row of goldens.filter(({ ambiguous }) => ambiguous > 0)) {
    const { vocab_size: V, context_length: K } = row;
    const { conflict, tape } = walked(row);
    const { pair, before, after } = conflict!;
    assert.notEqual(before.next, after.next);
    assert.notEqual(before.device, after.device); // what the context does not show
    for (const { at } of [before, after]) {
      assert.deepEqual(tape.slice(at - K, at).map(({ token }) => token), contextOf(pair.context, V, K));
      assert.deepEqual(tape[at], { token: pair.token, added: false });
    }
  }
});

test("a walk that is longer begins as a shorter one, and every token said is counted once", () => {
  const row = goldens[3]!;
  const [short, long] = [walked(row, 40), walked(row, 400)];
  assert.deepEqual(long.tape.slice(0, short.tape.length), short.tape);
  assert.equal(long.pairs.reduce((sum, pair) => sum + timesOf(pair), 0), 400);
  assert.deepEqual(walked(row, 0).tape.map(({ token }) => token), [1, 1, 1]);
});

test("a walk begins in the context that the text goes on from most often, the first of equals, and over no border", () => {
  assert.equal(commonestContext([1, 1, 1, 1, 0, 1, 1, 1, 1, 0, 1, 1, 1, 1, 0], 2, 3), 0b111);
  assert.equal(commonestContext([1, 0, 0, 1, 1], 2, 1), 0);
  assert.equal(commonestContext([1, -1, 1, -1, 1, -1, 0, 1], 2, 1), 0);
});
