// Mixing: how many tokens until it no longer matters where the walk began, as src/babygpt/chain/mixing.py has it.
//
// The distance to stationarity after n tokens is d(n) = max_s ½ Σ_x |Pⁿ(s, x) − π(x)|, and the *mixing time* the first n
// with d(n) ≤ ε. P, P², P⁴, … are had by squaring, their rows made to sum to 1 after each product: that keeps the digits
// of rare ways out. A distance within its rounding of ε counts as ε.

import type { Chain } from "./chain";
import { multiply } from "./matmul";
import type { Steps } from "./steps";
import { periodOf, recurrentClasses } from "./structure";

const MAX_DOUBLINGS = 60;
const EPSILON = 2 ** -52;

interface Walks {
  readonly rows: Float64Array; // (N, N): where a walk from each state is
  readonly error: number; // how far rounding may have moved their distance
}

/**
 * The mixing time of a chain whose π is known, in steps: infinite if it never mixes, null if that is further off than
 * can be followed. N³ work for each doubling, so for few states.
 */
export function* mixingSteps(chain: Chain, pi: Float64Array, epsilon = 0.25): Steps<number | null> {
  const { nStates: N, vocabSize: V, logProbs } = chain;
  const [only, other] = recurrentClasses(chain);
  if (other || epsilon < 1 - 1 / periodOf(chain, only!)) return Infinity;
  const near = ({ rows, error }: Walks) => distance(rows, pi) <= epsilon + Math.min(error, epsilon / 1000);

  const begun = new Float64Array(N * N);
  const step = new Float64Array(N * N);
  for (let state = 0; state < N; state++) {
    begun[state * N + state] = 1;
    for (let token = 0; token < V; token++) {
      step[state * N + chain.successor(state, token)] = Math.exp(logProbs[state * V + token]!);
    }
  }
  let reached: Walks = { rows: begun, error: N * EPSILON };
  if (near(reached)) return 0;
  const powers: Walks[] = [{ rows: step, error: (N + V) * EPSILON }];
  while (!near(powers.at(-1)!)) {
    if (powers.length > MAX_DOUBLINGS) return null;
    powers.push(then(powers.at(-1)!, powers.at(-1)!, N));
    yield;
  }
  // the binary digits of the last number of tokens that is too few, the largest first
  let tokens = 0;
  for (let j = powers.length - 2; j >= 0; j--) {
    const further = tokens === 0 ? powers[j]! : then(reached, powers[j]!, N);
    if (!near(further)) {
      reached = further;
      tokens += 2 ** j;
    }
    yield;
  }
  return tokens + 1;
}

/** The walks after the tokens of one and then the other. */
function then(first: Walks, second: Walks, N: number): Walks {
  const rows = new Float64Array(N * N);
  multiply(rows, 0, N, first.rows, 0, N, 1, second.rows, 0, 1, N, N, N, N, false);
  for (let at = 0; at < N * N; at += N) {
    let sum = 0;
    for (let i = at; i < at + N; i++) sum += rows[i]!;
    for (let i = at; i < at + N; i++) rows[i]! /= sum;
  }
  return { rows, error: Math.max(first.error, second.error) + N * EPSILON };
}

/** The largest total variation of a row from π. */
function distance(rows: Float64Array, pi: Float64Array): number {
  const N = pi.length;
  let worst = 0;
  for (let at = 0; at < N * N; at += N) {
    let sum = 0;
    for (let i = 0; i < N; i++) sum += Math.abs(rows[at + i]! - pi[i]!);
    worst = Math.max(worst, sum / 2);
  }
  return worst;
}
