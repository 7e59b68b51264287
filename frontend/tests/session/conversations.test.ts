// What the Python session said in the conversations of tests/protocol/ (conversations.py there tells what they are), the
// page's session says too: every view, numbers within the tolerance that the conversations are recorded for.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { bit, bytes, floats } from "../../src/packed";
import type { Views } from "../../src/protocol";
import { Limits, Session, type Revisions } from "../../src/session";

const FOLDER = process.env.CONVERSATIONS ?? "../tests/protocol"; // others: see record.py there
const TOLERANCE = 1e-4; // of a number, relative to it where it is above 1

interface Turn {
  send?: unknown;
  wait?: number;
  finish?: boolean;
  views: Record<string, unknown>;
}

class Speaker {
  private readonly session: Session;
  private now = 0;
  private known: Revisions = {};

  constructor(limits: object) {
    this.session = new Session(new Limits(limits));
  }

  take(turn: Turn): Partial<Views> {
    if ("send" in turn) this.session.handle(turn.send);
    else if (turn.wait !== undefined) this.wait(turn.wait);
    if (turn.finish) for (let i = 0; this.session.busy && i < 10_000; i++) this.session.advance(this.now, 1);
    const { views, revisions } = this.session.changed(this.known);
    this.known = revisions;
    return views;
  }

  private wait(seconds: number): void {
    const until = this.now + seconds;
    for (let due = this.session.due(this.now); due !== null && due <= until; due = this.session.due(this.now)) {
      this.now = Math.max(this.now, due);
      this.session.advance(this.now, 0);
    }
    this.now = until;
  }
}

/** A view with its bytes as numbers. */
function unpacked(name: string, view: unknown): unknown {
  const plain = JSON.parse(JSON.stringify(view)) as Record<string, unknown> | null;
  if (plain === null) return null;
  if (name === "setup") {
    for (const key of ["seen", "ended"]) {
      const all = bytes(plain[key] as string);
      plain[key] = Array.from({ length: 8 * all.length }, (_, i) => i).filter((i) => bit(all, i));
    }
  }
  if (name === "frame" && plain.map !== null) plain.map = Array.from(bytes(plain.map as string));
  if (name === "knobs" && plain.values !== null) plain.values = Array.from(floats(plain.values as string));
  return plain;
}

/** The places at which two views differ. */
function* differences(expected: unknown, got: unknown, where: string, room = TOLERANCE): Generator<string> {
  if (typeof expected === "number" && typeof got === "number") {
    if (!(Math.abs(expected - got) <= room * Math.max(1, Math.abs(expected)))) yield `${where}: ${got} instead of ${expected}`;
  } else if (typeof expected === "object" && typeof got === "object" && expected !== null && got !== null) {
    const [left, right] = [expected as Record<string, unknown>, got as Record<string, unknown>];
    for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
      yield* differences(left[key], right[key], `${where}.${key}`, where === "frame" && key === "map" ? 1 : room);
    }
  } else if (expected !== got) yield `${where}: ${JSON.stringify(got)} instead of ${JSON.stringify(expected)}`;
}

for (const file of readdirSync(FOLDER).filter((name) => name.endsWith(".json"))) {
  test(`the conversation ${file}`, () => {
    const { limits, turns } = JSON.parse(readFileSync(`${FOLDER}/${file}`, "utf8")) as { limits: object; turns: Turn[] };
    const speaker = new Speaker(limits);
    const expected: Record<string, unknown> = {};
    const got: Record<string, unknown> = {};
    for (const [i, turn] of turns.entries()) {
      Object.assign(expected, turn.views);
      for (const [name, view] of Object.entries(speaker.take(turn))) got[name] = unpacked(name, view);
      const said = JSON.stringify(turn.send ?? { wait: turn.wait, finish: turn.finish }).slice(0, 200);
      const found = Object.keys({ ...expected, ...got }).flatMap((name) => [...differences(expected[name], got[name], name)]);
      assert.deepEqual(found.slice(0, 8), [], `turn ${i}, ${said}`);
    }
  });
}
