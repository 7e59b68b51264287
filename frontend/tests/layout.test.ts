import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { type Point, distance, outside } from "../src/graph/curve";
import { contextOf } from "../src/contexts";
import { deBruijnOrder } from "../src/graph/debruijn";
import { type Layout, layOut, sheetFor, spread, textWidth, type Sheet, WIDE } from "../src/graph/layout";
import { SHEETS } from "./sheets";

const digits = (nSymbols: number): string[] => Array.from({ length: nSymbols }, (_, i) => i.toString(36));
const place = (nSymbols: number, contextLength: number, sheet: Sheet = WIDE): Layout =>
  layOut(nSymbols, contextLength, digits(nSymbols), "", sheet);

const SIZES: [number, number][] = [
  [1, 1],
  [2, 1],
  [2, 2],
  [2, 3],
  [2, 4],
  [2, 5],
  [2, 6],
  [2, 7],
  [2, 8],
  [3, 1],
  [3, 2],
  [3, 4],
  [4, 1],
  [5, 1],
  [5, 2],
  [16, 2],
  [27, 1],
];

for (const [format, sheet] of Object.entries(SHEETS)) {
  for (const [nSymbols, contextLength] of SIZES) {
    test(`V=${nSymbols} K=${contextLength} ${format}: states are inside the drawing and apart`, () => {
      const layout = place(nSymbols, contextLength, sheet);
      layout.states.forEach((a, i) => {
        assert.ok(a.x - a.halfWidth > 0 && a.x + a.halfWidth < layout.width, `x of ${i}`);
        assert.ok(a.y - a.radius > 0 && a.y + a.radius < layout.height, `y of ${i}`);
        layout.states.forEach((b, j) => {
          // from the rim of one to the outline of the other, along the line between their centres
          if (i < j) assert.ok(rimGap(a, b) > 0, `${i} and ${j} overlap`);
        });
      });
    });

    test(`V=${nSymbols} K=${contextLength} ${format}: a name written in a state fits it`, () => {
      const layout = place(nSymbols, contextLength, sheet);
      if (layout.naming !== "inside") return assert.ok(layout.n > 16);
      layout.names.forEach((name, i) => {
        assert.ok(textWidth(name, layout.fontSize) < 2 * layout.states[i]!.halfWidth);
      });
    });
  }
}

function rimGap(a: Layout["states"][number], b: Layout["states"][number]): number {
  const steps = 40;
  let least = Infinity;
  const core = a.halfWidth - a.radius;
  for (let i = 0; i <= steps; i++) {
    const x = a.x - core + (2 * core * i) / steps;
    least = Math.min(least, outside({ x, y: a.y }, b) - a.radius);
  }
  return least;
}

const close = (a: Point, b: Point): boolean => distance(a, b) < 1e-6;

for (const [format, sheet] of Object.entries(SHEETS)) {
  for (const contextLength of [1, 2, 3]) {
    const layout = place(2, contextLength, sheet);
    const { n, width, height, states } = layout;

    test(`K=${contextLength} ${format}: exchanging the symbols turns the drawing by half a circle`, () => {
      states.forEach((p, s) => assert.ok(close(states[n - 1 - s]!, { x: width - p.x, y: height - p.y })));
    });

    test(`K=${contextLength} ${format}: reading contexts backward mirrors the drawing`, () => {
      states.forEach((p, s) => {
        const reversed = contextOf(s, 2, contextLength).reduce((sum, token, i) => sum + token * 2 ** i, 0);
        const mirrored = sheet.width > sheet.height ? { x: p.x, y: height - p.y } : { x: width - p.x, y: p.y };
        assert.ok(close(states[reversed]!, mirrored));
      });
    });
  }
}

test("of eight states 000 stands far left, 111 far right, and 010 and 101 between them on one line", () => {
  const { states } = place(2, 3);
  const xs = states.map((p) => p.x);
  assert.equal(xs.indexOf(Math.min(...xs)), 0);
  assert.equal(xs.indexOf(Math.max(...xs)), 7);
  assert.deepEqual(
    states.map((p) => p.y === states[0]!.y),
    [true, false, true, false, false, true, false, true],
  );
  assert.ok(states[1]!.y < states[0]!.y && states[4]!.y > states[0]!.y);
});

test("neighbours around a ring are equally far apart along it", () => {
  const { states, order } = place(2, 6);
  const gaps = order.map((s, i) => distance(states[s]!, states[order[(i + 1) % order.length]!]!));
  assert.ok(Math.max(...gaps) / Math.min(...gaps) < 1.02);
});

test("a long name is cut short and a state is as wide as its name", () => {
  const layout = layOut(3, 1, ["a", "incomprehensibilities", "bb"], " ");
  assert.equal(layout.names[1], "incomprehen…");
  assert.ok(layout.states[0]!.halfWidth * 2 > textWidth(layout.names[1]!, layout.fontSize));
});

test("names that are asked for part where their states are neighbours, and keep their order", () => {
  const layout = place(2, 8);
  const some = layout.order.slice(10, 15);
  const written = spread(layout, [some[3]!, some[0]!, some[4]!, some[1]!, some[2]!]);
  assert.deepEqual(
    written.map((name) => name.state),
    some,
  );
  for (let i = 1; i < written.length; i++) {
    assert.ok(distance(written[i - 1]!.at, written[i]!.at) > layout.fontSize);
  }
});

test("text at arrows is at least 13 pixels high where the drawing is 900 wide", () => {
  for (const [nSymbols, contextLength] of SIZES) {
    const layout = place(nSymbols, contextLength);
    assert.ok((layout.labelSize * 900) / layout.width >= 13);
    assert.ok((layout.fontSize * 900) / layout.width >= 13);
  }
});

interface Ring {
  V: number;
  K: number;
  start: number;
  order: number[];
}
// the tests of Python's pictures read the same file
const RINGS = JSON.parse(readFileSync("../tests/draw/rings.json", "utf8")) as Ring[];

for (const { V, K, start, order } of RINGS) {
  for (const [format, sheet] of Object.entries(SHEETS)) {
    test(`V=${V} K=${K} ${format}: states stand around a ring in the order and from the place that Python's have`, () => {
      const layout = place(V, K, sheet);
      if (layout.kind === "symmetric") return assert.deepEqual(deBruijnOrder(V, K), order);
      const turns = layout.states.map(({ x, y }) => {
        const { centre, ring } = layout;
        const angle = Math.atan2((y - centre.y) / ring!.y, (x - centre.x) / ring!.x) - (start * Math.PI) / 180;
        return (((angle / (2 * Math.PI) + 0.25 / layout.n) % 1) + 1) % 1;
      });
      const found = turns.map((_, state) => state).sort((a, b) => turns[a]! - turns[b]!);
      assert.deepEqual(found, order);
      assert.ok(Math.abs(turns[order[0]!]! - 0.25 / layout.n) < 0.01 / layout.n);
    });
  }
}

const SYMMETRIC = JSON.parse(readFileSync("../src/babygpt/draw/symmetric.json", "utf8")) as Record<string, number[][]>;

for (const [K, places] of Object.entries(SYMMETRIC)) {
  test(`two symbols, K=${K}: states stand where they stand in Python's pictures`, () => {
    const layout = place(2, Number(K));
    const from = layout.states.map(({ x, y }) => [x - layout.centre.x, y - layout.centre.y]);
    for (const axis of [0, 1]) {
      const most = (points: number[][]) => Math.max(...points.map((point) => Math.abs(point[axis]!))) || 1;
      from.forEach((point, state) => assert.ok(Math.abs(point[axis]! / most(from) - places[state]![axis]! / most(places)) < 1e-9));
    }
  });
}

test("in whatever place, states do not meet and stay on the sheet", () => {
  for (let width = 280; width <= 2000; width += 86)
    for (let height = 160; height <= 1200; height += 65)
      for (const contextLength of [1, 2, 3])
        for (const presented of [undefined, 2 ** contextLength]) {
          const layout = layOut(2, contextLength, ["0", "1"], "", sheetFor(width, height, presented));
          const where = `${width} × ${height}, K = ${contextLength}, ${presented ? "presented" : "not"}`;
          layout.states.forEach((one, i) => {
            assert.ok(one.x - one.halfWidth >= 0 && one.x + one.halfWidth <= layout.width, where);
            assert.ok(one.y - one.radius >= 0 && one.y + one.radius <= layout.height, where);
            for (const other of layout.states.slice(0, i))
              assert.ok(distance(one, other) > one.radius + other.radius + 20, `${where}: ${distance(one, other)}`);
          });
        }
});
