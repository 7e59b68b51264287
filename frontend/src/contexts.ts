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

/** The places in a text at which a context has just been read: indices of its last token. */
export function occurrences(text: readonly number[], context: readonly number[]): number[] {
  const found: number[] = [];
  for (let end = context.length - 1; end < text.length; end++) {
    if (context.every((token, i) => text[end - context.length + 1 + i] === token)) found.push(end);
  }
  return found;
}
