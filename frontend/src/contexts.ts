// Contexts and their numbers, as in `chain/contexts.py`: the oldest token is the most significant digit.

export function contextOf(state: number, nSymbols: number, length: number): number[] {
  const tokens = new Array<number>(length);
  for (let i = length - 1; i >= 0; i--) {
    tokens[i] = state % nSymbols;
    state = Math.floor(state / nSymbols);
  }
  return tokens;
}

export function stateOf(tokens: readonly number[], nSymbols: number): number {
  return tokens.reduce((state, token) => state * nSymbols + token, 0);
}

/** The state after `token` is appended to `state` and its oldest token dropped. */
export function successor(state: number, token: number, nSymbols: number, length: number): number {
  return (state % nSymbols ** (length - 1)) * nSymbols + token;
}

/** The token that a key stands for, −1 for none: the symbol itself, or else a word's first letter. */
export function tokenOfKey(symbols: readonly string[], key: string): number {
  if ([...key].length !== 1) return -1; // Enter, Tab and their like
  const exact = symbols.indexOf(key);
  return exact >= 0 ? exact : symbols.findIndex((symbol) => symbol.length > 1 && symbol.startsWith(key));
}

/** A context after which the text always goes on in the same way, of several the middle one; null: there is none. */
export function certainContext(text: readonly number[], nSymbols: number, length: number): number | null {
  const next = new Map<number, Set<number>>();
  for (let end = length; end < text.length; end++) {
    const state = stateOf(text.slice(end - length, end), nSymbols);
    next.set(state, (next.get(state) ?? new Set()).add(text[end] ?? 0));
  }
  const certain = [...next].filter(([, tokens]) => tokens.size === 1).map(([state]) => state);
  return certain.sort((a, b) => a - b)[certain.length >> 1] ?? null;
}

/** The context that a text goes on from most often, the first of equals; −1 stands between two sequences. */
export function commonestContext(text: readonly number[], nSymbols: number, length: number): number {
  const times = new Map<number, number>();
  for (let end = length; end < text.length; end++) {
    if (text.slice(end - length, end + 1).includes(-1)) continue;
    const state = stateOf(text.slice(end - length, end), nSymbols);
    times.set(state, (times.get(state) ?? 0) + 1);
  }
  return [...times].sort(([a, m], [b, n]) => n - m || a - b)[0]?.[0] ?? 0;
}

/** The places in a text at which a context has just been read: indices of its last token. */
export function occurrences(text: readonly number[], context: readonly number[]): number[] {
  const found: number[] = [];
  for (let end = context.length - 1; end < text.length; end++) {
    if (context.every((token, i) => text[end - context.length + 1 + i] === token)) found.push(end);
  }
  return found;
}
