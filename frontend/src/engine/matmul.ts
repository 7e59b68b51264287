// The product of two matrices, which is nearly all of the work. Matrices stand in flat arrays, so each is said by where
// it begins (`At`) and by how far apart two of its numbers are: from row to row (`Row`), and along the sum (`Along`).
// Transposed, these two swap, and no number moves.

/**
 * out[m, n] = Σ a[m, k] · b[n, k] for m < M, n < N, k < K; with `add`, this is added to what is there. `out` is given by
 * its first number and the length of its rows.
 *
 * Twelve sums at a time: each number that is fetched is used three or four times.
 */
export function multiply(
  out: Float64Array, outAt: number, outRow: number,
  a: Float64Array, aAt: number, aRow: number, aAlong: number,
  b: Float64Array, bAt: number, bRow: number, bAlong: number,
  M: number, N: number, K: number, add: boolean,
): void {
  const [wholeM, wholeN] = [M - (M % 3), N - (N % 4)];
  for (let m = 0; m < wholeM; m += 3) {
    for (let n = 0; n < wholeN; n += 4) {
      let s00 = 0, s01 = 0, s02 = 0, s03 = 0;
      let s10 = 0, s11 = 0, s12 = 0, s13 = 0;
      let s20 = 0, s21 = 0, s22 = 0, s23 = 0;
      let i = aAt + m * aRow;
      let j = bAt + n * bRow;
      for (let k = 0; k < K; k++) {
        const x = a[i]!, y = a[i + aRow]!, z = a[i + 2 * aRow]!;
        let p = b[j]!;
        s00 += x * p; s10 += y * p; s20 += z * p;
        p = b[j + bRow]!;
        s01 += x * p; s11 += y * p; s21 += z * p;
        p = b[j + 2 * bRow]!;
        s02 += x * p; s12 += y * p; s22 += z * p;
        p = b[j + 3 * bRow]!;
        s03 += x * p; s13 += y * p; s23 += z * p;
        i += aAlong;
        j += bAlong;
      }
      const first = outAt + m * outRow + n;
      four(out, first, s00, s01, s02, s03, add);
      four(out, first + outRow, s10, s11, s12, s13, add);
      four(out, first + 2 * outRow, s20, s21, s22, s23, add);
    }
  }
  for (let m = wholeM; m < M; m++) {
    for (let n = 0; n < wholeN; n += 4) {
      let s0 = 0, s1 = 0, s2 = 0, s3 = 0;
      let i = aAt + m * aRow;
      let j = bAt + n * bRow;
      for (let k = 0; k < K; k++) {
        const x = a[i]!;
        s0 += x * b[j]!; s1 += x * b[j + bRow]!; s2 += x * b[j + 2 * bRow]!; s3 += x * b[j + 3 * bRow]!;
        i += aAlong;
        j += bAlong;
      }
      four(out, outAt + m * outRow + n, s0, s1, s2, s3, add);
    }
  }
  for (let m = 0; m < M; m++) {
    for (let n = wholeN; n < N; n++) {
      let sum = add ? out[outAt + m * outRow + n]! : 0;
      for (let k = 0; k < K; k++) sum += a[aAt + m * aRow + k * aAlong]! * b[bAt + n * bRow + k * bAlong]!;
      out[outAt + m * outRow + n] = sum;
    }
  }
}

function four(out: Float64Array, at: number, s0: number, s1: number, s2: number, s3: number, add: boolean): void {
  out[at] = add ? out[at]! + s0 : s0;
  out[at + 1] = add ? out[at + 1]! + s1 : s1;
  out[at + 2] = add ? out[at + 2]! + s2 : s2;
  out[at + 3] = add ? out[at + 3]! + s3 : s3;
}
