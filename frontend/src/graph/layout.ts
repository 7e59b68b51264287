// Where the states go. The layout depends only on the vocabulary and the context length, never on probabilities, so
// nothing moves while training plays.
//
// Two symbols and up to three tokens of context have drawings of their own, in which symmetries of the chain are
// symmetries of the picture: exchanging the two symbols turns it by half a circle, and reading contexts backward
// mirrors it. All others stand around a ring in de Bruijn order, where neighbours are joined by an arrow.

import { type Point, type Stadium, along } from "./curve";
import { contextOf } from "../contexts";
import { deBruijnOrder } from "./debruijn";
import places from "../../../src/babygpt/draw/symmetric.json";

/** What a chain is drawn on: wide for a projector, or tall for a telephone. */
export interface Sheet {
  readonly width: number;
  readonly height: number;
}

/** Where the name of a state is written: in it, beside it pointing outward, or only when it is asked for. */
export type Naming = "inside" | "outside" | "asked";

export interface Layout {
  readonly nSymbols: number;
  readonly contextLength: number;
  readonly n: number;
  readonly width: number;
  readonly height: number;
  readonly kind: "symmetric" | "ring";
  readonly centre: Point;
  readonly ring: Point | null; // half its width and half its height
  readonly naming: Naming;
  readonly names: readonly string[]; // as drawn: long ones cut short
  readonly states: readonly Stadium[];
  readonly outward: readonly number[]; // for each state, the direction (radians) away from the middle
  readonly order: readonly number[]; // of the states around a ring; as they are numbered elsewhere
  readonly fontSize: number; // of names
  readonly labelSize: number; // of what is written at arrows
  readonly arrowHead: number; // its length
}

export const WIDE: Sheet = { width: 960, height: 600 };
export const TALL: Sheet = { width: 480, height: 760 };
export const PAPER: Sheet = { width: 620, height: 640 }; // what is above and below it on a printed page left out
const SMALLEST = 0.75; // of a drawing on the screen: then what is written at arrows is 12 px high
const PRESENTED = 1.2; // of a small chain that is presented: 19 px
const MOST_PRESENTED = 16; // states
const LEAST = { wide: { width: 620, height: 400 }, tall: { width: 360, height: 560 } } as const; // below them states would meet
const ROUND = 20; // sheets whose sides differ by less are one
const SHAPES = { wide: [1.1, 1.9], presented: [1.1, 2.6], tall: [0.56, 0.8] } as const; // of sheets, width by height: the rest stays empty

/** The sheet for a place of so many pixels: smaller for a small one, so that what is written stays readable, from afar too. */
export function sheetFor(width: number, height: number, presentedStates = Infinity): Sheet {
  const tall = width < 560 && height > width;
  const usual = tall ? TALL : WIDE;
  const least = presentedStates <= MOST_PRESENTED ? PRESENTED : SMALLEST;
  const room = LEAST[tall ? "tall" : "wide"];
  const scale = Math.min(Math.max(least, Math.min(width / usual.width, height / usual.height)), width / room.width, height / room.height);
  const [narrowest, widest] = SHAPES[tall ? "tall" : least === PRESENTED ? "presented" : "wide"];
  const round = (x: number) => Math.max(ROUND, Math.floor(x / scale / ROUND) * ROUND);
  return { width: round(Math.min(width, widest * height)), height: round(Math.min(height, width / narrowest)) };
}

/** Small chains are drawn on a smaller sheet, and so larger. */
function scaleOf(n: number, nArrows: number): number {
  return n === 1 ? 0.5 : n === 2 ? 0.68 : nArrows <= 16 && n < 8 ? 0.85 : 1;
}
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
  return inReadingOrder(contextOf(state, nSymbols, contextLength).map((token) => labels[token] ?? "?"), separator);
}

/** Symbols one after the other, the oldest at the left, even where they are written from right to left. */
export function inReadingOrder(symbols: readonly string[], separator: string): string {
  const text = symbols.join(separator);
  return RIGHT_TO_LEFT.test(text) ? `\u202d${text}\u202c` : text; // overridden, and no more
}

const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;

export function shorten(name: string, length = LONGEST_NAME): string {
  const characters = [...name];
  return characters.length <= length ? name : `${characters.slice(0, length - 1).join("")}…`;
}

/** (along, across) of every state, each in −1 … 1, for two symbols and K = 1, 2, 3: `draw/layout.py` reads the same file. */
const SYMMETRIC = places as unknown as Record<number, readonly (readonly [number, number])[] | undefined>;

/** Upright, eight states stand a little further apart along the drawing, where labels need the room. */
const TALLER: Record<number, number> = { 1: 1, 0.58: 0.63, 0.28: 0.24 };

/** Place every state of a chain. */
export function layOut(
  nSymbols: number,
  contextLength: number,
  labels: readonly string[],
  separator: string,
  sheet: Sheet = WIDE,
): Layout {
  const n = nSymbols ** contextLength;
  const wide = sheet.width >= sheet.height;
  const usual = wide ? WIDE : TALL;
  const scale = wide || n <= 2 ? scaleOf(n, n * nSymbols) : 1;
  // of a sheet that is small already, no more is taken away than of the usual one
  const shrunk = (side: "width" | "height", by: number) => Math.max(by * sheet[side], Math.min(sheet[side], by * usual[side]));
  const width = shrunk("width", scale);
  const height = shrunk("height", wide ? scale : Math.max(scale, 0.8));
  const names = Array.from({ length: n }, (_, state) =>
    shorten(nameOf(state, nSymbols, contextLength, labels, separator)),
  );
  const shared = { nSymbols, contextLength, n, width, height, names };
  const symmetric = nSymbols === 2 ? SYMMETRIC[contextLength] : undefined;
  if (symmetric !== undefined) {
    const fontSize = 19;
    const radius = wide ? 27 : 24;
    const halfWidth = Math.max(radius, Math.max(...names.map((name) => textWidth(name, fontSize))) / 2 + 10);
    const reach = { along: Math.max(width, height) / 2 - 116, across: Math.min(width, height) / 2 - 92 };
    const states = symmetric.map(([u, v]) => {
      if (!wide && n === 8) u = TALLER[Math.abs(u)]! * Math.sign(u);
      const [x, y] = wide ? [u * reach.along, v * reach.across] : [v * reach.across, u * reach.along];
      return { x: width / 2 + x, y: height / 2 + y, halfWidth, radius };
    });
    return {
      ...shared,
      kind: "symmetric",
      centre: { x: width / 2, y: height / 2 },
      ring: null,
      naming: "inside",
      states,
      outward: states.map((p) => Math.atan2(p.y - height / 2, p.x - width / 2)),
      order: states.map((_, i) => i),
      fontSize,
      labelSize: 16,
      arrowHead: 14,
    };
  }
  return { ...shared, ...ring(nSymbols, contextLength, names, width, height) };
}

type Ring = Omit<Layout, "nSymbols" | "contextLength" | "n" | "width" | "height" | "names">;

/** Where on a ring its first state stands, in radians clockwise from the right: left for two symbols, else the top. */
export const ringStart = (nSymbols: number): number => (nSymbols === 2 ? Math.PI : -Math.PI / 2);

function ring(nSymbols: number, contextLength: number, names: string[], width: number, height: number): Ring {
  const n = names.length;
  const nArrows = n * nSymbols;
  const order = deBruijnOrder(nSymbols, contextLength);
  const few = nArrows <= 16; // then all arrows have labels, which need room
  let around = { x: width / 2 - Math.min(84, 0.14 * width), y: height / 2 - 72 };
  if (few)
    around = { x: Math.min(width / 2 - (width < height ? 96 : 120), n === 4 ? 300 : Infinity), y: height / 2 - 92 };
  if (n === 3) around.x = around.y = Math.min(around.x, 1.14 * around.y);
  // Names fit into the states if those standing side by side at the top and the bottom leave each other room.
  const room = perimeter(around) / n;
  const widths = (size: number): number => Math.max(...names.map((name) => textWidth(name, size)));
  const fitting = n <= 64 ? [18, 16, 14].find((size) => (size < 18 || n <= 9) && widths(size) + 34 <= room) : undefined;
  const naming: Naming = fitting !== undefined ? "inside" : n <= 64 ? "outside" : "asked";
  const fontSize = fitting ?? 14;
  const widest = widths(fontSize);
  const radius = naming === "inside" ? (n <= 9 ? 25 : n <= 16 ? 22 : 15) : Math.min(n <= 64 ? 6 : 3.2, 0.38 * room);
  const halfWidth = naming === "inside" ? Math.max(radius, widest / 2 + 8) : radius;
  // names that stand outside are written outward; those written when asked for, too
  if (naming !== "inside") {
    around = { x: width / 2 - widest - 24, y: height / 2 - widest - 24 };
    if (naming === "outside") around.x = around.y = Math.min(around.x, around.y); // a circle
  } else if (!few) around.x -= halfWidth - radius;
  const centre = { x: width / 2, y: height / 2 + (n === 3 ? 0.25 * around.y : 0) };
  const spots = onEllipse(n, n === 1 ? { x: 1e-6, y: 1e-6 } : around, ringStart(nSymbols));
  const states = new Array<Stadium>(n);
  const outward = new Array<number>(n);
  order.forEach((state, i) => {
    const { x, y, angle } = spots[i]!;
    states[state] = { x: centre.x + x, y: centre.y + y, halfWidth, radius };
    outward[state] = angle;
  });
  return {
    kind: "ring",
    centre,
    ring: around,
    naming,
    states,
    outward,
    order,
    fontSize,
    labelSize: 16,
    arrowHead: nArrows <= 16 ? 14 : nArrows <= 64 ? 10 : nArrows <= 160 ? 8 : 6,
  };
}

/**
 * Where around a ring the names of a few states are written: at the states, but no two so near that they would
 * overlap. `angle` is the direction outward there.
 */
export function spread(layout: Layout, states: readonly number[]): { state: number; at: Point; angle: number }[] {
  const { n, order, ring, centre } = layout;
  if (ring === null) return [];
  const sorted = states.map((state) => ({ state, place: order.indexOf(state) })).sort((a, b) => a.place - b.place);
  // cut the ring open where it is emptiest, so that places have one order
  const gapBefore = (i: number): number =>
    i === 0 ? sorted[0]!.place + n - sorted.at(-1)!.place : sorted[i]!.place - sorted[i - 1]!.place;
  let first = 0;
  for (let i = 1; i < sorted.length; i++) if (gapBefore(i) > gapBefore(first)) first = i;
  const wanted = [
    ...sorted.slice(first),
    ...sorted.slice(0, first).map((name) => ({ ...name, place: name.place + n })),
  ];
  const least = Math.min((1.2 * layout.fontSize * n) / perimeter(ring), n / Math.max(1, wanted.length));
  for (let round = 0; round < 100; round++) {
    // those too near each other part by half of what they lack
    for (let i = 1; i < wanted.length; i++) {
      const [a, b] = [wanted[i - 1]!, wanted[i]!];
      const lack = least - (b.place - a.place);
      if (lack <= 0) continue;
      a.place -= lack / 2;
      b.place += lack / 2;
    }
  }
  return wanted.map(({ state, place }) => {
    const before = Math.floor(place);
    const a = layout.states[order[((before % n) + n) % n]!]!;
    const b = layout.states[order[(((before + 1) % n) + n) % n]!]!;
    const at = along(a, b, place - before);
    return { state, at, angle: Math.atan2((at.y - centre.y) / ring.y ** 2, (at.x - centre.x) / ring.x ** 2) };
  });
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
