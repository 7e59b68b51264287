// Many trainings, of seeds or of texts: each GPT is the one that is trained alone from its seed, on its data.

import type { GPTConfig, TrainConfig } from "./config";
import { Chain } from "./chain";
import type { Corpus } from "./corpus";
import { GPT } from "./gpt";
import { DivergedError, Trainer } from "./train";

export interface Member {
  readonly corpus: Corpus;
  readonly seed: number;
}

/** S trainings one after another, which go on for as long as someone has time for them. */
export class Trainings {
  /** (S, F, N, V): every arrow of each member at each recorded step; NaN where its loss did not stay finite. */
  readonly probs: Float32Array;
  /** How many members are trained to the end. */
  nDone = 0;
  private readonly size: number; // of one chain
  private nRead = 0; // recorded steps that the member under way has come to
  private readonly work: Iterator<void>;

  /** `recorded`: the steps at which chains are kept, in order; 0 is untrained. */
  constructor(
    readonly members: readonly Member[],
    private readonly config: GPTConfig,
    private readonly training: TrainConfig,
    readonly recorded: readonly number[],
  ) {
    this.size = config.vocab_size ** (config.block_size + 1);
    this.probs = new Float32Array(members.length * recorded.length * this.size).fill(NaN);
    this.work = this.steps();
  }

  get done(): boolean {
    return this.nDone === this.members.length;
  }

  /** How many members, the first ones, have come as far as a frame. */
  countRead(frame: number): number {
    return this.nDone + (this.nRead > frame ? 1 : 0);
  }

  /** Train until that time of performance.now(), a step at least, or to the end. */
  advance(until = Infinity): void {
    while (!this.work.next().done && performance.now() < until);
  }

  /** The chain (N, V) of a member at a recorded step. */
  chain(member: number, frame: number): Float32Array {
    const at = (member * this.recorded.length + frame) * this.size;
    return this.probs.subarray(at, at + this.size);
  }

  private *steps(): Generator<void> {
    for (const [i, { corpus, seed }] of this.members.entries()) {
      const trainer = new Trainer(GPT.seeded(this.config, seed), corpus, { ...this.training, seed });
      try {
        for (const [frame, step] of this.recorded.entries()) {
          while (trainer.stepsDone < step) {
            trainer.step();
            yield;
          }
          const probs = Chain.ofGPT(trainer.gpt).logProbs.map(Math.exp);
          if (!probs.every(Number.isFinite)) break; // the last update broke it
          this.chain(i, frame).set(probs);
          this.nRead = frame + 1;
        }
      } catch (error) {
        if (!(error instanceof DivergedError)) throw error;
      }
      this.nRead = 0;
      this.nDone++;
    }
  }
}

/** The quantiles of each arrow over some chains (N, V), such as 0.05, 0.5 and 0.95, between neighbours in proportion. */
export function quantiles(chains: readonly Float32Array[], shares: readonly number[]): Float64Array[] {
  const out = shares.map(() => new Float64Array(chains[0]!.length));
  const values = new Float64Array(chains.length);
  for (let arrow = 0; arrow < chains[0]!.length; arrow++) {
    chains.forEach((chain, i) => (values[i] = chain[arrow]!));
    values.sort();
    shares.forEach((share, i) => {
      const at = share * (values.length - 1);
      const low = values[Math.floor(at)]!;
      out[i]![arrow] = low + (at % 1) * (values[Math.ceil(at)]! - low);
    });
  }
  return out;
}
