// Training: AdamW on the cross-entropy between the corpus and the GPT, as src/babygpt/gpt/train.py has it.
//
// The loss is a sum over distinct contexts, L = −Σ share(c, v) · log p(v | c), so a step costs the same for 15 tokens or
// for 10⁹. A *step* is one update; the loss that comes with it is the one before the update.

import { AdamW } from "./adamw";
import { backward, Gradients } from "./backward";
import { Batches } from "./batches";
import type { TrainConfig } from "./config";
import type { Corpus } from "./corpus";
import { Activations, forward, type GPT } from "./gpt";
import { logSoftmax } from "./softmax";
import { placeOf, trainingTree, type TrainingTree } from "./tree";

/** The loss did not stay finite; the GPT is as it was at the last step whose loss was, `stepsDone`. */
export class DivergedError extends Error {
  constructor(
    readonly loss: number,
    readonly stepsDone: number,
    learningRate: number,
  ) {
    super(
      `The loss became ${loss} after step ${stepsDone + 1} with learning_rate=${learningRate}; ` +
        `the GPT of step ${stepsDone} is kept. Try a smaller learning rate.`,
    );
  }
}

/** Trains a GPT in place, one step at a time. */
export class Trainer {
  readonly adamw: AdamW;
  private readonly tree: TrainingTree;
  private readonly a: Activations;
  private readonly g: Gradients;
  private readonly gradient: Float64Array;
  private readonly targets: Float64Array; // (trained rows, V): the share of each token after each row
  private readonly batches: Batches | null;
  private readonly shares: Float64Array; // (M, V): the same by contexts
  private readonly logProbs: Float64Array; // of one row
  private readonly rowOfPlace: Int32Array; // of all contexts, short ones first; empty unless every context is read
  private readonly live: readonly Float64Array[]; // weights and memory,
  private readonly good: readonly Float64Array[]; // the same before the last update,
  private goodSteps: number; // and after how many they were

  /**
   * `everything`: each step reads all contexts, whose predictions are then known (`table`).
   * `stepsDone`, and `adamw` as it was then, continue an earlier training exactly.
   */
  constructor(
    readonly gpt: GPT,
    readonly corpus: Corpus,
    readonly training: TrainConfig,
    everything = false,
    public stepsDone = 0,
    adamw?: AdamW,
  ) {
    const { vocab_size: V, block_size: K } = gpt.config;
    this.tree = trainingTree(corpus.states, V, K, everything);
    this.a = new Activations(gpt.config, this.tree.rows, true);
    this.g = new Gradients(gpt, this.tree.trained);
    this.gradient = new Float64Array(gpt.weights.length);
    this.adamw = adamw ?? new AdamW(gpt.weights.length);
    this.targets = new Float64Array(this.tree.trained * V);
    this.shares = corpus.counts.map((count) => count / corpus.nExamples);
    this.batches = training.batch_size === null ? null : new Batches(corpus, training.batch_size);
    this.aim();
    this.logProbs = new Float64Array(V);
    const { rows, rowOf } = this.tree;
    this.rowOfPlace = everything ? Int32Array.from({ length: rows }, (_, place) => rowOf.get(place)!) : new Int32Array(0);
    this.live = [gpt.weights, this.adamw.mean, this.adamw.square];
    this.good = this.live.map((part) => part.slice());
    this.goodSteps = stepsDone;
  }

  /** Do one update and return the loss, in nats per token, before it. Throws DivergedError if that is not finite. */
  step(): number {
    if (this.batches) {
      this.batches.draw(this.shares, this.training.seed, this.stepsDone);
      this.aim();
    }
    const { tree, a, g, gpt } = this;
    forward(gpt, tree, a);
    const loss = this.loss();
    const { vocab_size: V } = gpt.config;
    if (!Number.isFinite(loss) || !allFinite(a.logits, this.rowOfPlace.length * V)) throw this.rollback(loss);
    for (let i = 0; i < this.live.length; i++) this.good[i]!.set(this.live[i]!);
    this.goodSteps = this.stepsDone;
    backward(gpt, tree, a, g, this.gradient, this.firstTarget, tree.trained);
    const { learning_rate, weight_decay } = this.training;
    this.adamw.update(gpt.weights, this.gradient, this.stepsDone++, learning_rate, weight_decay);
    return loss;
  }

  /**
   * Write to `out` (contexts, V) the log-probabilities after every context, short ones first, as they were before the
   * last update.
   */
  table(out: Float64Array): void {
    const V = this.gpt.config.vocab_size;
    for (let place = 0; place < this.rowOfPlace.length; place++) {
      logSoftmax(out, place * V, this.a.logits, this.rowOfPlace[place]! * V, V);
    }
  }

  /** Throw DivergedError, and go back one step, if the last update broke the GPT. */
  verify(): void {
    forward(this.gpt, this.tree, this.a);
    const loss = this.loss();
    if (!Number.isFinite(loss)) throw this.rollback(loss);
  }

  /** Put GPT and AdamW back as they were before the last update, and return the error that says so. */
  rollback(loss: number): DivergedError {
    this.live.forEach((part, i) => part.set(this.good[i]!));
    this.stepsDone = this.goodSteps;
    return new DivergedError(loss, this.stepsDone, this.training.learning_rate);
  }

  /** The first row whose prediction is trained. */
  private get firstTarget(): number {
    return this.training.positions === "last" ? this.tree.leaves : 0;
  }

  /** Turn the shares of contexts into what each row of the tree is to predict. */
  private aim(): void {
    const { shares, targets, corpus, tree } = this;
    const { vocab_size: V, block_size: K } = this.gpt.config;
    targets.fill(0);
    const whole = this.training.positions === "last" ? 1 : 1 / K; // on all positions the loss is a mean over K lengths
    for (let i = 0; i < shares.length; i++) targets[tree.leaves * V + i] = shares[i]! * whole;
    if (this.training.positions === "last") return;
    for (let i = 0; i < corpus.states.length; i++) {
      let share = 0;
      for (let v = 0; v < V; v++) share += shares[i * V + v]!;
      for (let length = K - 1, rest = corpus.states[i]!; length > 0; length--) {
        const token = rest % V; // after the tokens before it
        rest = Math.floor(rest / V);
        targets[tree.rowOf.get(placeOf(rest, length, V))! * V + token]! += share * whole;
      }
    }
  }

  /** The loss of what was read, in nats per token; the gradient of its logits comes to stand in `g.logits`. */
  private loss(): number {
    const { targets, logProbs } = this;
    const V = this.gpt.config.vocab_size;
    let loss = 0;
    for (let row = this.firstTarget; row < this.tree.trained; row++) {
      logSoftmax(logProbs, 0, this.a.logits, row * V, V);
      let share = 0;
      for (let v = 0; v < V; v++) {
        share += targets[row * V + v]!;
        loss -= targets[row * V + v]! * logProbs[v]!;
      }
      for (let v = 0; v < V; v++) this.g.logits[row * V + v] = share * Math.exp(logProbs[v]!) - targets[row * V + v]!;
    }
    return loss;
  }
}

function allFinite(x: Float64Array, n: number): boolean {
  for (let i = 0; i < n; i++) if (!Number.isFinite(x[i]!)) return false;
  return true;
}
