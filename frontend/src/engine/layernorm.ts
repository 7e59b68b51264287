// LayerNorm: each row to mean 0 and variance 1, then scaled and shifted by weights of its own [1].
//
// [1] Ba, Kiros, Hinton, "Layer Normalization", 2016, arXiv:1607.06450.

const EPSILON = 1e-5;

/** `out` of all rows of `x` (rows, C). What the gradient needs stays in `normed` (rows, C) and `scale` (rows). */
export function layerNorm(
  out: Float64Array, normed: Float64Array, scale: Float64Array, x: Float64Array,
  weights: Float64Array, weight: number, bias: number, rows: number, C: number,
): void {
  for (let row = 0, at = 0; row < rows; row++, at += C) {
    let mean = 0;
    for (let c = 0; c < C; c++) mean += x[at + c]!;
    mean /= C;
    let variance = 0;
    for (let c = 0; c < C; c++) variance += (x[at + c]! - mean) ** 2;
    const s = (scale[row] = 1 / Math.sqrt(variance / C + EPSILON));
    for (let c = 0; c < C; c++) {
      const z = (normed[at + c] = (x[at + c]! - mean) * s);
      out[at + c] = z * weights[weight + c]! + weights[bias + c]!;
    }
  }
}

/** The gradient of `x`, added to `dx`, and that of the weights, from the gradient `dout` of rows `from` to `to`. */
export function layerNormBackward(
  dx: Float64Array, dout: Float64Array, normed: Float64Array, scale: Float64Array, gradient: Float64Array,
  weights: Float64Array, weight: number, bias: number, from: number, to: number, C: number,
): void {
  for (let row = from; row < to; row++) {
    const at = row * C;
    let mean = 0; // of the gradient of what is normed, and of its product with that: what x may not change
    let along = 0;
    for (let c = 0; c < C; c++) {
      const d = dout[at + c]!;
      const z = normed[at + c]!;
      gradient[weight + c]! += d * z;
      gradient[bias + c]! += d;
      mean += d * weights[weight + c]!;
      along += d * weights[weight + c]! * z;
    }
    mean /= C;
    along /= C;
    const s = scale[row]!;
    for (let c = 0; c < C; c++) {
      dx[at + c]! += s * (dout[at + c]! * weights[weight + c]! - mean - normed[at + c]! * along);
    }
  }
}
