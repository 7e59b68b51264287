// π, and where walks end, by removing one state after another and never subtracting: the algorithm of Grassmann, Taksar and Heyman [1].
//
// Removing a state routes its visits past it. Every number stays a sum or product of probabilities, so no digits cancel,
// and the results keep all theirs even where states hardly communicate.
//
// [1] Grassmann, Taksar, Heyman, "Regenerative analysis and steady state distributions for Markov chains", Operations
//     Research 33 (1985), 1107-1116.

// Products of probabilities above this have all their digits.
const SAFE = 1e-290;

/** π (n) of an irreducible chain, from the logarithms (n, n) of its probabilities, −∞ where there is no arrow. */
export function gth(logs: Float64Array, n: number): Float64Array {
  const pi = inFloats(logs.map(Math.exp), n) ?? inLogs(logs.slice(), n);
  const sum = pi.reduce((a, b) => a + b);
  return pi.map((share) => share / sum);
}

/** π but for a factor; null if a state is left more rarely than a float can say. */
function inFloats(A: Float64Array, n: number): Float64Array | null {
  for (let k = n - 1; k > 0; k--) {
    let leave = 0;
    for (let j = 0; j < k; j++) leave += A[k * n + j]!;
    if (leave < SAFE) return null;
    for (let i = 0; i < k; i++) {
      const through = (A[i * n + k]! /= leave);
      if (through > 0) for (let j = 0; j < k; j++) A[i * n + j]! += through * A[k * n + j]!;
    }
  }
  const pi = new Float64Array(n);
  pi[0] = 1;
  for (let k = 1; k < n; k++) for (let i = 0; i < k; i++) pi[k]! += pi[i]! * A[i * n + k]!;
  return pi.every(Number.isFinite) ? pi : null;
}

/** The same with logarithms in place of numbers: slower, and nothing is too rare. */
function inLogs(A: Float64Array, n: number): Float64Array {
  for (let k = n - 1; k > 0; k--) {
    let leave = -Infinity;
    for (let j = 0; j < k; j++) leave = logAdd(leave, A[k * n + j]!);
    for (let i = 0; i < k; i++) {
      const through = (A[i * n + k]! -= leave);
      if (through > -Infinity) for (let j = 0; j < k; j++) A[i * n + j] = logAdd(A[i * n + j]!, through + A[k * n + j]!);
    }
  }
  const pi = new Float64Array(n).fill(-Infinity);
  pi[0] = 0;
  for (let k = 1; k < n; k++) for (let i = 0; i < k; i++) pi[k] = logAdd(pi[k]!, pi[i]! + A[i * n + k]!);
  const largest = pi.reduce((a, b) => Math.max(a, b));
  return pi.map((share) => Math.exp(share - largest));
}

/**
 * How likely each of n states that are sooner or later left ends in each of C classes: (n, C); null if one is left more
 * rarely than a float can say. `A` (n, n) are the probabilities among the states, `B` (n, C) those into the classes; both
 * are used up.
 */
export function absorbed(A: Float64Array, B: Float64Array, n: number, C: number): Float64Array | null {
  const leaves = new Float64Array(n);
  for (let k = n - 1; k >= 0; k--) {
    let leave = 0;
    for (let j = 0; j < k; j++) leave += A[k * n + j]!;
    for (let c = 0; c < C; c++) leave += B[k * C + c]!;
    if ((leaves[k] = leave) < SAFE) return null;
    for (let i = 0; i < k; i++) {
      const through = A[i * n + k]! / leave;
      if (through === 0) continue;
      for (let j = 0; j < k; j++) A[i * n + j]! += through * A[k * n + j]!;
      for (let c = 0; c < C; c++) B[i * C + c]! += through * B[k * C + c]!;
    }
  }
  for (let k = 0; k < n; k++) {
    for (let c = 0; c < C; c++) {
      for (let j = 0; j < k; j++) B[k * C + c]! += A[k * n + j]! * B[j * C + c]!;
      B[k * C + c]! /= leaves[k]!;
    }
  }
  return B;
}

/** ln(eᵃ + eᵇ). */
function logAdd(a: number, b: number): number {
  if (a < b) [a, b] = [b, a];
  return b === -Infinity ? a : a + Math.log1p(Math.exp(b - a));
}
