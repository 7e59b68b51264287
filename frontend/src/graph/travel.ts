// The ball's way: where it rests at each state, and the track it takes along an arrow.

import type { Arrow, Arrows, Label } from "./arrows";
import { type Point, distance, inBox, onOutline, trace } from "./curve";
import type { Layout } from "./layout";

const DIRECTIONS = 24;
export const BALL = 7; // its radius
const RIM = 5; // how far outside the outline its middle rests

/** The direction in which the ball rests on the outline of a state: where no arrow and no label is near. */
export function restingDirection(layout: Layout, state: number, arrows: Arrows, labels: readonly Label[]): number {
  const { n, nSymbols } = layout;
  const shape = layout.states[state]!;
  const taken: number[] = [];
  for (let token = 0; token < nSymbols; token++) {
    taken.push(directionFrom(shape, arrows(state * nSymbols + token).whole[0]));
    // the states before this one have its tokens but the last, after any token
    const before = (token * n) / nSymbols + Math.floor(state / nSymbols);
    taken.push(directionFrom(shape, arrows(before * nSymbols + (state % nSymbols)).whole[3]));
  }
  let best = 0;
  let widest = -Infinity;
  for (let k = 0; k < DIRECTIONS; k++) {
    // begin at the upper right, where it is looked for first
    const angle = -Math.PI / 4 - (2 * Math.PI * k) / DIRECTIONS;
    let room = Math.min(1.1, ...taken.map((other) => Math.abs(turn(angle, other))));
    const at = onOutline(shape, angle, RIM);
    if (labels.some((label) => inBox(at, label, BALL + 1))) room -= 2;
    if (room > widest + 1e-6) [best, widest] = [angle, room];
  }
  return best;
}

/** Where the ball rests at a state: on its outline, or on the state where names stand outside. */
export function restingPlace(layout: Layout, state: number, direction: number): Point {
  const shape = layout.states[state]!;
  return layout.naming === "inside" ? onOutline(shape, direction, RIM) : { x: shape.x, y: shape.y };
}

/** The track from rest at the tail of an arrow to rest at its head: around, along, around. */
export function track(layout: Layout, arrow: Arrow, rest: (state: number) => number): Point[] {
  const tail = layout.states[arrow.tail]!;
  const head = layout.states[arrow.head]!;
  const points = trace(arrow.whole, 32);
  if (layout.naming !== "inside") {
    return [{ x: tail.x, y: tail.y }, ...points, { x: head.x, y: head.y }];
  }
  const [leave, arrive] = [rest(arrow.tail), rest(arrow.head)];
  const before = roundabout(leave, directionFrom(tail, points[0]!)).map((angle) => onOutline(tail, angle, RIM));
  const after = roundabout(directionFrom(head, points.at(-1)!), arrive).map((angle) => onOutline(head, angle, RIM));
  return [...before, ...points, ...after];
}

/** A function from 0 … 1 to the points of a track, at even speed. */
export function follow(points: readonly Point[]): (share: number) => Point {
  const lengths = [0];
  for (let i = 1; i < points.length; i++) lengths.push(lengths[i - 1]! + distance(points[i - 1]!, points[i]!));
  const total = lengths.at(-1)!;
  return (share) => {
    const wanted = Math.min(1, Math.max(0, share)) * total;
    let i = 1;
    while (i < points.length - 1 && lengths[i]! < wanted) i++;
    const [a, b] = [points[i - 1]!, points[i]!];
    const step = lengths[i]! - lengths[i - 1]! || 1;
    const t = (wanted - lengths[i - 1]!) / step;
    return { x: a.x + (b.x - a.x) * t, y: a.y + (b.y - a.y) * t };
  };
}

/** Slow, fast, slow. */
export const ease = (t: number): number => (t < 0.5 ? 4 * t ** 3 : 1 - (2 - 2 * t) ** 3 / 2);

const directionFrom = (from: Point, p: Point): number => Math.atan2(p.y - from.y, p.x - from.x);

/** The shorter way from one direction to another, in radians, with its sign. */
function turn(from: number, to: number): number {
  const round = 2 * Math.PI;
  return ((((to - from + Math.PI) % round) + round) % round) - Math.PI;
}

function roundabout(from: number, to: number): number[] {
  const by = turn(from, to);
  return Array.from({ length: 9 }, (_, i) => from + (by * i) / 8);
}
