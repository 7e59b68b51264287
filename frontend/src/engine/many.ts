// Many trainings, of seeds or of texts: each GPT is the one that is trained alone from its seed, on its data.

import type { GPTConfig, TrainConfig } from "./config";
import { Chain } from "./chain";
import type { Corpus } from "./corpus";
import { GPT } from "./gpt";
import { DivergedError, Trainer } from "./train";
import { countRows } from "./tree";

export interface Member {
  readonly corpus: Corpus;
  readonly seed: number;
}

/** What all members have in common: the shape of the GPT, how it is trained, and at which steps its chain is kept. */
export interface Plan {
  readonly config: GPTConfig;
  readonly training: TrainConfig;
  readonly recorded: readonly number[]; // in order; 0 is untrained
}

// Rows that a step may read in place of those it needs, where every chain is kept anyway.
const READ_ALONG = 2048;

/**
 * The chains (F, N, V) of a member at each recorded step, written to `into`, a step at a time; what comes out of each is
 * how many are there. They stay as they were from the step on whose update broke the GPT.
 */
export function* trainMember({ config, training, recorded }: Plan, member: Member, into: Float32Array): Generator<number> {
  const { vocab_size: V, block_size: K } = config;
  const size = V ** (K + 1);
  const last = recorded.at(-1) ?? 0;
  // a step that reads all contexts knows the chain before it, which else is read by itself
  const along = recorded.length > last / 2 && K * V ** K <= READ_ALONG;
  const trainer = new Trainer(GPT.seeded(config, member.seed), member.corpus, { ...training, seed: member.seed }, along);
  const table = new Float64Array(countRows(V, K) * V);
  let frame = 0;
  const keep = (logProbs: Float64Array): boolean => {
    const probs = logProbs.map(Math.exp);
    if (!probs.every(Number.isFinite)) return false;
    into.set(probs, size * frame++);
    return true;
  };
  try {
    for (;;) {
      const { stepsDone } = trainer;
      const wanted = stepsDone === recorded[frame];
      if (wanted && (!along || stepsDone === last) && !keep(Chain.ofGPT(trainer.gpt).logProbs)) return;
      if (stepsDone === last) return yield frame;
      trainer.step();
      if (wanted && along) {
        trainer.table(table);
        if (!keep(table.subarray(table.length - size))) return;
      }
      yield frame;
    }
  } catch (error) {
    if (!(error instanceof DivergedError)) throw error;
  }
}

/** S trainings, one after another or by several, which go on for as long as someone has time for them. */
export class Trainings {
  /** (S, F, N, V): every arrow of each member at each recorded step; NaN where its loss did not stay finite. */
  readonly probs: Float32Array;
  /** How many members, the first ones, are trained to the end. */
  nDone = 0;
  private readonly size: number; // of one chain
  private readonly finished: boolean[];
  private next = 0; // the first member that nobody has begun
  private own = 0; // the member under way here,
  private nRead = 0; // and how many recorded steps it has come to
  private readonly returned: number[] = []; // members that were taken and not trained
  private readonly work: Iterator<boolean>; // whether there was anything to do

  constructor(
    readonly members: readonly Member[],
    readonly plan: Plan,
  ) {
    const { config, recorded } = plan;
    this.size = config.vocab_size ** (config.block_size + 1);
    this.probs = new Float32Array(members.length * recorded.length * this.size).fill(NaN);
    this.finished = members.map(() => false);
    this.work = this.steps();
  }

  get done(): boolean {
    return this.nDone === this.members.length;
  }

  /** How many members, the first ones, have come as far as a frame. */
  countRead(frame: number): number {
    return this.nDone + (this.own === this.nDone && this.nRead > frame ? 1 : 0);
  }

  /** Train until that time of performance.now(), a step at least, or to the end of what is left to do here. */
  advance(until = Infinity): void {
    while (this.work.next().value && performance.now() < until);
  }

  /** Give a member away: whoever takes it puts its chains here. Null: none is left. */
  take(): number | null {
    return this.returned.pop() ?? (this.next < this.members.length ? this.next++ : null);
  }

  /** Take back a member that was given away and not trained. */
  giveBack(member: number): void {
    this.returned.push(member);
  }

  /** Put the chains (F, N, V) of a member that was taken. */
  put(member: number, chains: Float32Array): void {
    this.chains(member).set(chains);
    this.finished[member] = true;
    while (this.finished[this.nDone]) this.nDone++;
  }

  /** The chain (N, V) of a member at a recorded step. */
  chain(member: number, frame: number): Float32Array {
    return this.chains(member).subarray(frame * this.size, (frame + 1) * this.size);
  }

  private chains(member: number): Float32Array {
    const all = this.plan.recorded.length * this.size;
    return this.probs.subarray(member * all, (member + 1) * all);
  }

  private *steps(): Generator<boolean> {
    for (;;) {
      const member = this.take();
      if (member === null) {
        yield false;
        continue;
      }
      this.own = member;
      for (this.nRead of trainMember(this.plan, this.members[member]!, this.chains(member))) yield true;
      this.nRead = 0;
      this.finished[member] = true;
      while (this.finished[this.nDone]) this.nDone++;
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
