// Where a state lies on the map: the newest token picks a strip of columns, the one before it a strip of rows, and so
// on, the third newest a strip of columns within the first … (the chaos game representation of genomics). The same
// order as in `studio/figures.py`.

/** How many of the newest tokens a map of so many pixels tells apart. */
export function mapLength(nSymbols: number, width: number, height: number): number {
  return Math.round(Math.log(width * height) / Math.log(nSymbols));
}

export function mapSize(nSymbols: number, length: number): [number, number] {
  return [nSymbols ** Math.ceil(length / 2), nSymbols ** Math.floor(length / 2)];
}

/** The pixel of a context's last `length` tokens, given as their number. */
export function pixelOf(suffix: number, nSymbols: number, length: number): [number, number] {
  let x = 0;
  let y = 0;
  let rest = suffix;
  for (let i = 0; i < length; i++) {
    const token = rest % nSymbols;
    rest = Math.floor(rest / nSymbols);
    if (i % 2 === 0) x = x * nSymbols + token;
    else y = y * nSymbols + token;
  }
  return [x, y];
}

/** The number of the last `length` tokens that a pixel stands for. */
export function suffixAt(x: number, y: number, nSymbols: number, length: number): number {
  const columns = Math.ceil(length / 2);
  const rows = Math.floor(length / 2);
  let suffix = 0;
  for (let i = length - 1; i >= 0; i--) {
    const [from, place, n] = i % 2 === 0 ? [x, i / 2, columns] : [y, (i - 1) / 2, rows];
    suffix = suffix * nSymbols + (Math.floor(from / nSymbols ** (n - 1 - place)) % nSymbols);
  }
  return suffix;
}

/** A chain of few states as a map's bytes, two a pixel: token (255: not known) and strength, as the session sends. */
export function pixelsOf(values: readonly (number | null)[], nSymbols: number, length: number, difference: boolean): Uint8Array {
  const [width, height] = mapSize(nSymbols, length);
  const out = new Uint8Array(2 * width * height);
  for (let state = 0; state < nSymbols ** length; state++) {
    const row = values.slice(state * nSymbols, (state + 1) * nSymbols);
    const [x, y] = pixelOf(state, nSymbols, length);
    const at = 2 * (y * width + x);
    if (row[0] === null || row[0] === undefined) {
      out[at] = 255;
      continue;
    }
    const known = row as number[];
    if (!difference) {
      const best = Math.max(...known);
      out[at] = Math.min(known.indexOf(best), 254);
      out[at + 1] = Math.round((255 * (best - 1 / nSymbols)) / (1 - 1 / nSymbols));
    } else if (nSymbols === 2) {
      out[at] = (known[1] ?? 0) > 0 ? 1 : 0;
      out[at + 1] = Math.round(255 * Math.abs(known[1] ?? 0));
    } else {
      out[at] = 2;
      out[at + 1] = Math.round((255 * known.reduce((sum, d) => sum + Math.abs(d), 0)) / 2);
    }
  }
  return out;
}
