// The geometry of the timeline: steps across, loss downward from its highest to its lowest.

export interface Scale {
  low: number;
  high: number;
  y(loss: number): number;
}

/** Where in its box the curve runs, in pixels: around it stand the names of lines and of steps. */
export interface Plot {
  left: number; // x of step 0
  right: number; // x of the last step
  top: number; // y of the highest loss
  bottom: number; // y of the lowest
}

/** The plot in a box, with a margin at its right as wide as what is written there, and one below for the axis. */
export function plotIn(width: number, height: number, margin: number, axis: number): Plot {
  return { left: 10, right: Math.max(60, width - margin), top: 12, bottom: height - axis - 10 };
}

/** The scale that holds the losses and the two lines between which they should run. */
export function lossScale(losses: readonly number[], floor: number, uniform: number, plot: Plot): Scale {
  let low = Math.min(floor, uniform);
  let high = Math.max(floor, uniform);
  for (const loss of losses) {
    if (!Number.isFinite(loss)) continue;
    low = Math.min(low, loss);
    high = Math.max(high, loss);
  }
  const span = high - low || 1;
  return { low, high, y: (loss) => plot.top + ((high - loss) / span) * (plot.bottom - plot.top) };
}

export function xOf(step: number, total: number, { left, right }: Plot): number {
  return left + (step / Math.max(1, total)) * (right - left);
}

/** The step nearest to a place, a whole number. */
export function stepAt(x: number, total: number, { left, right }: Plot): number {
  return Math.round(((x - left) / (right - left)) * Math.max(1, total));
}

/** A line through points, as a path. */
export function pathOf(points: readonly (readonly [number, number])[]): string {
  return points.map(([x, y], i) => `${i === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
}

/** Where names stand that want to stand at some heights: no two nearer than `apart`, all within the plot. */
export function apart(wanted: readonly number[], least: number, { top, bottom }: Plot): number[] {
  const order = wanted.map((y, i) => ({ y, i })).sort((a, b) => a.y - b.y);
  order.forEach((one, k) => (one.y = Math.max(one.y, k ? order[k - 1]!.y + least : top)));
  for (let k = order.length - 1; k >= 0; k--) order[k]!.y = Math.min(order[k]!.y, k < order.length - 1 ? order[k + 1]!.y - least : bottom);
  const placed = new Array<number>(wanted.length);
  for (const { y, i } of order) placed[i] = y;
  return placed;
}
