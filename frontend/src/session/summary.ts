// The model's chain as it is shown at a moment, and what it amounts to, each computed when it is first asked for, as
// src/babygpt/studio/chain_summary.py has it.

import { entropyRate, longRunSteps, mixingSteps, recurrentClasses, type Chain, type Corpus, type Steps } from "../engine";
import type { Numbers, Standing } from "../protocol";
import { AT_ONCE_MIXING, FEW, FOLLOWED, FOLLOWED_MIXING, LONG_RUN, MIXING } from "./facts.generated";
import { finite, probsOf, type Values } from "./figures";

/** Something that is computed a slice at a time. */
class Sliced<T> {
  known = false;
  value: T | null = null;

  constructor(private readonly steps: Steps<T>) {}

  /** Do one step, if there is one left. */
  step(): void {
    if (this.known) return;
    const { done, value } = this.steps.next();
    if (done) [this.known, this.value] = [true, value];
  }

  /** Work until that time of performance.now(), a step at least, or to the end. */
  work(until = Infinity): void {
    while (!this.known) {
      this.step();
      if (performance.now() >= until) return;
    }
  }
}

export class ChainSummary {
  readonly probs: Values;
  private readonly pi: Sliced<Float64Array | null>;
  private readonly mixing: Sliced<{ time: number | null; kind: Numbers["mixing"] }>;
  private readonly atOnce: boolean;
  private asked = false;
  private loss: number | null = null;
  private entropyRate: number | null = null;

  /** `corpus`, `positions` and `floor`: what the data asks of the chain. */
  constructor(
    readonly chain: Chain,
    private readonly corpus: Corpus,
    private readonly positions: "last" | "all",
    private readonly floor: number,
  ) {
    this.probs = probsOf(chain);
    this.atOnce = chain.nStates <= FEW;
    this.pi = new Sliced(longRunSteps(chain));
    this.mixing = new Sliced(this.mixingTime());
  }

  // -- what is computed in slices

  /** Whether there is something to compute that someone asked for. */
  get computing(): boolean {
    return this.asked && !(this.chain.nStates <= MIXING ? this.mixing : this.pi).known;
  }

  /** Whether the long run, and the mixing time, are known or need no waiting for. */
  get known(): [boolean, boolean] {
    return [this.atOnce || this.pi.known, this.mixesAtOnce || this.mixing.known];
  }

  /** Compute until that time of performance.now(), a step at least. */
  work(until: number): void {
    (this.pi.known ? this.mixing : this.pi).work(until);
  }

  // -- what there is to show

  /** The share of each state in the long run; null if it is not known. */
  longRun(passing: boolean): Float64Array | null {
    if (this.unfit(passing, FOLLOWED, LONG_RUN)) return null;
    if (this.atOnce) this.pi.work();
    this.asked = true;
    return this.pi.value;
  }

  /** What the chain amounts to, as far as it is known. */
  numbers(passing: boolean): Numbers {
    this.loss ??= this.chain.loss(this.corpus, this.positions);
    const pi = this.longRun(passing);
    const missing = this.pi.known ? "unknown" : "computing";
    const standing: Standing = this.unfit(passing, FOLLOWED, LONG_RUN) ?? (pi ? "exact" : missing);
    if (pi && standing === "exact") this.entropyRate ??= entropyRate(this.chain, pi);
    const unfit = this.unfit(passing, FOLLOWED_MIXING, MIXING);
    if (!unfit && this.mixesAtOnce) this.mixing.work();
    const mixed = this.mixing.value ?? { time: null, kind: "computing" };
    return {
      loss: finite(this.loss),
      gap: finite(this.loss - this.floor),
      entropy_rate: standing === "exact" ? finite(this.entropyRate!) : null,
      long_run: standing,
      mixing_time: unfit ? null : mixed.time,
      mixing: unfit ?? mixed.kind,
    };
  }

  private get mixesAtOnce(): boolean {
    return this.atOnce && this.chain.nStates <= AT_ONCE_MIXING;
  }

  private unfit(passing: boolean, followed: number, most: number): "large" | "moving" | null {
    const N = this.chain.nStates;
    return N > most ? "large" : passing && N > followed ? "moving" : null;
  }

  private *mixingTime(): Steps<{ time: number | null; kind: Numbers["mixing"] }> {
    while (!this.pi.known) {
      this.pi.step();
      yield;
    }
    if (!this.pi.value) return { time: null, kind: "unknown" };
    if (recurrentClasses(this.chain).length > 1) return { time: null, kind: "infinite" };
    const time = yield* mixingSteps(this.chain, this.pi.value);
    return time === Infinity ? { time: null, kind: "infinite" } : { time, kind: time === null ? "unknown" : "exact" };
  }
}
