// The order in which states stand around a ring.

import { stateOf } from "../contexts";

/**
 * All states in an order in which each one, cyclically, is followed by a successor of it.
 *
 * They are read off a de Bruijn sequence, which is built by joining Lyndon words (Fredricksen and Maiorana,
 * "Necklaces of beads in k colors and k-ary de Bruijn sequences", 1978). The order is that of `draw/layout.py`.
 */
export function deBruijnOrder(nSymbols: number, contextLength: number): number[] {
  const sequence: number[] = [];
  let word = [0];
  while (word.length > 0) {
    if (contextLength % word.length === 0) sequence.push(...word);
    // the next Lyndon word: repeat to full length, drop trailing last letters, raise the new last one
    word = Array.from({ length: contextLength }, (_, i) => word[i % word.length]!);
    while (word.at(-1) === nSymbols - 1) word.pop();
    if (word.length > 0) word.push(word.pop()! + 1);
  }
  const around = [...sequence, ...sequence.slice(0, contextLength - 1)];
  return sequence.map((_, i) => stateOf(around.slice(i, i + contextLength), nSymbols));
}
