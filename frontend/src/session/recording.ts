// A training under way with the chains of its steps, as src/babygpt/run/training.py has it.
//
// Few enough contexts are read by each step itself, which makes the frame before it free.

import { Chain, DivergedError, GPT, Trainer, type Corpus, type GPTConfig, type TrainConfig } from "../engine";
import { countRows } from "../engine/tree";
import { FORWARD_TOKENS } from "./facts.generated";
import { FramePlan } from "./plan";

export class Recording {
  /** The recorded steps, in the order of training. */
  steps: number[] = [];
  readonly losses: number[] = [];
  readonly trainer: Trainer;
  private readonly frames = new Map<number, Float64Array | Float32Array>();
  private readonly readsAll: boolean;
  /** How many numbers a table has. */
  readonly size: number;
  private plan!: FramePlan;
  private latest: { step: number; table: Float64Array } | null = null; // of a step that is not recorded, read but once

  constructor(
    corpus: Corpus,
    readonly config: GPTConfig,
    training: TrainConfig,
    private readonly budget: number,
    gpt: GPT = GPT.seeded(config, training.seed),
  ) {
    const { vocab_size: V, block_size: K } = config;
    this.readsAll = K * V ** K <= FORWARD_TOKENS;
    this.size = countRows(V, K) * V;
    this.trainer = new Trainer(gpt, corpus, training, this.readsAll);
    this.planFor(training.steps);
  }

  /** Plan for so many steps in all: such a plan may keep fewer of those done so far. The training must have settled. */
  extend(total: number): void {
    const table = this.table();
    this.planFor(total);
    if (this.plan.wants(this.trainer.stepsDone)) this.add(this.trainer.stepsDone, table);
  }

  /** Do a step and return the loss before it. Throws DivergedError if it is not finite. */
  step(): number {
    const { trainer } = this;
    if (!this.readsAll && this.steps.length === 0) this.record(0);
    const before = trainer.stepsDone;
    try {
      const loss = trainer.step();
      if (this.readsAll) this.record(before);
      this.losses.push(loss);
      if (!this.readsAll) this.record(trainer.stepsDone);
      return loss;
    } catch (error) {
      this.losses.length = Math.min(this.losses.length, trainer.stepsDone);
      throw error;
    }
  }

  /** How many frames the whole training records, and their bytes. */
  planned(total: number): { frames: number; bytes: number } {
    const frames = this.plan.count(total);
    return { frames, bytes: frames * this.size * (this.plan.wide ? 8 : 4) };
  }

  isRecorded(step: number): boolean {
    return this.frames.has(step);
  }

  /** The chain at a recorded step, or as it is after the last one done. */
  chainAt(step: number): Chain {
    const { vocab_size: V, block_size: K } = this.config;
    const frame = this.frames.get(step) ?? (step === this.trainer.stepsDone ? this.table() : null);
    if (!frame) throw new Error(`Step ${step} was not recorded.`);
    return new Chain(V, K, frame instanceof Float64Array ? frame : new Float64Array(frame));
  }

  /** Look at the last step's GPT; if its update broke it, go back before it and return what there is to say. */
  settle(): DivergedError | null {
    if (isFinite(this.table())) return null;
    const error = this.trainer.rollback(NaN);
    this.losses.length = Math.min(this.losses.length, this.trainer.stepsDone);
    this.latest = null;
    return error;
  }

  private planFor(total: number): void {
    const { vocab_size: V, block_size: K } = this.config;
    this.plan = FramePlan.within(this.budget, total, this.size, countRows(V, K));
    for (const step of this.frames.keys()) if (!this.plan.wants(step)) this.frames.delete(step);
    this.steps = [...this.frames.keys()].sort((a, b) => a - b);
  }

  private table(): Float64Array | Float32Array {
    const done = this.trainer.stepsDone;
    const recorded = this.frames.get(done);
    if (recorded) return recorded;
    if (this.latest?.step !== done) this.latest = { step: done, table: Chain.ofGPT(this.trainer.gpt).table };
    return this.latest.table;
  }

  /** Record the chain of a step if the plan wants it; a chain that is broken ends the training. */
  private record(step: number): void {
    if (!this.plan.wants(step) || this.frames.has(step)) return;
    let table: Float64Array;
    if (this.readsAll) this.trainer.table((table = new Float64Array(this.size)));
    else table = this.latest?.step === step ? this.latest.table : Chain.ofGPT(this.trainer.gpt).table;
    if (!isFinite(table)) throw this.trainer.rollback(NaN);
    this.add(step, table);
  }

  private add(step: number, table: Float64Array | Float32Array): void {
    if (!this.frames.has(step)) this.steps.push(step);
    this.frames.set(step, this.plan.wide ? table : new Float32Array(table));
  }
}

function isFinite(table: Float64Array | Float32Array): boolean {
  for (const x of table) if (!Number.isFinite(x)) return false;
  return true;
}
