// Points, curves and outlines: the plane geometry under the graph. Lengths are in units of the drawing, y downward.

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A cubic Bézier curve: where it begins, its two handles, where it ends. */
export type Cubic = readonly [Point, Point, Point, Point];

/** A box with half circles for its ends, so a circle where `halfWidth` equals `radius`: the outline of a state. */
export interface Stadium {
  readonly x: number;
  readonly y: number;
  readonly halfWidth: number;
  readonly radius: number;
}

/** An upright box around a centre. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly halfWidth: number;
  readonly halfHeight: number;
}

export const along = (a: Point, b: Point, t: number): Point => ({ x: a.x + (b.x - a.x) * t, y: a.y + (b.y - a.y) * t });

export const distance = (a: Point, b: Point): number => Math.hypot(a.x - b.x, a.y - b.y);

/** The point reached from `from` in a direction (radians, clockwise from the right, as y points down). */
export const toward = (from: Point, angle: number, length: number): Point => ({
  x: from.x + Math.cos(angle) * length,
  y: from.y + Math.sin(angle) * length,
});

/** The polar form of a cubic: its three parameters equal, a point; mixed, the handles of a part (de Casteljau). */
function blossom(curve: Cubic, t: number, u: number, v: number): Point {
  const [a, b, c, d] = curve;
  const ab = along(a, b, t);
  const bc = along(b, c, t);
  const cd = along(c, d, t);
  return along(along(ab, bc, u), along(bc, cd, u), v);
}

export const pointAt = (curve: Cubic, t: number): Point => blossom(curve, t, t, t);

/** The direction of travel at t, as a vector of length 1. */
export function directionAt(curve: Cubic, t: number): Point {
  const a = pointAt(curve, Math.max(0, t - 0.01));
  const b = pointAt(curve, Math.min(1, t + 0.01));
  const length = distance(a, b) || 1;
  return { x: (b.x - a.x) / length, y: (b.y - a.y) / length };
}

/** The part of a curve between two of its parameters. */
export const part = (curve: Cubic, s: number, t: number): Cubic => [
  blossom(curve, s, s, s),
  blossom(curve, s, s, t),
  blossom(curve, s, t, t),
  blossom(curve, t, t, t),
];

/** `n` + 1 points along a curve, both ends among them. */
export const trace = (curve: Cubic, n: number): Point[] =>
  Array.from({ length: n + 1 }, (_, i) => pointAt(curve, i / n));

/** The cubic that is the quadratic curve with this one handle. */
export const quadratic = (a: Point, handle: Point, b: Point): Cubic => [
  a,
  along(a, handle, 2 / 3),
  along(b, handle, 2 / 3),
  b,
];

const short = (value: number): string => String(Math.round(value * 10) / 10);

/** A curve as SVG writes it. */
export const pathOf = ([a, b, c, d]: Cubic): string =>
  `M${short(a.x)} ${short(a.y)}C${[b, c, d].map((p) => `${short(p.x)} ${short(p.y)}`).join(" ")}`;

/** How far a point lies outside an outline; negative inside. */
export function outside(p: Point, shape: Stadium): number {
  const beyond = Math.max(Math.abs(p.x - shape.x) - (shape.halfWidth - shape.radius), 0);
  return Math.hypot(beyond, p.y - shape.y) - shape.radius;
}

/** Where a ray from the centre in a direction leaves the outline, and `gap` further. */
export function onOutline(shape: Stadium, angle: number, gap = 0): Point {
  let inside = 0;
  let out = shape.halfWidth + Math.abs(gap) + 1;
  for (let i = 0; i < 40; i++) {
    const middle = (inside + out) / 2;
    if (outside(toward(shape, angle, middle), shape) < gap) inside = middle;
    else out = middle;
  }
  return toward(shape, angle, out);
}

/** The parameter in [s, t] at which `test`, false at s and true at t, turns true. */
export function turning(s: number, t: number, test: (t: number) => boolean): number {
  for (let i = 0; i < 30; i++) {
    const middle = (s + t) / 2;
    if (test(middle)) t = middle;
    else s = middle;
  }
  return t;
}

/** Whether two boxes come nearer than `gap` to each other. */
export const boxesMeet = (a: Box, b: Box, gap = 0): boolean =>
  Math.abs(a.x - b.x) < a.halfWidth + b.halfWidth + gap && Math.abs(a.y - b.y) < a.halfHeight + b.halfHeight + gap;

/** How far a box lies outside an outline (0 if they touch or overlap). */
export function boxOutside(box: Box, shape: Stadium): number {
  const core = shape.halfWidth - shape.radius;
  const dx = Math.max(Math.abs(box.x - shape.x) - box.halfWidth - core, 0);
  const dy = Math.max(Math.abs(box.y - shape.y) - box.halfHeight, 0);
  return Math.max(Math.hypot(dx, dy) - shape.radius, 0);
}

export const inBox = (p: Point, box: Box, gap = 0): boolean =>
  Math.abs(p.x - box.x) < box.halfWidth + gap && Math.abs(p.y - box.y) < box.halfHeight + gap;
