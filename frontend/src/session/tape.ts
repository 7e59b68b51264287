// The ball that walks the chain, and the tape of the tokens it drew, as src/babygpt/studio/tape.py has it.

import { contextOf } from "../contexts";
import { PCG64, type Chain } from "../engine";
import type { Tape as TapeView } from "../protocol";
import { PACE, TAPE_LENGTH } from "./facts.generated";

export class Tape {
  /** Whether the ball draws a token now and then by itself. */
  wandering = true;
  private state = 0;
  private readonly random: PCG64;
  private next: number | null = null; // when it moves next
  private tokens: number[] = [];
  private fresh = 0;
  private arrow: { from: number; token: number; p: number } | null = null;

  constructor(seed: number) {
    this.random = new PCG64(seed);
  }

  /** Put the ball in a state and begin the tape anew, with that context. */
  begin(state: number, V: number, K: number): void {
    this.tokens = contextOf(state, V, K);
    this.state = state;
    this.fresh = 0;
    this.arrow = this.next = null;
  }

  /** Let the ball take the arrow of a token from where it is in this chain, however unlikely. */
  take(token: number, chain: Chain): void {
    const p = Math.exp(chain.logProbs[this.state * chain.vocabSize + token]!);
    this.arrow = { from: this.state, token, p };
    this.state = chain.successor(this.state, token);
    this.tokens = [...this.tokens, token].slice(-TAPE_LENGTH);
    this.fresh++;
  }

  wander(on: boolean): void {
    this.wandering = on;
    this.next = null;
  }

  /** When the ball moves next by itself. */
  due(now: number): number | null {
    if (!this.wandering) return null;
    return this.next === null ? now : Math.max(now, this.next);
  }

  /** Draw a token if it is time to. */
  advance(now: number, chain: Chain): void {
    if (!this.wandering) return;
    if (this.next !== null && now >= this.next) {
      this.take(drawn(chain, this.state, this.random.random()), chain);
      this.next = null;
    }
    this.next ??= now + PACE;
  }

  view(): TapeView {
    const { from = null, token = null, p = null } = this.arrow ?? {};
    return { tokens: this.tokens, fresh: this.fresh, state: this.state, from, token, p, wandering: this.wandering };
  }
}

/** The token that a number from [0, 1) falls on, the tokens of a state laid side by side by probability. */
export function drawn(chain: Chain, state: number, u: number): number {
  const V = chain.vocabSize;
  return tokenAt(Array.from(chain.logProbs.subarray(state * V, (state + 1) * V), Math.exp), u);
}

/** The same of the probabilities of a state. */
export function tokenAt(probs: readonly number[], u: number): number {
  let token = 0;
  for (let sum = probs[0]!; sum <= u && token < probs.length - 1; sum += probs[token]!) token++;
  while (probs[token] === 0) token--; // never along an arrow that is not there
  return token;
}
