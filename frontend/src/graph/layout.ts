// Where the states go. The layout depends only on the vocabulary and the context length, never on probabilities, so
// nothing moves while training plays.
//
// Two symbols and up to three tokens of context have drawings of their own, in which symmetries of the chain are
// symmetries of the picture: exchanging the two symbols turns it by half a circle, and reading contexts backward
// mirrors it. All others stand around a ring in de Bruijn order, where neighbours are joined by an arrow.

import type { Point, Stadium } from "./curve";
import { contextOf, countStates, deBruijnOrder } from "./debruijn";

/** A drawing wide enough for a projector, or tall enough for a telephone. */
export type Format = "wide" | "tall";

/** Where the name of a state is written: in it, beside it pointing outward, or only when it is asked for. */
export type Naming = "inside" | "outside" | "asked";

export interface Layout {
  readonly nSymbols: number;
  readonly contextLength: number;
  readonly n: number;
  readonly width: number;
  readonly height: number;
  readonly kind: "symmetric" | "ring";
  readonly naming: Naming;
  readonly names: readonly string[]; // as drawn: long ones cut short
  readonly states: readonly Stadium[];
  readonly outward: readonly number[]; // for each state, the direction (radians) away from the middle
  readonly order: readonly number[]; // of the states around a ring; as they are numbered elsewhere
  readonly fontSize: number; // of names
  readonly labelSize: number; // of what is written at arrows
  readonly arrowHead: number; // its length
}

const SIZE = { wide: { width: 960, height: 600 }, tall: { width: 480, height: 760 } } as const;
const LONGEST_NAME = 12; // characters

/** About how wide a text is drawn: wide (East Asian) characters take twice the room. */
export function textWidth(text: string, fontSize: number): number {
  let width = 0;
  for (const c of text) width += c.codePointAt(0)! > 0x2e7f ? 1.05 : 0.6;
  return width * fontSize;
}

/** The name of a state, in full. */
export function nameOf(
  state: number,
  nSymbols: number,
  contextLength: number,
  labels: readonly string[],
  separator: string,
): string {
  return contextOf(state, nSymbols, contextLength)
    .map((token) => labels[token] ?? "?")
    .join(separator);
}

export function shorten(name: string, length = LONGEST_NAME): string {
  const characters = [...name];
  return characters.length <= length ? name : `${characters.slice(0, length - 1).join("")}…`;
}

/** (along, across) of every state, each in −1 … 1, for two symbols and K = 1, 2, 3. */
const SYMMETRIC: Record<number, readonly (readonly [number, number])[]> = {
  1: [
    [-0.52, 0],
    [0.52, 0],
  ],
  2: [
    [-0.8, 0],
    [0, -0.94],
    [0, 0.94],
    [0.8, 0],
  ],
  3: [
    [-1, 0],
    [-0.58, -1],
    [-0.28, 0],
    [0.58, -1],
    [-0.58, 1],
    [0.28, 0],
    [0.58, 1],
    [1, 0],
  ],
};

/** Place every state of a chain. */
export function layOut(
  nSymbols: number,
  contextLength: number,
  labels: readonly string[],
  separator: string,
  format: Format = "wide",
): Layout {
  const n = countStates(nSymbols, contextLength);
  const { width, height } = SIZE[format];
  const names = Array.from({ length: n }, (_, state) =>
    shorten(nameOf(state, nSymbols, contextLength, labels, separator)),
  );
  const shared = { nSymbols, contextLength, n, width, height, names };
  const symmetric = nSymbols === 2 ? SYMMETRIC[contextLength] : undefined;
  if (symmetric !== undefined) {
    const fontSize = 18;
    const radius = format === "wide" ? 27 : 24;
    const halfWidth = Math.max(radius, Math.max(...names.map((name) => textWidth(name, fontSize))) / 2 + 10);
    const reach = { along: Math.max(width, height) / 2 - 112, across: Math.min(width, height) / 2 - 96 };
    const states = symmetric.map(([u, v]) => {
      const [x, y] = format === "wide" ? [u * reach.along, v * reach.across] : [v * reach.across, u * reach.along];
      return { x: width / 2 + x, y: height / 2 + y, halfWidth, radius };
    });
    return {
      ...shared,
      kind: "symmetric",
      naming: "inside",
      states,
      outward: states.map((p) => Math.atan2(p.y - height / 2, p.x - width / 2)),
      order: states.map((_, i) => i),
      fontSize,
      labelSize: 15,
      arrowHead: 13,
    };
  }
  return { ...shared, ...ring(nSymbols, contextLength, names, width, height) };
}

type Ring = Omit<Layout, "nSymbols" | "contextLength" | "n" | "width" | "height" | "names">;

function ring(nSymbols: number, contextLength: number, names: string[], width: number, height: number): Ring {
  const n = names.length;
  const nArrows = n * nSymbols;
  const order = deBruijnOrder(nSymbols, contextLength);
  const fontSize = n <= 9 ? 18 : n <= 16 ? 16 : 14;
  const widest = Math.max(...names.map((name) => textWidth(name, fontSize)));
  const few = n <= 4; // then all arrows have labels, which need room
  const around = {
    x: width / 2 - (few ? 0.28 * width : Math.min(84, 0.14 * width)),
    y: height / 2 - (few ? 120 : 72),
  };
  if (few) around.x = around.y = Math.min(around.x, around.y) * (n === 3 ? 1.12 : 1.05);
  // A name fits into its state if those standing side by side at the top and the bottom leave each other room.
  const roomy = perimeter(around) / n >= widest + 34;
  const naming: Naming = roomy && n <= 64 ? "inside" : n <= 64 ? "outside" : "asked";
  const radius = naming === "inside" ? (n <= 9 ? 25 : n <= 16 ? 22 : 15) : n <= 64 ? 6 : 3.2;
  const halfWidth = naming === "inside" ? Math.max(radius, widest / 2 + 8) : radius;
  if (naming !== "inside") {
    // names stand outside, each in the direction of its state
    around.x = width / 2 - Math.min(widest + 26, 0.25 * width);
    around.y = height / 2 - Math.min(widest + 26, 0.25 * height);
  }
  const centre = { x: width / 2, y: height / 2 + (n === 3 ? 40 : 0) };
  const spots = onEllipse(n, n === 1 ? { x: 1e-6, y: 1e-6 } : around, nSymbols === 2 ? Math.PI : -Math.PI / 2);
  const states = new Array<Stadium>(n);
  const outward = new Array<number>(n);
  order.forEach((state, i) => {
    const { x, y, angle } = spots[i]!;
    states[state] = { x: centre.x + x, y: centre.y + y, halfWidth, radius };
    outward[state] = angle;
  });
  return {
    kind: "ring",
    naming,
    states,
    outward,
    order,
    fontSize,
    labelSize: nArrows <= 16 ? 15 : 14,
    arrowHead: nArrows <= 16 ? 13 : nArrows <= 64 ? 10 : nArrows <= 160 ? 8 : 6,
  };
}

/** Ramanujan's first approximation, good to a hundredth of a percent at these shapes. */
function perimeter({ x, y }: Point): number {
  return Math.PI * (3 * (x + y) - Math.sqrt((3 * x + y) * (x + 3 * y)));
}

/** `n` places around an ellipse, clockwise, equally far apart along it; `angle` is the direction outward there. */
function onEllipse(n: number, half: Point, start: number): { x: number; y: number; angle: number }[] {
  const fine = 2048;
  const at = (i: number): Point => {
    const t = start + (2 * Math.PI * i) / fine;
    return { x: half.x * Math.cos(t), y: half.y * Math.sin(t) };
  };
  const lengths = [0];
  for (let i = 0; i < fine; i++) {
    const a = at(i);
    const b = at(i + 1);
    lengths.push(lengths[i]! + Math.hypot(b.x - a.x, b.y - a.y));
  }
  const places = [];
  let i = 0;
  for (let k = 0; k < n; k++) {
    const wanted = (k / n) * lengths[fine]!;
    while (lengths[i + 1]! < wanted) i++;
    const share = (wanted - lengths[i]!) / (lengths[i + 1]! - lengths[i]!);
    const { x, y } = at(i + share);
    places.push({ x, y, angle: Math.atan2(y / half.y ** 2, x / half.x ** 2) });
  }
  return places;
}
