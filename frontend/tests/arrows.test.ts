import assert from "node:assert/strict";
import test from "node:test";
import { type Arrow, CLEAR, type Label, countArrows, placeLabels, route } from "../src/graph/arrows";
import { type Point, boxOutside, boxesMeet, distance, inBox, outside, pointAt, trace } from "../src/graph/curve";
import { headPath, isOpen } from "../src/graph/heads";
import { type Layout, layOut, type Sheet, WIDE } from "../src/graph/layout";
import { SHEETS } from "./sheets";
import { LONGEST_AMOUNT, haloOf, inkOf, percent, strongInkOf } from "../src/graph/strength";
import { points } from "../src/numbers";
import { ease, follow, restingDirection, restingPlace, track } from "../src/graph/travel";

const digits = (nSymbols: number): string[] => Array.from({ length: nSymbols }, (_, i) => i.toString(36));

interface Drawing {
  layout: Layout;
  arrows: Arrow[];
  labels: Label[];
}

function draw(nSymbols: number, contextLength: number, sheet: Sheet = WIDE): Drawing {
  const layout = layOut(nSymbols, contextLength, digits(nSymbols), "", sheet);
  const all = Array.from({ length: countArrows(layout) }, (_, i) => i);
  const arrow = route(layout);
  const texts = all.map((i) => `${digits(nSymbols)[i % nSymbols]} ${LONGEST_AMOUNT}`);
  const labels = all.length > 16 ? [] : placeLabels(layout, arrow, all, texts, all);
  return { layout, arrows: all.map(arrow), labels };
}

const FEW: [number, number][] = [
  [1, 1],
  [2, 1],
  [2, 2],
  [2, 3],
  [3, 1],
  [4, 1],
];
const MANY: [number, number][] = [
  [2, 4],
  [2, 6],
  [2, 8],
  [3, 2],
  [3, 3],
  [27, 1],
];

for (const [format, sheet] of Object.entries(SHEETS)) {
  for (const [nSymbols, contextLength] of [...FEW, ...MANY]) {
    const drawing = draw(nSymbols, contextLength, sheet);
    const title = `V=${nSymbols} K=${contextLength} ${format}`;

    test(`${title}: arrows begin and end on the outlines of their states`, () => {
      for (const { tail, head, whole, tip } of drawing.arrows) {
        assert.ok(Math.abs(outside(whole[0], drawing.layout.states[tail]!)) < 2);
        assert.ok(Math.abs(outside(tip, drawing.layout.states[head]!)) < 2);
      }
    });

    test(`${title}: a line ends where its head begins, and the head points away from it`, () => {
      for (const { line, tip, angle, whole } of drawing.arrows) {
        const gap = distance(line[3], tip);
        // two states may be nearer than a head is long
        if (distance(whole[0], tip) > 1.5 * drawing.layout.arrowHead) {
          assert.ok(Math.abs(gap - drawing.layout.arrowHead) < 0.1, `${gap}`);
        }
        assert.ok(distance(line[3], { x: tip.x - gap * Math.cos(angle), y: tip.y - gap * Math.sin(angle) }) < 1e-6);
      }
    });

    test(`${title}: arrows keep inside the drawing`, () => {
      for (const { whole } of drawing.arrows) {
        for (const p of trace(whole, 24)) {
          assert.ok(p.x > 0 && p.x < drawing.layout.width && p.y > 0 && p.y < drawing.layout.height);
        }
      }
    });
  }
}

/** The points at which the arrows of a drawing cross, other than where they touch a state. */
function crossings({ arrows }: Drawing): [Arrow, Arrow][] {
  const traces = arrows.map(({ whole }) => trace(whole, 48));
  const found: [Arrow, Arrow][] = [];
  for (let i = 0; i < arrows.length; i++) {
    for (let j = 0; j < i; j++) if (cross(traces[i]!, traces[j]!)) found.push([arrows[i]!, arrows[j]!]);
  }
  return found;
}

function cross(a: Point[], b: Point[]): boolean {
  const side = (p: Point, q: Point, r: Point): number => (q.x - p.x) * (r.y - p.y) - (q.y - p.y) * (r.x - p.x);
  for (let i = 1; i < a.length; i++) {
    for (let j = 1; j < b.length; j++) {
      const [p, q, r, s] = [a[i - 1]!, a[i]!, b[j - 1]!, b[j]!];
      if (side(p, q, r) * side(p, q, s) < 0 && side(r, s, p) * side(r, s, q) < 0) return true;
    }
  }
  return false;
}

for (const [format, sheet] of Object.entries(SHEETS)) {
  for (const contextLength of [1, 2, 3]) {
    test(`two symbols, K=${contextLength} ${format}: no two arrows cross`, () => {
      assert.deepEqual(crossings(draw(2, contextLength, sheet)), []);
    });

    test(`two symbols, K=${contextLength} ${format}: arrows and labels keep the half turn of the states`, () => {
      const { layout, arrows, labels } = draw(2, contextLength, sheet);
      const last = arrows.length - 1;
      const turned = (p: Point): Point => ({ x: layout.width - p.x, y: layout.height - p.y });
      arrows.forEach(({ whole }, i) => {
        assert.ok(distance(pointAt(arrows[last - i]!.whole, 0.4), turned(pointAt(whole, 0.4))) < 1e-3);
        assert.ok(distance(labels[last - i]!, turned(labels[i]!)) < 1e-3);
      });
    });
  }
}

test("crossings are found where there are some", () => {
  assert.ok(crossings(draw(2, 4)).length > 0);
});

for (const [format, sheet] of Object.entries(SHEETS)) {
  for (const [nSymbols, contextLength] of FEW) {
    if (nSymbols === 4 && format === "phone") continue; // 16 labels among four states have no room there: some graze a line
    const { layout, arrows, labels } = draw(nSymbols, contextLength, sheet);

    test(`V=${nSymbols} K=${contextLength} ${format}: no label covers a label, a state or an arrow`, () => {
      assert.equal(labels.length, arrows.length);
      labels.forEach((label, i) => {
        assert.ok(label.x - label.halfWidth > 0 && label.x + label.halfWidth < layout.width, `${i} is cut off`);
        assert.ok(label.y - label.halfHeight > 0 && label.y + label.halfHeight < layout.height, `${i} is cut off`);
        layout.states.forEach((state, s) => assert.ok(boxOutside(label, state) > 0, `${i} covers state ${s}`));
        labels.forEach((other, j) => assert.ok(i === j || !boxesMeet(label, other), `${i} covers label ${j}`));
        // half the width of the strongest line
        const gap = Math.min(CLEAR.line - 1, inkOf(1, layout).width / 2);
        arrows.forEach(({ whole }, j) => {
          for (const p of trace(whole, 100)) assert.ok(!inBox(p, label, gap), `${i} covers arrow ${j}`);
        });
      });
    });

    test(`V=${nSymbols} K=${contextLength} ${format}: a label is near its arrow`, () => {
      labels.forEach((label) => {
        const near = Math.min(...trace(arrows[label.arrow]!.whole, 60).map((p) => distance(p, label)));
        assert.ok(near < label.halfWidth + 30);
      });
    });

    test(`V=${nSymbols} K=${contextLength} ${format}: the ball rests clear of names and labels`, () => {
      layout.states.forEach((state, s) => {
        const at = restingPlace(
          layout,
          s,
          restingDirection(layout, s, (i) => arrows[i]!, labels),
        );
        assert.ok(Math.abs(outside(at, state) - 5) < 1e-6);
        for (const label of labels) assert.ok(!inBox(at, label, 4));
      });
    });
  }
}

test("a track goes without a jump from rest at the tail to rest at the head", () => {
  for (const [nSymbols, contextLength] of [
    [2, 3],
    [2, 6],
    [3, 2],
  ] as const) {
    const { layout, arrows } = draw(nSymbols, contextLength);
    const rest = (s: number): number => restingDirection(layout, s, (i) => arrows[i]!, []);
    for (const arrow of arrows) {
      const way = follow(track(layout, arrow, rest));
      assert.ok(distance(way(0), restingPlace(layout, arrow.tail, rest(arrow.tail))) < 1e-6);
      assert.ok(distance(way(1), restingPlace(layout, arrow.head, rest(arrow.head))) < 1e-6);
      for (let i = 1; i <= 200; i++) assert.ok(distance(way((i - 1) / 200), way(i / 200)) < 8);
    }
  }
});

test("the ball starts and stops gently and is half way at half time", () => {
  assert.deepEqual([0, 0.5, 1].map(ease), [0, 0.5, 1]);
  assert.ok(ease(0.05) < 0.01 && ease(0.95) > 0.99);
});

test("a stronger arrow is drawn thicker and darker, without steps", () => {
  for (const [nSymbols, contextLength] of [...FEW, ...MANY]) {
    const layout = layOut(nSymbols, contextLength, digits(nSymbols), "");
    for (const ink of [inkOf, strongInkOf]) {
      let before = ink(0.001, layout);
      for (let p = 0.002; p <= 1; p += 0.001) {
        const now = ink(p, layout);
        assert.ok(now.width > before.width && now.opacity > before.opacity);
        assert.ok(now.width - before.width < 0.02 && now.opacity - before.opacity < 0.02);
        before = now;
      }
      assert.ok(before.opacity <= 1);
    }
    assert.equal(inkOf(0, layout).opacity, 0);
  }
});

test("only what is certain is written as 0 % or 100 %", () => {
  assert.deepEqual([0, 0.001, 0.0049, 0.005, 0.4536, 0.7929, 0.9949, 0.9951, 1].map(percent), [
    "0%",
    "<1%",
    "<1%",
    "1%",
    "45%",
    "79%",
    "99%",
    ">99%",
    "100%",
  ]);
});

test("differences are written in percentage points with their sign", () => {
  assert.deepEqual([0.118, -0.034, 0.004, -0.004, 0, -1].map(points), ["+12", "−3", "0", "0", "0", "−100"]);
});

test("the area of a halo is in proportion to the share of a state in the long run", () => {
  const area = ({ halfWidth, radius }: { halfWidth: number; radius: number }): number =>
    Math.PI * radius ** 2 + 4 * radius * (halfWidth - radius);
  for (const shape of [
    { x: 0, y: 0, halfWidth: 20, radius: 20 },
    { x: 0, y: 0, halfWidth: 50, radius: 20 },
  ]) {
    const halo = (share: number): number => {
      const by = haloOf(share, shape, 8);
      return area({ halfWidth: shape.halfWidth + by, radius: shape.radius + by }) - area(shape);
    };
    assert.equal(haloOf(0, shape, 8), 0);
    assert.ok(Math.abs(halo(0.5) / halo(0.125) - 4) < 1e-9);
  }
});

test("eight tokens have eight different heads", () => {
  const heads = Array.from({ length: 8 }, (_, token) => `${headPath(token, 10, 4)} ${isOpen(token)}`);
  assert.equal(new Set(heads).size, 8);
});
