// Causal self-attention over a prefix tree: each row gathers from itself and from its ancestors, newest first.

import type { PrefixTree } from "./tree";

let path = new Int32Array(64); // where the keys of the row at work and of its ancestors stand

function findPath(tree: PrefixTree, row: number, C: number): number {
  const length = tree.positions[row]! + 1;
  if (path.length < length) path = new Int32Array(2 * length);
  for (let i = 0; i < length; i++) {
    path[i] = row * 3 * C + C;
    row = tree.parents[row]!;
  }
  return length;
}

/**
 * `y` (rows, C) of queries, keys and values `qkv` (rows, 3C). How much each row takes from itself and its ancestors stays
 * in `taken` (rows, n_head, K), newest first.
 */
export function attention(
  y: Float64Array, taken: Float64Array, qkv: Float64Array, tree: PrefixTree, n_head: number, C: number, K: number,
): void {
  const D = C / n_head;
  const scale = 1 / Math.sqrt(D);
  for (let row = 0; row < tree.rows; row++) {
    const length = findPath(tree, row, C);
    for (let head = 0; head < n_head; head++) {
      const query = row * 3 * C + head * D;
      const at = (row * n_head + head) * K;
      let largest = -Infinity;
      for (let i = 0; i < length; i++) {
        const key = path[i]! + head * D;
        let score = 0;
        for (let d = 0; d < D; d++) score += qkv[query + d]! * qkv[key + d]!;
        taken[at + i] = score *= scale;
        if (score > largest) largest = score;
      }
      let sum = 0;
      for (let i = 0; i < length; i++) sum += taken[at + i] = Math.exp(taken[at + i]! - largest);
      for (let i = 0; i < length; i++) taken[at + i]! /= sum;
      const value = C + head * D;
      for (let d = 0; d < D; d++) {
        let gathered = 0;
        for (let i = 0; i < length; i++) gathered += taken[at + i]! * qkv[path[i]! + value + d]!;
        y[row * C + head * D + d] = gathered;
      }
    }
  }
}

/** Add to `dqkv` what the gradient `dy` of rows `from` to `to` makes of queries, keys and values. */
export function attentionBackward(
  dqkv: Float64Array, dy: Float64Array, taken: Float64Array, qkv: Float64Array, tree: PrefixTree,
  from: number, to: number, n_head: number, C: number, K: number,
): void {
  const D = C / n_head;
  const scale = 1 / Math.sqrt(D);
  for (let row = from; row < to; row++) {
    const length = findPath(tree, row, C);
    for (let head = 0; head < n_head; head++) {
      const query = row * 3 * C + head * D;
      const out = row * C + head * D;
      const at = (row * n_head + head) * K;
      let mean = 0; // Σ share · its gradient = y · dy
      for (let i = 0; i < length; i++) {
        const value = path[i]! + C + head * D;
        for (let d = 0; d < D; d++) mean += taken[at + i]! * qkv[value + d]! * dy[out + d]!;
      }
      for (let i = 0; i < length; i++) {
        const key = path[i]! + head * D;
        const value = key + C;
        const share = taken[at + i]!;
        let slope = 0; // the gradient of the share
        for (let d = 0; d < D; d++) {
          slope += qkv[value + d]! * dy[out + d]!;
          dqkv[value + d]! += share * dy[out + d]!;
        }
        slope = share * (slope - mean) * scale; // of the score
        for (let d = 0; d < D; d++) {
          dqkv[query + d]! += slope * qkv[key + d]!;
          dqkv[key + d]! += slope * qkv[query + d]!;
        }
      }
    }
  }
}
