// Decoding: what is made of a GPT's probabilities before a token is drawn; src/babygpt/chain/decoding.py says more.
//
// In the field's usual order: the temperature T divides the logits (0 is greedy); top-k keeps the k likeliest tokens, and
// all that tie with the k-th; top-p keeps the fewest likeliest tokens whose probabilities reach p; min-p keeps tokens at
// least min_p times as likely as the likeliest. Tokens are ranked by probability, and equal ones by number.

import { isPlain, type Decoding } from "../decoding";
import { logSoftmax } from "./softmax";

// What rounding does to a probability, and to a sum of many: what misses an edge by less is on it.
const ROUNDING = 1e-12;

/** The log-probabilities that are left of `table` (rows, V), in an array of their own. */
export function decode(table: Float64Array, V: number, decoding: Decoding): Float64Array {
  const out = table.slice();
  if (isPlain(decoding)) return out;
  const order = Array.from({ length: V }, (_, token) => token);
  for (let at = 0; at < out.length; at += V) decodeRow(out.subarray(at, at + V), order, decoding);
  return out;
}

function decodeRow(row: Float64Array, order: number[], { temperature, top_k, top_p, min_p }: Decoding): void {
  const V = row.length;
  const largest = Math.max(...row);
  for (let v = 0; v < V; v++) row[v]! -= largest;
  if (temperature === 0) {
    const best = row.indexOf(0);
    row.fill(-Infinity)[best] = 0;
    return;
  }
  order.sort((a, b) => row[b]! - row[a]! || a - b); // likeliest first, equals by number, at any temperature
  if (top_k !== null && top_k < V) {
    const least = row[order[top_k - 1]!]! - ROUNDING;
    for (let v = 0; v < V; v++) if (row[v]! < least) row[v] = -Infinity;
  }
  for (let v = 0; v < V; v++) row[v]! /= temperature;
  if (top_p !== null && top_p < 1) {
    logSoftmax(row, 0, row, 0, V);
    let reached = 0;
    for (const token of order) {
      if (reached >= top_p - ROUNDING) row[token] = -Infinity;
      else reached += Math.exp(row[token]!);
    }
  }
  if (min_p !== null && min_p > 0) {
    const least = Math.max(...row) + Math.log(min_p) - ROUNDING;
    for (let v = 0; v < V; v++) if (row[v]! < least) row[v] = -Infinity;
  }
  logSoftmax(row, 0, row, 0, V);
}
