// The figures in the views: chains and losses as plain numbers, and bytes where there are many, as
// src/babygpt/studio/figures.py has it.

import type { Chain, Corpus } from "../engine";
import { packed } from "../packed";
import { argmax } from "../numbers";
import type { Packed, Predecessor, Trace } from "../protocol";
import { MAX_CURVE, MAX_PIXELS, MAX_TRACE, MAX_TRACED } from "./facts.generated";

/** (N, V); NaN where nothing is known. */
export type Values = Float64Array;

/** A number for JSON, which knows neither NaN nor infinity. */
export function finite(x: number): number | null {
  return Number.isFinite(x) ? x : null;
}

export function numbers(values: ArrayLike<number>): (number | null)[] {
  return Array.from(values, finite);
}

export function probsOf(chain: Chain): Values {
  return chain.logProbs.map(Math.exp);
}

/** How often the data continues each state with each token, as shares; NaN where it never does. */
export function dataValues(corpus: Corpus): Values {
  const V = corpus.vocabSize;
  const values = new Float64Array(V ** (corpus.contextLength + 1)).fill(NaN);
  corpus.states.forEach((state, i) => {
    const counts = corpus.counts.subarray(i * V, (i + 1) * V);
    const all = counts.reduce((a, b) => a + b);
    counts.forEach((count, token) => (values[state * V + token] = count / all));
  });
  return values;
}

/** How often each token follows in the data in the states `first` … `stop` − 1. */
export function dataCounts(corpus: Corpus, first: number, stop: number): number[][] {
  const V = corpus.vocabSize;
  const counts = Array.from({ length: stop - first }, () => new Array<number>(V).fill(0));
  corpus.states.forEach((state, i) => {
    if (state >= first && state < stop) counts[state - first] = Array.from(corpus.counts.subarray(i * V, (i + 1) * V));
  });
  return counts;
}

/** Which of all states some are, a bit each. */
export function bits(states: Iterable<number>, nStates: number): Packed {
  const all = new Uint8Array(Math.ceil(nStates / 8));
  for (const state of states) all[state >> 3]! |= 1 << (state & 7);
  return packed(all);
}

// -- the map

/** How many of the newest tokens a map tells apart: all, or as many as there are pixels for. */
function mapLength(V: number, K: number): number {
  let length = K;
  while (length > 1 && V ** length > MAX_PIXELS) length--;
  return length;
}

/** Width and height of the map of a chain, in pixels. */
export function mapSize(V: number, K: number): [number, number] {
  const length = mapLength(V, K);
  return [V ** Math.ceil(length / 2), V ** Math.floor(length / 2)];
}

/**
 * The states of V^length in the order of pixels: those with the same last tokens side by side. The newest token picks one
 * of V strips of columns, the one before one of V strips of rows, the third newest a strip of columns within that, and so on.
 */
function pixelOrder(V: number, length: number): Int32Array {
  const [width, height] = [V ** Math.ceil(length / 2), V ** Math.floor(length / 2)];
  const order = new Int32Array(width * height);
  for (let state = 0; state < order.length; state++) {
    let [x, y, across, down, rest] = [0, 0, width / V, height / V, state];
    for (let i = 0; i < length; i++, rest = Math.floor(rest / V)) {
      const token = rest % V;
      if (i % 2 === 0) [x, across] = [x + token * across, across / V];
      else [y, down] = [y + token * down, down / V];
    }
    order[y * width + x] = state;
  }
  return order;
}

/**
 * A chain's map: two bytes a pixel, token and strength; the first is 255 for what is not known. Of a difference of two
 * tokens the first byte is 0 or 1 for less or more of the second, of more tokens 2, and the strength the total variation.
 */
export function pixels(values: Values, V: number, K: number, difference: boolean): Packed {
  const length = mapLength(V, K);
  const many = V ** length; // states that share a pixel are averaged over what is known
  const out = new Uint8Array(2 * many);
  const row = new Float64Array(V);
  pixelOrder(V, length).forEach((state, pixel) => {
    row.fill(0);
    let n = 0;
    for (let at = state * V; at < values.length; at += many * V) {
      if (Number.isNaN(values[at]!)) continue;
      n++;
      for (let v = 0; v < V; v++) row[v]! += values[at + v]!;
    }
    if (!n) {
      out[2 * pixel] = 255;
      return;
    }
    let [token, strength] = [2, 0];
    for (let v = 0; v < V; v++) row[v]! /= n;
    if (!difference) {
      token = 0;
      for (let v = 1; v < V; v++) if (row[v]! > row[token]!) token = v;
      strength = (row[token]! - 1 / V) / (1 - 1 / V);
    } else if (V === 2) [token, strength] = [row[1]! > 0 ? 1 : 0, Math.abs(row[1]!)];
    else for (let v = 0; v < V; v++) strength += Math.abs(row[v]!) / 2;
    out[2 * pixel] = Math.min(token, 254);
    out[2 * pixel + 1] = Math.min(Math.max(Math.round(255 * strength), 0), 255);
  });
  return packed(out);
}

// -- one state, one curve

/** The V successors of a state, by token, and its V predecessors. */
export function neighbours(chain: Chain, state: number): { successors: number[]; predecessors: Predecessor[] } {
  const { vocabSize: V, nStates: N, logProbs } = chain;
  const tokens = Array.from({ length: V }, (_, token) => token);
  const token = state % V;
  const predecessors = tokens.map((oldest) => {
    const from = oldest * (N / V) + Math.floor(state / V);
    return { state: from, token, p: Math.exp(logProbs[from * V + token]!) };
  });
  return { successors: tokens.map((one) => chain.successor(state, one)), predecessors };
}

/** How a state's probabilities went, over at most MAX_TRACE of the recorded steps. */
export function trace(chainAt: (step: number) => Chain, recorded: readonly number[], state: number): Trace {
  const last = recorded.length - 1;
  const points = Math.min(last + 1, MAX_TRACE);
  const steps = Array.from({ length: points }, (_, i) => recorded[Math.floor((i * last) / Math.max(points - 1, 1))]!);
  const rows = steps.map((step) => {
    const { logProbs, vocabSize: V } = chainAt(step);
    return Array.from(logProbs.subarray(state * V, (state + 1) * V), Math.exp);
  });
  const likeliest = rows.map((row) => argmax(row));
  const most = rows[0]!.map((_, token) => Math.max(...rows.map((row) => row[token]!)));
  const tokens = [...most.keys()].sort((a, b) => most[b]! - most[a]! || a - b).slice(0, MAX_TRACED);
  return {
    state,
    steps,
    tokens,
    probs: rows.map((row) => tokens.map((token) => row[token]!)),
    flips: steps.filter((_, i) => i > 0 && likeliest[i] !== likeliest[i - 1]),
  };
}

/** Steps and losses of a training, thinned to what a screen can show, the last one always among them. */
export function curve(losses: readonly number[]): { steps: number[]; losses: number[] } {
  const every = Math.max(1, Math.ceil(losses.length / (MAX_CURVE - 1)));
  const steps: number[] = [];
  for (let step = 0; step < losses.length; step += every) steps.push(step);
  if (losses.length && steps.at(-1) !== losses.length - 1) steps.push(losses.length - 1);
  return { steps, losses: steps.map((step) => losses[step]!) };
}
