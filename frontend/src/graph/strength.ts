// From numbers to ink: how thick, how strong and what is written.

import type { Stadium } from "./curve";
import type { Layout } from "./layout";

/** The width of an arrow's line at strength 0 and what it gains up to strength 1. */
function thickness(nArrows: number): readonly [number, number] {
  if (nArrows <= 16) return [0.9, 5.6];
  if (nArrows <= 64) return [0.7, 3.8];
  if (nArrows <= 160) return [0.6, 2.6];
  if (nArrows <= 600) return [0.4, 1.3];
  return [0.3, 3.2];
}

export interface Ink {
  readonly width: number;
  readonly opacity: number;
}

/** How an arrow of a given strength (a probability, or the size of a difference) is drawn: 0 not at all. */
export function inkOf(strength: number, layout: Layout): Ink {
  const nArrows = layout.n * layout.nSymbols;
  const s = Math.min(1, Math.max(0, strength));
  if (s === 0) return { width: 0, opacity: 0 };
  const [least, gain] = thickness(nArrows);
  // where there are many, the weak ones must not add up to a fog
  const opacity =
    nArrows <= 16 ? 0.35 + 0.65 * Math.sqrt(s) : nArrows <= 160 ? 0.1 + 0.84 * s ** 0.8 : 0.05 + 0.85 * s ** 0.7;
  return { width: least + gain * s, opacity };
}

/** The same for an arrow of a state that is looked at. */
export function strongInkOf(strength: number, layout: Layout): Ink {
  const { width, opacity } = inkOf(strength, layout);
  if (width === 0) return { width, opacity };
  return { width: layout.n * layout.nSymbols <= 64 ? width : 0.8 + 1.4 * width, opacity: 0.3 + 0.7 * opacity };
}

/** How broad the band around an arrow is that lies between two probabilities: five times as much as a line gains. */
export function bandOf(low: number, high: number, layout: Layout): number {
  const [, gain] = thickness(layout.n * layout.nSymbols);
  return 5 * gain * (high - low);
}

/** Half the breadth of the head of an arrow whose line has this width. */
export const headBreadth = (length: number, width: number): number => length * 0.3 + width * 0.55;

/** A probability in percent, as short as an arrow's label must be. Nothing short of certain is written as 0 % or 100 %. */
export function percent(p: number): string {
  if (p <= 0 || p >= 1) return p <= 0 ? "0%" : "100%";
  if (p < 0.005) return "<1%";
  if (p >= 0.995) return ">99%";
  return `${Math.round(p * 100)}%`;
}

/** The longest text that an arrow carries beside its token, if that is one probability, and if it is two. */
export const LONGEST_AMOUNT = "100%";
export const LONGEST_RANGE = "88–88%";

/**
 * How far the halo of a state reaches beyond its outline, so that the halo's area is proportional to its long-run
 * share: with equal shares, a circle's halo has 0.8 of its area.
 */
export function haloOf(share: number, { halfWidth, radius }: Stadium, n: number): number {
  const area = 0.8 * Math.PI * radius ** 2 * n * Math.max(0, share);
  // π((r + d)² − r²) + 4(w − r)d = area
  const half = radius + (2 * (halfWidth - radius)) / Math.PI;
  return Math.sqrt(half ** 2 + area / Math.PI) - half;
}
