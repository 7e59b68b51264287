// GELU, x·Φ(x), with Φ the exact normal distribution [1].
//
// Φ is known at the multiples of 1/64, by a series that Marsaglia gives [2], and from the nearest of these by five terms
// of Taylor's, which leave an error below 10⁻¹⁵.
//
// [1] Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016, arXiv:1606.08415.
// [2] Marsaglia, "Evaluating the normal distribution", J. Stat. Softw. 11 (2004), 4.

const PER_UNIT = 64;
const FAR = 9; // beyond it Φ is 0 or 1 to the last digit

/** The density of the normal distribution. */
export const density = (x: number): number => Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);

const known = new Float64Array(2 * FAR * PER_UNIT + 1);
const slopes = known.map((_, i) => density(i / PER_UNIT - FAR));
for (let i = 0; i < known.length; i++) {
  const x = i / PER_UNIT - FAR;
  let sum = x; // x + x³/3 + x⁵/(3·5) + …
  let term = x;
  for (let odd = 3; sum + term !== sum; odd += 2) sum += term *= (x * x) / odd;
  known[i] = 0.5 + sum * density(x);
}

/** Φ(x), how likely a normal number is below x. */
export function normalBelow(x: number): number {
  if (!(x > -FAR)) return x !== x ? x : 0;
  if (x >= FAR) return 1;
  const i = Math.round((x + FAR) * PER_UNIT);
  const a = i / PER_UNIT - FAR;
  const d = x - a;
  const a2 = a * a;
  const series =
    1 - d * (a / 2 - d * ((a2 - 1) / 6 - d * ((a * (a2 - 3)) / 24 - d * ((a2 * (a2 - 6) + 3) / 120))));
  return known[i]! + slopes[i]! * d * series;
}

/** `out` = GELU of `n` numbers of `x`; Φ of each is kept in `below`. */
export function gelu(out: Float64Array, below: Float64Array, x: Float64Array, n: number): void {
  for (let i = 0; i < n; i++) out[i] = x[i]! * (below[i] = normalBelow(x[i]!));
}

/** Turn the gradient of GELU's numbers `from` to `to` into that of its inputs `x`, in place. */
export function geluBackward(d: Float64Array, below: Float64Array, x: Float64Array, from: number, to: number): void {
  for (let i = from; i < to; i++) d[i]! *= below[i]! + x[i]! * density(x[i]!);
}
