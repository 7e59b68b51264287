// From logits to log-probabilities.

/** Write the log-probabilities that a row of V logits means to `out`. */
export function logSoftmax(out: Float64Array, outAt: number, logits: Float64Array, at: number, V: number): void {
  let largest = -Infinity; // subtracted before the sum is, so that no digit is lost to large logits
  for (let v = 0; v < V; v++) largest = Math.max(largest, logits[at + v]!);
  let sum = 0;
  for (let v = 0; v < V; v++) sum += Math.exp((out[outAt + v] = logits[at + v]! - largest));
  const all = Math.log(sum);
  for (let v = 0; v < V; v++) out[outAt + v]! -= all;
}
