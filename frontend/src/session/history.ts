// The history of a run: the chains that a training recorded elsewhere, and its losses. A page that shows a run trains it
// again meanwhile, from the same seed, to know its weights too; what is shown is what was recorded.

import { Chain, type GPTConfig } from "../engine";
import { countRows } from "../engine/tree";
import { floats } from "../packed";
import type { Packed } from "../protocol";

/** A history as it travels. */
export interface RecordedHistory {
  readonly steps: readonly number[]; // the recorded ones, 0 first, the last one last
  readonly table: Packed; // float32 (frames, contexts, V): log-probabilities, short contexts first
  readonly losses: readonly number[]; // of each step, before it
}

export class History {
  readonly last: number;
  private readonly tables: Float32Array;
  private readonly places: ReadonlyMap<number, number>;

  constructor(
    readonly recorded: RecordedHistory,
    private readonly config: GPTConfig,
  ) {
    this.tables = floats(recorded.table);
    this.places = new Map(recorded.steps.map((step, frame) => [step, frame]));
    this.last = recorded.steps.at(-1) ?? 0;
    if (this.tables.length !== recorded.steps.length * this.size || recorded.losses.length !== this.last) {
      throw new Error("The history is not that of this GPT.");
    }
  }

  has(step: number): boolean {
    return this.places.has(step);
  }

  chain(step: number): Chain {
    const { vocab_size: V, block_size: K } = this.config;
    const at = this.places.get(step)! * this.size;
    return new Chain(V, K, new Float64Array(this.tables.subarray(at, at + this.size)));
  }

  private get size(): number {
    const { vocab_size: V, block_size: K } = this.config;
    return countRows(V, K) * V;
  }
}
