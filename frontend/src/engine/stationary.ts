// The long run: how often each state is visited by a walk that never ends, as src/babygpt/chain/stationary.py has it.
//
// The *stationary distribution* π of a recurrent class is the one that a step leaves as it is. A chain with several
// classes has one for each.

import type { Chain } from "./chain";
import { absorbed, gth } from "./elimination";
import type { Steps } from "./steps";
import { periodOf, recurrentClasses } from "./structure";

// Classes of so many states are solved by elimination; larger ones are iterated, and if that does not settle eliminated.
const AT_ONCE = 256;
const MAX_ELIMINATION = 1024;
// Stepping stops when the steps still to come add up to this; two starts must agree to AGREEMENT.
const TOLERANCE = 1e-11;
const AGREEMENT = 1e-8;
const MAX_STEPS = 3000;
// How many steps are done between two yields.
const STEPS = 8;

/** π of one recurrent class as a distribution over all states, in steps; null if it does not settle. */
export function* stationarySteps(chain: Chain, states: Int32Array): Steps<Float64Array | null> {
  const pi = new Float64Array(chain.nStates);
  if (states.length > AT_ONCE) {
    for (const state of states) pi[state] = 1 / states.length;
    const elsewhere = new Float64Array(chain.nStates);
    elsewhere[states.at(-1)!] = 1;
    const probs = chain.logProbs.map(Math.exp);
    const lazy = periodOf(chain, states) > 1; // a periodic class never settles; the average of two steps does
    const first = yield* iterate(chain, probs, pi, lazy);
    const second = yield* iterate(chain, probs, elsewhere, lazy);
    if (first && second && apart(first, second) < AGREEMENT) return first;
    if (states.length > MAX_ELIMINATION) return null;
    pi.fill(0);
  }
  gth(among(chain, states), states.length).forEach((share, i) => (pi[states[i]!] = share));
  return pi;
}

/**
 * The share of each state in a walk that begins in a state drawn evenly, in steps: π of the only recurrent class, or those
 * of several, each as likely as walks end in it. Null if that is not known.
 */
export function* longRunSteps(chain: Chain): Steps<Float64Array | null> {
  const classes = recurrentClasses(chain);
  const shares = classes.length === 1 ? [1] : endings(chain, classes);
  if (!shares) return null;
  const total = new Float64Array(chain.nStates);
  for (const [i, states] of classes.entries()) {
    const pi = yield* stationarySteps(chain, states);
    if (!pi) return null;
    for (const state of states) total[state] = shares[i]! * pi[state]!;
    yield;
  }
  return total;
}

/** How likely a walk that begins in a state drawn evenly ends in each class; null if it is too much to compute. */
export function endings(chain: Chain, classes: readonly Int32Array[]): number[] | null {
  const { nStates: N, vocabSize: V, logProbs } = chain;
  const C = classes.length;
  const classOf = new Int32Array(N).fill(-1);
  classes.forEach((states, c) => states.forEach((state) => (classOf[state] = c)));
  const transient = Int32Array.from({ length: N }, (_, state) => state).filter((state) => classOf[state]! < 0);
  const n = transient.length;
  if (n > MAX_ELIMINATION) return null;
  const into = new Float64Array(n * C);
  transient.forEach((state, i) => {
    for (let token = 0; token < V; token++) {
      const c = classOf[chain.successor(state, token)]!;
      if (c >= 0) into[i * C + c]! += Math.exp(logProbs[state * V + token]!);
    }
  });
  const ends = absorbed(among(chain, transient).map(Math.exp), into, n, C);
  return ends && classes.map((states, c) => {
    let share = states.length;
    for (let i = 0; i < n; i++) share += ends[i * C + c]!;
    return share / N;
  });
}

/** The logarithms (n, n) of the probabilities of going from each of some states to each. */
function among(chain: Chain, states: Int32Array): Float64Array {
  const { vocabSize: V, logProbs } = chain;
  const n = states.length;
  const place = new Map(Array.from(states, (state, i) => [state, i]));
  const logs = new Float64Array(n * n).fill(-Infinity);
  states.forEach((state, i) => {
    for (let token = 0; token < V; token++) {
      const to = place.get(chain.successor(state, token)); // no two tokens lead to the same state
      if (to !== undefined) logs[i * n + to] = logProbs[state * V + token]!;
    }
  });
  return logs;
}

/** Step from `start` until hardly anything moves; null if something still does. */
function* iterate(chain: Chain, probs: Float64Array, start: Float64Array, lazy: boolean): Steps<Float64Array | null> {
  let pi = start.slice();
  let moved = new Float64Array(start.length);
  const residuals: number[] = [];
  for (let n = 0; n < MAX_STEPS; n++) {
    chain.advance(moved, pi, probs);
    if (lazy) for (let i = 0; i < pi.length; i++) moved[i] = (moved[i]! + pi[i]!) / 2;
    residuals.push(apart(moved, pi));
    [pi, moved] = [moved, pi];
    // steps shrink by a factor r each; those to come add up to r / (1 − r) times the last
    const last = residuals[n]!;
    const r = n > 8 ? (last / residuals[n - 8]!) ** (1 / 8) : 1;
    if (last === 0 || (r < 1 && (last * r) / (1 - r) < TOLERANCE)) {
      const sum = pi.reduce((a, b) => a + b);
      return pi.map((share) => share / sum);
    }
    if (n % STEPS === 0) yield;
  }
  return null;
}

function apart(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i]! - b[i]!);
  return sum;
}

/** h, the mean surprise of the next token where the states have the shares `pi`, in nats. */
export function entropyRate(chain: Chain, pi: Float64Array): number {
  const { vocabSize: V, logProbs } = chain;
  let h = 0;
  for (let i = 0; i < logProbs.length; i++) {
    const p = Math.exp(logProbs[i]!);
    if (p > 0) h -= pi[Math.floor(i / V)]! * p * logProbs[i]!;
  }
  return h;
}
