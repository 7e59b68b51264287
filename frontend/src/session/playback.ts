// A training under way or done, and everything that can be shown of it: the chain and the weights at its steps, as
// src/babygpt/studio/playback.py has it.
//
// While the training is under way its newest step is not shown, because nobody has looked yet whether its update broke
// the GPT. It is once the training rests: see settle(). Where few steps are recorded, that one, and the one on the screen,
// are held as snapshots.
//
// Reading a large chain takes longer than a step, so that a training records few. Their weights are kept, though, and from
// these the chains between are read when there is time: see fill().

import { Chain, DivergedError, GPT, parameterPlaces, type Corpus, type GPTConfig, type Steps, type TrainConfig } from "../engine";
import type { Place } from "../engine/weights";
import { countTo } from "./bisect";
import { CHAINS_AT_HAND } from "./facts.generated";
import { History, type RecordedHistory } from "./history";
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
  private history: History | null = null;
  private merged: readonly number[] = []; // those of the history and those trained here
  private readonly budget: number;
  private readonly weights = new Map<number, Weights>();
  private snapshots = new Map<number, Snapshot>();
  private readonly chains = new Map<number, Chain>(); // the last one asked for comes last
  private plan!: FramePlan;
  private readonly filled = new Map<number, Float64Array | Float32Array>(); // chains that were read from weights
  private between!: FramePlan; // of which steps
  private missing: number[] = []; // those that are to be read, the next one last
  private reading: { step: number; chain: Steps<Chain> } | null = null;

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

  /** How many steps have been done, here or where the history is from. */
  get trained(): number {
    return Math.max(this.recording.trainer.stepsDone, this.history?.last ?? 0);
  }

  /** The loss of each step, before it. */
  get losses(): readonly number[] {
    const own = this.recording.losses;
    return this.history ? [...this.history.recorded.losses, ...own.slice(this.history.last)] : own;
  }

  /** Show what was recorded of the same training elsewhere. Throws if it is of another GPT. */
  adopt(recorded: RecordedHistory): void {
    const history = new History(recorded, this.config);
    if (history.last <= this.total) this.history = history;
  }

  /** Whether the history is ahead of what is trained here. */
  get behind(): boolean {
    return this.recording.trainer.stepsDone < this.trained && this.stopped !== "diverged";
  }

  /** Come nearer to where the history is, until that time of performance.now(). */
  catchUp(until = Infinity): void {
    while (this.behind && this.step() !== null && performance.now() < until);
  }

  /** Whether there is nothing left to train. */
  get done(): boolean {
    return this.trained >= this.total || this.stopped !== "";
  }

  /** Train until that time of performance.now(), at least one step, until `goal` steps are done or the floor is near. */
  advance(until: number, goal: number, stopGap: number | null = null): void {
    this.catchUp(until);
    while (!this.done && !this.behind && this.trained < goal) {
      const loss = this.step();
      if (loss === null) return;
      if (stopGap !== null && loss - this.floor <= stopGap) this.stopped = "gap";
      if (performance.now() >= until) return;
    }
  }

  /** Do a step, and return the loss before it; null if the GPT did not stay finite. */
  private step(): number | null {
    try {
      const loss = this.recording.step();
      const done = this.recording.trainer.stepsDone;
      if (this.plan.wants(done)) this.weights.set(done, this.live());
      return loss;
    } catch (error) {
      if (!(error instanceof DivergedError)) throw error;
      this.fail(error);
      return null;
    }
  }

  /** Make the newest step one that can be shown: the training rests there. The one `shown` stays one. */
  settle(shown = 0): void {
    if (this.behind) return; // all that the history has can be shown
    const snapshots = new Map<number, Snapshot>();
    if (this.canBeLost(shown)) snapshots.set(shown, this.snapshot(shown));
    const broken = this.recording.settle();
    if (broken) this.fail(broken);
    snapshots.set(this.trained, { chain: this.recording.chainAt(this.trained), kept: this.trained, weights: this.live() });
    this.snapshots = snapshots;
    const there = (step: number) => this.filled.has(step) || snapshots.has(step);
    const missing = [...this.weights.keys()].filter((step) => this.wantsBetween(step) && !there(step));
    // every second step before every fourth …, from the end of the list
    this.missing = missing.sort((a, b) => (a & -a) - (b & -b) || b - a);
  }

  // -- the steps between

  /** Whether there are chains left to read between those that are recorded. */
  get filling(): boolean {
    return this.reading !== null || this.missing.length > 0;
  }

  /** Read such chains until that time of performance.now(), or to the end; coarsely first, then finer. */
  fill(until: number): void {
    while (this.filling) {
      if (!this.reading) {
        const step = this.missing.pop()!;
        this.reading = { step, chain: Chain.stepsOfGPT(this.gpt(this.weights.get(step)!)) };
      }
      const { done, value } = this.reading.chain.next();
      if (done) {
        const { table } = value;
        if (table.every(Number.isFinite)) this.filled.set(this.reading.step, this.between.wide ? table : new Float32Array(table));
        this.reading = null;
      }
      if (performance.now() >= until) return;
    }
  }

  private wantsBetween(step: number): boolean {
    return this.between.wants(step) && !this.isRecorded(step);
  }

  // -- going on

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
    const last = this.losses.at(-1);
    if (stopGap !== null && last !== undefined && last - this.floor <= stopGap && !this.stopped) this.stopped = "gap";
  }

  private planWeights(): void {
    this.plan = FramePlan.within(this.budget, this.total, this.initial.length);
    this.forgetWeights((step) => !this.plan.wants(step));
    // in what the budget leaves beside the recorded chains, which are among the plan's, and the one being read
    const { frames, bytes } = this.recording.planned(this.total);
    const { size } = this.recording;
    const room = this.budget - bytes - 8 * size;
    this.between = FramePlan.within(room > 0 ? room + 4 * size * frames : 0, this.total, size);
    for (const [step, table] of this.filled) {
      if (!this.wantsBetween(step)) this.filled.delete(step);
      else if (!this.between.wide) this.filled.set(step, new Float32Array(table));
    }
    this.missing = [];
    this.reading = null;
  }

  private forgetWeights(which: (step: number) => boolean): void {
    for (const step of this.weights.keys()) if (which(step)) this.weights.delete(step);
  }

  private canBeLost(step: number): boolean {
    const atHand = this.snapshots.has(step) || this.weightsAt(step).step === step;
    return atHand && step < this.trained && !this.isRecorded(step);
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
    for (const step of this.filled.keys()) if (step > this.trained) this.filled.delete(step);
    this.missing = [];
    this.reading = null;
  }

  // -- what can be shown

  /** The steps that can be shown, in order. */
  get recorded(): readonly number[] {
    return this.with([...this.snapshots.keys(), ...this.filled.keys()]);
  }

  /** Those whose chains go into files: without what was read from weights. */
  get kept(): readonly number[] {
    return this.with(this.snapshots.keys());
  }

  private with(steps: Iterable<number>): readonly number[] {
    const more = new Set([...steps].filter((step) => !this.isRecorded(step)));
    return more.size ? [...this.steps, ...more].sort((a, b) => a - b) : this.steps;
  }

  /** The last step that can be shown. */
  get last(): number {
    return Math.max(this.steps.at(-1) ?? 0, ...this.others);
  }

  private get others(): number[] {
    return [...this.snapshots.keys(), ...this.filled.keys()];
  }

  /** The last step that can be shown and is not after `step`; the first one if there is none. */
  nearest(step: number): number {
    const place = countTo(this.steps, step);
    return Math.max(place ? this.steps[place - 1]! : 0, ...this.others.filter((s) => s <= step));
  }

  /** The step nearest to `step` that can be shown. */
  closest(step: number): number {
    const before = this.nearest(step);
    const after = this.after(before);
    return after === null || step - before <= after - step ? before : after;
  }

  /** The first step after `step` that can be shown, if there is one yet. */
  after(step: number): number | null {
    const place = countTo(this.steps, step);
    const found = Math.min(this.steps[place] ?? Infinity, ...this.others.filter((s) => s > step));
    return found === Infinity ? null : found;
  }

  /** The steps that are recorded, in order. */
  private get steps(): readonly number[] {
    const own = this.recording.steps;
    if (!this.history) return own;
    const all = new Set([...this.history.recorded.steps, ...own]);
    if (all.size !== this.merged.length) this.merged = [...all].sort((a, b) => a - b);
    return this.merged;
  }

  private isRecorded(step: number): boolean {
    return this.recording.isRecorded(step) || (this.history?.has(step) ?? false);
  }

  /** The chain at a step that can be shown, or whose weights were kept. */
  chain(step: number): Chain {
    const shot = this.snapshots.get(step);
    if (shot && !this.history?.has(step)) return shot.chain;
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
    if (this.history?.has(step)) return this.history.chain(step);
    const filled = this.filled.get(step);
    if (filled) return new Chain(this.config.vocab_size, this.config.block_size, new Float64Array(filled));
    const { step: kept, weights } = this.weightsAt(step);
    return kept === step && !this.isRecorded(step) ? Chain.ofGPT(this.gpt(weights)) : this.recording.chainAt(step);
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
