// How the arrows run, and where what is written at them stands. Arrow number state·V + token belongs to that token.

import {
  type Box,
  type Cubic,
  type Point,
  type Stadium,
  along,
  boxOutside,
  boxesMeet,
  directionAt,
  distance,
  inBox,
  onOutline,
  outside,
  part,
  pointAt,
  quadratic,
  toward,
  trace,
  turning,
} from "./curve";
import { successor } from "../contexts";
import { type Layout, textWidth } from "./layout";

/** One arrow: a line, then a head on top of its end. Both are drawn apart, so that neither shows through the other. */
export interface Arrow {
  readonly tail: number;
  readonly head: number;
  readonly token: number;
  readonly whole: Cubic; // from outline to outline
  readonly line: Cubic; // the same, up to the back of the head
  readonly tip: Point; // of the head, on the outline of the state it points to
  readonly angle: number; // in which the head points
}

const GAP = 1.5; // between an outline and what touches it: its stroke

/** Gives an arrow by its number. */
export type Arrows = (number: number) => Arrow;

export const countArrows = (layout: Layout): number => layout.n * layout.nSymbols;

/** The arrows of a layout, each worked out when it is first asked for: there may be 65,536, of which few are drawn. */
export function route(layout: Layout): Arrows {
  const { nSymbols, contextLength } = layout;
  const place = new Array<number>(layout.n); // around the ring
  layout.order.forEach((state, i) => (place[state] = i));
  const follows = (a: number, b: number): boolean => Math.floor(b / nSymbols) === a % nSymbols ** (contextLength - 1);
  const known = new Map<number, Arrow>();
  return (number) => {
    const before = known.get(number);
    if (before !== undefined) return before;
    const tail = Math.floor(number / nSymbols);
    const token = number % nSymbols;
    const head = successor(tail, token, nSymbols, contextLength);
    const [a, b] = [layout.states[tail]!, layout.states[head]!];
    const bothWays = follows(head, tail);
    const curve =
      tail === head
        ? loop(a, layout.naming === "outside" ? layout.outward[tail]! + Math.PI : layout.outward[tail]!)
        : layout.kind === "symmetric"
          ? bow(a, b, bothWays ? 0.17 : 0)
          : chord(layout, a, b, Math.abs(place[tail]! - place[head]!), bothWays);
    const arrow = { tail, head, token, ...fit(curve, a, b, layout.arrowHead) };
    known.set(number, arrow);
    return arrow;
  };
}

/** A curve that bends to the left of its way by a share of its length. */
function bow(a: Point, b: Point, bend: number): Cubic {
  const middle = along(a, b, 0.5);
  const handle = { x: middle.x + (b.y - a.y) * 2 * bend, y: middle.y - (b.x - a.x) * 2 * bend };
  return quadratic(a, handle, b);
}

/** A curve between two states of a ring that keeps to its inside, the deeper the further apart they are. */
function chord(layout: Layout, a: Stadium, b: Stadium, apart: number, bothWays: boolean): Cubic {
  const { n } = layout;
  const separation = Math.min(apart, n - apart) / (n / 2); // 0 … 1: opposite
  if (n <= 4) return bow(a, b, bothWays ? 0.13 : 0);
  if (Math.min(apart, n - apart) === 1) return bow(a, b, bothWays ? 0.12 : 0);
  const middle = along(a, b, 0.5);
  const handle = along(layout.centre, middle, 0.72 - 0.5 * separation);
  // the way back takes the other side
  const aside = bothWays ? 0.09 : 0;
  return quadratic(a, { x: handle.x + (b.y - a.y) * aside, y: handle.y - (b.x - a.x) * aside }, b);
}

/** From a state around to itself, on its outer side, or on its inner side where names stand outside. */
function loop(state: Stadium, outward: number): Cubic {
  const small = state.radius < 10;
  const opening = small ? 0.75 : 0.5;
  const reach = small ? state.radius + 22 : state.radius * 1.2 + 50;
  const start = onOutline(state, outward - opening, GAP);
  const end = onOutline(state, outward + opening, GAP);
  // handles as long from the outline as from a circle, so that loops of long names are no smaller
  const base = along(start, end, 0.5);
  const back = Math.cos(opening) * state.radius;
  const from = toward(base, outward + Math.PI, back);
  return [start, toward(from, outward - 0.62, reach), toward(from, outward + 0.62, reach), end];
}

/** Cut a curve between the centres of two states at their outlines, and make room for the head. */
function fit(curve: Cubic, tail: Stadium, head: Stadium, headLength: number): Omit<Arrow, "tail" | "head" | "token"> {
  let whole = curve;
  if (tail !== head) {
    const start = turning(0, 0.5, (t) => outside(pointAt(curve, t), tail) >= GAP);
    const end = turning(0.5, 1, (t) => outside(pointAt(curve, t), head) < GAP);
    whole = part(curve, start, end);
  }
  const tip = whole[3];
  const back = turning(0.3, 1, (t) => distance(pointAt(whole, t), tip) < headLength);
  const line = part(whole, 0, back);
  return { whole, line, tip, angle: Math.atan2(tip.y - line[3].y, tip.x - line[3].x) };
}

// Labels

export interface Label extends Box {
  readonly arrow: number;
}

/** How far a label keeps from lines, which may be thick, and from states. */
export const CLEAR = { line: 4, state: 3, label: 2 } as const;

const PLACES = [0.5, 0.46, 0.54, 0.42, 0.58, 0.38, 0.62, 0.34, 0.66, 0.31, 0.69, 0.28, 0.72, 0.25, 0.75, 0.22, 0.78, 0.18, 0.82];
const FURTHER = [0, 2, 4, 7, 11, 16, 22];

/**
 * Choose a spot beside each of some arrows for its label, clear of states, of arrows and of other labels.
 *
 * Parameters
 * ----------
 * wanted
 *     The numbers of the arrows, the most important first.
 * texts
 *     For each of them the longest text that will be written there.
 * around
 *     The numbers of the arrows that labels must not cover.
 */
export function placeLabels(
  layout: Layout,
  arrows: Arrows,
  wanted: readonly number[],
  texts: readonly string[],
  around: readonly number[],
): Label[] {
  const lines = around.map((i) => {
    const points = trace(arrows(i).whole, 28);
    return { i, points, within: boxAround(points) };
  });
  const partner = (i: number): number => (layout.kind === "symmetric" ? countArrows(layout) - 1 - i : -1);
  const turned = (p: Box): Box => ({ ...p, x: layout.width - p.x, y: layout.height - p.y });
  const boxes = wanted.map((arrow, k) => {
    const halfWidth = textWidth(texts[k]!, layout.labelSize) / 2;
    return { arrow, x: 0, y: 0, halfWidth, halfHeight: layout.labelSize * 0.56 };
  });
  const placed = new Map<number, Label>();

  // outside a ring there may be names
  const overNames = ({ x, y, halfWidth, halfHeight }: Box): boolean => {
    const { ring, naming, centre } = layout;
    if (ring === null || naming === "inside") return false;
    return (
      Math.hypot((Math.abs(x - centre.x) + halfWidth) / ring.x, (Math.abs(y - centre.y) + halfHeight) / ring.y) > 1
    );
  };
  const cost = (box: Box, arrow: number): number => {
    let sum = 0;
    for (const { i, points, within } of lines) {
      if (!boxesMeet(box, within, 2.5 * CLEAR.line)) continue;
      const gap = i === arrow ? 1 : CLEAR.line;
      for (const point of points) {
        if (inBox(point, box, gap)) sum += i === arrow ? 8 : 20;
        else if (i !== arrow && inBox(point, box, 2.5 * CLEAR.line)) sum += 1; // it could seem to be that one's label
      }
    }
    for (const state of layout.states) if (boxOutside(box, state) < CLEAR.state) sum += 200;
    for (const other of placed.values()) {
      if (other.arrow !== arrow && boxesMeet(box, other, CLEAR.label)) sum += 100;
    }
    const beyond = Math.max(
      box.halfWidth + 2 - box.x,
      box.x + box.halfWidth + 2 - layout.width,
      box.halfHeight + 2 - box.y,
      box.y + box.halfHeight + 2 - layout.height,
    );
    return sum + (beyond > 0 ? 300 + beyond : 0) + (overNames(box) ? 150 : 0);
  };

  for (let round = 0; round < 3; round++) {
    // later rounds see where the others went
    for (const box of boxes) {
      const twin = boxes.find((other) => other.arrow === partner(box.arrow));
      if (twin !== undefined && twin.arrow < box.arrow) continue;
      let best: Label | null = null;
      let least = Infinity;
      for (const candidate of spots(arrows(box.arrow), box)) {
        if (candidate.price >= least) continue; // its cost comes on top
        const spot = { ...box, x: candidate.x, y: candidate.y };
        let price = candidate.price + cost(spot, box.arrow);
        if (twin !== undefined) price += cost({ ...turned(spot), halfWidth: twin.halfWidth }, twin.arrow);
        if (price < least) [best, least] = [spot, price];
      }
      placed.set(box.arrow, best!);
      if (twin !== undefined) placed.set(twin.arrow, { ...twin, x: turned(best!).x, y: turned(best!).y });
    }
  }
  return boxes.map((box) => placed.get(box.arrow)!);
}

/** The smallest box around some points. */
function boxAround(points: readonly Point[]): Box {
  const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)];
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  return { x: (left + right) / 2, y: (top + bottom) / 2, halfWidth: (right - left) / 2, halfHeight: (bottom - top) / 2 };
}

/** Where a label might stand: on either side of its arrow, and at which price. */
function spots({ whole, tail, head }: Arrow, box: Box): { x: number; y: number; price: number }[] {
  const found = [];
  const chordMiddle = along(whole[0], whole[3], 0.5);
  const bulge = pointAt(whole, 0.5);
  for (const t of PLACES) {
    const at = pointAt(whole, t);
    const way = directionAt(whole, t);
    for (const side of [-1, 1]) {
      for (const further of FURTHER) {
        // to the left of the way, or to the right: as far as the box needs there, and room for a thick line
        const normal = { x: -way.y * side, y: way.x * side };
        const reach = Math.abs(normal.x) * box.halfWidth + Math.abs(normal.y) * box.halfHeight + 5 + further;
        // the outer side of a bend is the better one
        const hollow = (bulge.x - chordMiddle.x) * normal.x + (bulge.y - chordMiddle.y) * normal.y;
        const price = 12 * Math.abs(t - 0.5) + 0.4 * further + (hollow < -0.5 ? (tail === head ? 30 : 4) : 0);
        found.push({ x: at.x + normal.x * reach, y: at.y + normal.y * reach, price: price + (side > 0 ? 0.5 : 0) });
      }
    }
  }
  return found;
}
