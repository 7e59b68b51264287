// A linear map y = x Wᵀ + b of some rows of an array, and what its gradient is.

import { multiply } from "./matmul";

/** Rows `from` to `to` of `y` (rows, outputs), of those of `x` (rows, inputs); `bias` −1: there is none. */
export function linear(
  y: Float64Array, x: Float64Array, weights: Float64Array, weight: number, bias: number,
  from: number, to: number, inputs: number, outputs: number,
): void {
  if (bias >= 0) {
    for (let row = from; row < to; row++) {
      for (let o = 0; o < outputs; o++) y[row * outputs + o] = weights[bias + o]!;
    }
  }
  multiply(
    y, from * outputs, outputs, x, from * inputs, inputs, 1, weights, weight, inputs, 1,
    to - from, outputs, inputs, bias >= 0,
  );
}

/** From the gradient of `y` that of `x`, which is written to `dx`, and that of the map, which is added to `gradient`. */
export function linearBackward(
  dx: Float64Array, dy: Float64Array, x: Float64Array, gradient: Float64Array,
  weights: Float64Array, weight: number, bias: number, from: number, to: number, inputs: number, outputs: number,
): void {
  const rows = to - from;
  const [atX, atY] = [from * inputs, from * outputs];
  multiply(dx, atX, inputs, dy, atY, outputs, 1, weights, weight, 1, inputs, rows, inputs, outputs, false); // dy W
  multiply(gradient, weight, inputs, dy, atY, 1, outputs, x, atX, 1, inputs, outputs, inputs, rows, true); // dyᵀ x
  if (bias < 0) return;
  for (let row = from; row < to; row++) {
    for (let o = 0; o < outputs; o++) gradient[bias + o]! += dy[row * outputs + o]!;
  }
}
