// Many seeds beside the one on the screen: what all of them say about each arrow, and what only some do, as
// src/babygpt/studio/seed_bands.py has it. They are the seeds 0, 1, 2, …; what is known so far is shown.

import { isPlain, type Decoding } from "../decoding";
import { quantiles, Trainings } from "../engine";
import { decode } from "../engine/decode";
import { countRows } from "../engine/tree";
import { argmax } from "../numbers";
import type { StateOfSeeds } from "../protocol";
import { countTo } from "./bisect";
import { distribute, type WorkerPool } from "./pool";
import { BINS, HIGH, LOW, MAX_STATE_TOKENS, QUICK } from "./facts.generated";
import type { Values } from "./figures";
import type { Limits } from "./limits";
import { FramePlan } from "./plan";
import { same } from "./same";
import type { Setup } from "./setup";

/** Probabilities (N, V) as a decoding leaves them. */
function decoded(probs: Float32Array, V: number, decoding: Decoding): Float32Array {
  if (isPlain(decoding)) return probs;
  return new Float32Array(decode(new Float64Array(probs).map(Math.log), V, decoding).map(Math.exp));
}

/** What S seeds say at one step. */
export class Band {
  private quantiles: Values[] | null = null;

  /** `seeds`: those whose GPTs stayed finite; `chains`: every arrow (N, V) of each. */
  constructor(
    readonly step: number,
    readonly seeds: readonly number[],
    readonly chains: readonly Float32Array[],
    private readonly vocabSize: number,
  ) {}

  /** Of each arrow: between the first and the last lie nine seeds in ten; the second is the median. */
  get lowMedianHigh(): Values[] {
    return (this.quantiles ??= quantiles(this.chains, [LOW, 0.5, HIGH]));
  }

  /** What the seeds say after one state, and where the `own` arrows of a run with `seed` lie. */
  ofState(state: number, own: Values | null, seed: number): StateOfSeeds {
    const V = this.vocabSize;
    const [low, median, high] = this.lowMedianHigh.map((all) => all.subarray(state * V, (state + 1) * V));
    const ranked = Array.from({ length: V }, (_, token) => token).sort((a, b) => median![b]! - median![a]! || a - b);
    const tokens = ranked.slice(0, MAX_STATE_TOKENS).sort((a, b) => a - b);
    const rows = this.chains.map((chain) => chain.subarray(state * V, (state + 1) * V));
    const first = rows.map((row) => argmax(row));
    const others = rows.filter((_, i) => this.seeds[i] !== seed);
    const share = (some: readonly unknown[], all: readonly unknown[]) => some.length / all.length;
    const N = this.chains[0]!.length / V;
    const before = Array.from({ length: V }, (_, oldest) => {
      const from = oldest * (N / V) + Math.floor(state / V);
      return this.lowMedianHigh[1]![from * V + (state % V)]!;
    });
    return {
      tokens,
      likeliest: tokens.map((token) => share(first.filter((one) => one === token), rows)),
      low: tokens.map((token) => low![token]!),
      median: tokens.map((token) => median![token]!),
      high: tokens.map((token) => high![token]!),
      below:
        own && others.length
          ? tokens.map((token) => share(others.filter((row) => row[token]! < Math.fround(own[token]!)), others))
          : null,
      before,
      histogram: tokens.map((token) => {
        const bins = new Array<number>(BINS).fill(0);
        for (const row of rows) bins[Math.min(Math.floor(row[token]! * BINS), BINS - 1)]!++;
        return bins;
      }),
    };
  }
}

export class ManySeeds {
  private readonly steps: number[];
  private readonly trainings: Trainings;
  private before: ManySeeds | null;
  private last: { key: readonly unknown[]; band: Band } | null = null;

  /** The seeds 0 … `asked` − 1, for `total` steps; `before`: the same for fewer, shown where it knows more. */
  constructor(
    private readonly setup: Setup,
    readonly asked: number,
    readonly total: number,
    limits: Limits,
    before: ManySeeds | null = null,
    private readonly pool: WorkerPool | null = null,
  ) {
    this.before = before && !before.countAt(-1) ? before.before : before; // not what knows nothing more
    const { vocab_size: V, block_size: K } = setup.config;
    const plan = FramePlan.within(limits.seedBytes, total, asked * V ** (K + 1), countRows(V, K));
    this.steps = Array.from({ length: total + 1 }, (_, step) => step).filter((step) => plan.wants(step) || step === total);
    const members = Array.from({ length: asked }, (_, seed) => ({ corpus: setup.corpus, seed }));
    this.trainings = new Trainings(members, { config: setup.config, training: setup.training, recorded: this.steps });
  }

  get done(): boolean {
    return this.trainings.done;
  }

  /** Train until that time of performance.now(), a step at least. */
  advance(until: number): void {
    this.trainings.advance(until);
    if (this.pool) distribute(this.trainings, this.pool);
    if (this.done) this.before = null;
  }

  /** The last kept step that is not after `step`, and how many seeds have come that far. */
  known(step: number): [number, number] {
    const here = this.where(step);
    const frame = here.frameOf(step);
    return [here.steps[frame]!, here.countAt(frame)];
  }

  /** What is known at a step, or at the last kept one before. While frames are `passing`, what takes long is the last one. */
  band(step: number, decoding: Decoding, passing: boolean): Band | null {
    const here = this.where(step);
    if (here !== this) return here.band(step, decoding, passing);
    const frame = this.frameOf(step);
    const n = this.countAt(frame);
    const { vocab_size: V, block_size: K } = this.setup.config;
    const key = [frame, n, decoding];
    const kept = passing && this.last !== null && this.asked * V ** (K + 1) > QUICK;
    if (!this.last || (!kept && !same(this.last.key, key))) {
      const chains = Array.from({ length: n }, (_, member) => this.trainings.chain(member, frame));
      const seeds = chains.flatMap((chain, seed) => (chain.every(Number.isFinite) ? [seed] : []));
      if (!seeds.length) return null;
      const finite = seeds.map((seed) => decoded(chains[seed]!, V, decoding));
      this.last = { key, band: new Band(this.steps[frame]!, seeds, finite, V) };
    }
    return this.last.band;
  }

  /** Who knows more of a step: this, or what was there before. */
  private where(step: number): ManySeeds {
    const { before } = this;
    const known = this.countAt(this.frameOf(step));
    if (!before || (known && (step > before.total || known >= before.known(step)[1]))) return this;
    return before.where(step);
  }

  private frameOf(step: number): number {
    return Math.max(countTo(this.steps, step) - 1, 0);
  }

  /** How many seeds, the first ones, have come as far as a frame, or the last one, −1. */
  private countAt(frame: number): number {
    return this.trainings.countRead(frame < 0 ? this.steps.length - 1 : frame);
  }
}
