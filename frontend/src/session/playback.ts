// A training under way or done, and everything that can be shown of it: the chain and the weights at its steps, as
// src/babygpt/studio/playback.py has it.
//
// While the training is under way its newest step is not shown, because nobody has looked yet whether its update broke
// the GPT. It is once the training rests: see settle(). Where few steps are recorded, that one, and the one on the screen,
// are held as snapshots.

import { Chain, DivergedError, GPT, parameterPlaces, type Corpus, type GPTConfig, type TrainConfig } from "../engine";
import type { Place } from "../engine/weights";
import { countTo } from "./bisect";
import { CHAINS_AT_HAND } from "./facts.generated";
import type { Limits } from "./limits";
import { FramePlan } from "./plan";
import { Recording } from "./recording";

export type Weights = Float32Array;

/** One step that can be shown, recorded or not: its chain, and the last weights kept until then, of which step. */
interface Snapshot {
  readonly chain: Chain;
  readonly kept: number;
  readonly weights: Weights;
}

export class Playback {
  readonly floor: number;
  /** The weights of step 0. */
  readonly initial: Weights;
  readonly recording: Recording;
  readonly places: Map<string, Place>;
  /** Why the training ended before its steps: the loss came near enough to the floor, or did not stay finite. */
  stopped: "" | "gap" | "diverged" = "";
  failure: DivergedError | null = null;
  total: number;
  private readonly budget: number;
  private readonly weights = new Map<number, Weights>();
  private snapshots = new Map<number, Snapshot>();
  private readonly chains = new Map<number, Chain>(); // the last one asked for comes last
  private plan!: FramePlan;

  constructor(
    readonly corpus: Corpus,
    readonly config: GPTConfig,
    training: TrainConfig,
    limits: Limits,
  ) {
    this.budget = limits.frames / 2;
    this.floor = corpus.floor(training.positions);
    this.total = training.steps;
    this.recording = new Recording(corpus, config, training, this.budget);
    this.places = parameterPlaces(config);
    this.initial = this.live();
    this.planWeights();
    this.settle();
  }

  // -- training

  /** How many steps have been done. */
  get trained(): number {
    return this.recording.trainer.stepsDone;
  }

  /** Whether there is nothing left to train. */
  get done(): boolean {
    return this.trained >= this.total || this.stopped !== "";
  }

  /** Train until that time of performance.now(), at least one step, until `goal` steps are done or the floor is near. */
  advance(until: number, goal: number, stopGap: number | null = null): void {
    while (!this.done && this.trained < goal) {
      let loss: number;
      try {
        loss = this.recording.step();
      } catch (error) {
        if (!(error instanceof DivergedError)) throw error;
        this.fail(error);
        return;
      }
      if (this.plan.wants(this.trained)) this.weights.set(this.trained, this.live());
      if (stopGap !== null && loss - this.floor <= stopGap) this.stopped = "gap";
      if (performance.now() >= until) return;
    }
  }

  /** Make the newest step one that can be shown: the training rests there. The one `shown` stays one. */
  settle(shown = 0): void {
    const snapshots = new Map<number, Snapshot>();
    if (this.canBeLost(shown)) snapshots.set(shown, this.snapshot(shown));
    const broken = this.recording.settle();
    if (broken) this.fail(broken);
    snapshots.set(this.trained, { chain: this.recording.chainAt(this.trained), kept: this.trained, weights: this.live() });
    this.snapshots = snapshots;
  }

  /** Plan for `total` steps in all, going on from where the training stands. The one `shown` stays one that can be shown. */
  extend(total: number, shown = 0): void {
    if (shown < this.trained) this.snapshots.set(shown, this.snapshot(shown));
    const broken = this.recording.settle();
    if (broken) return this.fail(broken);
    this.total = total;
    this.recording.extend(total);
    this.stopped = "";
    this.chains.clear();
    this.planWeights();
  }

  /** Let a training that came near enough to the floor go on. */
  resume(): void {
    if (this.stopped === "gap") this.stopped = "";
  }

  /** Say that the training stopped near the floor if its last loss was within `stopGap` of it. */
  noticeGap(stopGap: number | null): void {
    const last = this.recording.losses.at(-1);
    if (stopGap !== null && last !== undefined && last - this.floor <= stopGap && !this.stopped) this.stopped = "gap";
  }

  private planWeights(): void {
    this.plan = FramePlan.within(this.budget, this.total, this.initial.length);
    this.forgetWeights((step) => !this.plan.wants(step));
  }

  private forgetWeights(which: (step: number) => boolean): void {
    for (const step of this.weights.keys()) if (which(step)) this.weights.delete(step);
  }

  private canBeLost(step: number): boolean {
    const atHand = this.snapshots.has(step) || this.weightsAt(step).step === step;
    return atHand && step < this.trained && !this.recording.isRecorded(step);
  }

  private snapshot(step: number): Snapshot {
    const { step: kept, weights } = this.weightsAt(step);
    return { chain: this.chain(step), kept, weights };
  }

  private fail(error: DivergedError): void {
    this.stopped = "diverged";
    this.failure = error;
    this.chains.clear();
    this.forgetWeights((step) => step > this.trained);
  }

  // -- what can be shown

  /** The steps that can be shown, in order. */
  get recorded(): readonly number[] {
    const more = [...this.snapshots.keys()].filter((step) => !this.recording.isRecorded(step));
    return more.length ? [...this.recording.steps, ...more].sort((a, b) => a - b) : this.recording.steps;
  }

  /** The last step that can be shown. */
  get last(): number {
    return Math.max(this.recording.steps.at(-1) ?? 0, ...this.snapshots.keys());
  }

  /** The last step that can be shown and is not after `step`; the first one if there is none. */
  nearest(step: number): number {
    const { steps } = this.recording;
    const place = countTo(steps, step);
    return Math.max(place ? steps[place - 1]! : 0, ...[...this.snapshots.keys()].filter((s) => s <= step));
  }

  /** The step nearest to `step` that can be shown. */
  closest(step: number): number {
    const before = this.nearest(step);
    const after = this.after(before);
    return after === null || step - before <= after - step ? before : after;
  }

  /** The first step after `step` that can be shown, if there is one yet. */
  after(step: number): number | null {
    const { steps } = this.recording;
    const place = countTo(steps, step);
    const found = Math.min(steps[place] ?? Infinity, ...[...this.snapshots.keys()].filter((s) => s > step));
    return found === Infinity ? null : found;
  }

  /** The chain at a step that can be shown, or whose weights were kept. */
  chain(step: number): Chain {
    const shot = this.snapshots.get(step);
    if (shot) return shot.chain;
    const chain = this.chains.get(step) ?? this.made(step);
    this.chains.delete(step);
    this.chains.set(step, chain);
    const room = Math.max(2, CHAINS_AT_HAND / (16 * chain.logProbs.length));
    for (const old of this.chains.keys()) {
      if (this.chains.size <= room) break;
      this.chains.delete(old);
    }
    return chain;
  }

  private made(step: number): Chain {
    const { step: kept, weights } = this.weightsAt(step);
    return kept === step && !this.recording.isRecorded(step) ? Chain.ofGPT(this.gpt(weights)) : this.recording.chainAt(step);
  }

  // -- weights

  /** The weights at a step, or at the last step before it whose weights were kept, and which step it is. */
  weightsAt(step: number): { step: number; weights: Weights } {
    for (const [shown, { kept, weights }] of this.snapshots) if (step === shown || step === kept) return { step: kept, weights };
    const kept = this.weights.has(step) ? step : Math.max(0, ...[...this.weights.keys()].filter((s) => s <= step));
    return { step: kept, weights: this.weights.get(kept) ?? this.initial };
  }

  /** A GPT with these weights. */
  gpt(weights: Weights): GPT {
    return new GPT(this.config, new Float64Array(weights));
  }

  private live(): Weights {
    return new Float32Array(this.recording.trainer.gpt.weights);
  }
}
