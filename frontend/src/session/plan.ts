// Which steps of a training are recorded, and how precisely, as FramePlan of src/babygpt/run/history.py has it.

import { EVERY_STEP } from "./facts.generated";

export class FramePlan {
  private constructor(
    /** Frames between step s and 2s, a power of two; Infinity: every step; 0: only the first and the last. */
    private readonly perDoubling: number,
    readonly wide: boolean, // as float64
  ) {}

  /** For so many steps whose frames hold `size` numbers each; reading many contexts takes longer than a step. */
  static within(budget: number, steps: number, size: number, nContexts = 0): FramePlan {
    const often = nContexts <= EVERY_STEP ? Infinity : highestBit(Math.max(1, Math.floor((16 * EVERY_STEP) / nContexts)));
    for (const wide of [true, false]) {
      const plan = new FramePlan(often, wide);
      if (plan.count(steps) * size * (wide ? 8 : 4) <= budget) return plan;
    }
    const frames = Math.floor(budget / (size * 4));
    let perDoubling = highestBit(Math.max(1, frames));
    while (perDoubling && new FramePlan(perDoubling, false).count(steps) > frames) perDoubling = Math.floor(perDoubling / 2);
    return new FramePlan(Math.min(often, perDoubling), false);
  }

  /** Whether a step belongs to the plan (the last one is recorded besides). */
  wants(step: number): boolean {
    if (step === 0 || this.perDoubling === Infinity) return true;
    return this.perDoubling !== 0 && step % this.spacing(step) === 0;
  }

  /** How many frames a training records, the last step included. */
  count(steps: number): number {
    if (this.perDoubling === Infinity) return 1 + steps;
    let count = 1;
    for (let low = 1; this.perDoubling && low <= steps; ) {
      const spacing = this.spacing(low);
      const high = Math.min(steps, 2 * spacing * this.perDoubling - 1);
      count += Math.floor(high / spacing) - Math.floor((low - 1) / spacing);
      low = high + 1;
    }
    return count + (this.wants(steps) ? 0 : 1);
  }

  private spacing(step: number): number {
    return highestBit(Math.max(1, Math.floor(step / this.perDoubling)));
  }
}

/** The largest power of two that is not above n ≥ 1. */
function highestBit(n: number): number {
  return 2 ** Math.floor(Math.log2(n));
}
