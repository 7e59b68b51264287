// The geometry of the timeline: steps across, loss downward from its highest to its lowest.

export interface Scale {
  low: number;
  high: number;
  y(loss: number): number;
}

const MARGIN = 14; // px above the highest line and below the lowest
const INSET = 8; // px left of step 0 and right of the last

/** The scale that holds the losses and the two lines between which they should run. */
export function lossScale(losses: readonly number[], floor: number, uniform: number, height: number): Scale {
  let low = Math.min(floor, uniform);
  let high = Math.max(floor, uniform);
  for (const loss of losses) {
    if (!Number.isFinite(loss)) continue;
    low = Math.min(low, loss);
    high = Math.max(high, loss);
  }
  const span = high - low || 1;
  return { low, high, y: (loss) => MARGIN + ((high - loss) / span) * (height - 2 * MARGIN) };
}

export function xOf(step: number, total: number, width: number): number {
  return INSET + (step / Math.max(1, total)) * (width - 2 * INSET);
}

/** The step nearest to a place, a whole number. */
export function stepAt(x: number, total: number, width: number): number {
  return Math.round(((x - INSET) / (width - 2 * INSET)) * Math.max(1, total));
}

export function pathOf(steps: readonly number[], losses: readonly number[], total: number, width: number, scale: Scale): string {
  return steps
    .map((step, i) => `${i === 0 ? "M" : "L"}${xOf(step, total, width).toFixed(1)} ${scale.y(losses[i] ?? 0).toFixed(1)}`)
    .join("");
}
