// How large the chains of GPTs are, as src/babygpt/cli/sizes.py has it: V tokens and a context of K make V^K states.

import { commas, count } from "./numbers";

/** The bits that name one state: K·log₂ V. */
export function bitsOf(V: number, K: number): number {
  return K * Math.log2(V);
}

/** The number of states, V^K, written out where it is short and as a power of ten where it is not. */
export function statesOf(V: number, K: number): string {
  const digits = K * Math.log10(V);
  if (digits < 13) return commas(String(Math.round(V ** K)));
  return `10${Array.from(String(Math.round(digits)), (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)]).join("")}`;
}

/** A number of bits in bytes as the article counts them, in kB of 1,000: the number, and what it counts. */
export function bytesOf(bits: number): [n: string, unit: "bytes" | "kB"] {
  const bytes = bits / 8;
  if (bytes < 10_000) return [bytes < 10 ? bytes.toFixed(1) : count(Math.round(bytes)), "bytes"];
  const [whole, tenth] = (bytes / 1000).toFixed(1).split(".");
  return [`${commas(whole!)}.${tenth}`, "kB"];
}

/** Where a number of bits stands on a scale on which ten times as much is one step more: from 0 to 1, at `most`. */
export function placeOnScale(bits: number, most: number): number {
  return Math.max(0, Math.log10(bits)) / Math.log10(most);
}
