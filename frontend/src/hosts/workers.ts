// More workers beside the one that thinks, each of which trains a GPT of many at a time. The page makes them when they are
// first needed, and a channel to each: a worker of a page that is a file may make none itself.

import { Corpus, trainMember, type Member, type Plan } from "../engine";
import type { WorkerPool } from "../session/pool";

/** A member as it travels: a corpus is its counts. */
interface Job {
  readonly plan: Plan;
  readonly seed: number;
  readonly states: Float64Array;
  readonly counts: Float64Array;
}

const MOST = 3; // a phone has other things to do

/** How many may train besides: one processor thinks. */
export function helpers(): number {
  return Math.min(MOST, Math.max(1, (navigator.hardwareConcurrency ?? 2) - 1));
}

/** Those who train, as the worker that thinks knows them. */
export class Workers implements WorkerPool {
  private readonly idle: MessagePort[] = [];
  private asked = false;

  /** `call`: ask the page for them. */
  constructor(private readonly call: () => void) {}

  /** One is there. */
  add(port: MessagePort): void {
    this.idle.push(port);
  }

  train(plan: Plan, { corpus, seed }: Member, done: (chains: Float32Array) => void): boolean {
    if (!this.asked) this.call();
    this.asked = true;
    const port = this.idle.pop();
    if (!port) return false;
    port.onmessage = ({ data }: MessageEvent<Float32Array>) => {
      this.idle.push(port);
      done(data);
    };
    port.postMessage({ plan, seed, states: corpus.states, counts: corpus.counts } satisfies Job);
    return true;
  }
}

/** Be one who trains: answer each job that comes with the chains of its member. */
export function serve(port: MessagePort): void {
  port.onmessage = ({ data }: MessageEvent<Job>) => port.postMessage(trained(data));
}

function trained({ plan, seed, states, counts }: Job): Float32Array {
  const { vocab_size: V, block_size: K } = plan.config;
  const table = new Map(Array.from(states, (state, i) => [state, counts.subarray(i * V, (i + 1) * V)]));
  const chains = new Float32Array(plan.recorded.length * V ** (K + 1)).fill(NaN);
  for (const _ of trainMember(plan, { corpus: new Corpus(V, K, table), seed }, chains));
  return chains;
}
