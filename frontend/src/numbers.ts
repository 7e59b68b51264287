// Numbers as people read them.

/** "79 %", with a space that does not break: whole percents, but for what would round to 0 or 100 without being it. */
export function percent(p: number): string {
  const whole = Math.round(100 * p);
  if (p > 0 && whole === 0) return p < 0.0005 ? "<0.1\u00a0%" : `${(100 * p).toFixed(1)}\u00a0%`;
  if (p < 1 && whole === 100) return p > 0.9995 ? ">99.9\u00a0%" : `${(100 * p).toFixed(1)}\u00a0%`;
  return `${whole}\u00a0%`;
}

/** "66–78 %": from one probability to another. */
export function range(low: number, high: number, write = percent): string {
  const [from, to] = [write(low), write(high)];
  return from === to ? to : `${from.replace(/\s?%/, "")}–${to}`;
}

/** "+12" or "−3": a difference of probabilities in percentage points. */
export function points(difference: number): string {
  const whole = Math.round(100 * difference);
  return whole === 0 ? "0" : whole > 0 ? `+${whole}` : `−${-whole}`;
}

/** A number with commas between its thousands. */
export function count(n: number): string {
  // by hand: the browser's own way takes long the first time
  const [whole, ...fraction] = String(Math.round(1000 * n) / 1000).split(".");
  return [commas(whole!), ...fraction].join(".");
}

/** The digits of a whole number with commas between its thousands. */
export function commas(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+$)/g, ",");
}

/** A number with four decimals, with a true minus sign. */
export function decimal(x: number, digits = 4): string {
  const text = Math.abs(x).toFixed(digits);
  return x < 0 && Number(text) !== 0 ? `−${text}` : text;
}

/** Round values for the lines of an axis: at most `most`, the first at or below `low`. */
export function ticks(low: number, high: number, most: number): number[] {
  const span = high - low;
  if (!(span > 0) || most < 1) return [low];
  const rough = span / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough) ?? 10 * power;
  const found: number[] = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i++) found.push(i * step);
  return found;
}

/** The place of the largest of some numbers, the first of those that are alike. */
export function argmax(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

export function clamp(x: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, x));
}
