// Contexts that begin alike share the work for that beginning: what a GPT computes for a token depends on the tokens
// before it and on none after. So contexts are read as a *prefix tree*. Each of its rows is a token together with all
// that came before it, its *parent* the row of the token before. All V^K contexts of K tokens are V + V² + … + V^K rows,
// where each for itself they would be K·V^K; and the rows above the leaves are the short contexts.

/** Rows of a prefix tree: the token, its position, and the parent's row, −1 where the context begins. */
export interface PrefixTree {
  readonly rows: number;
  readonly tokens: Int32Array;
  readonly positions: Int32Array;
  readonly parents: Int32Array;
}

/** The tree of one context: each token is the next one's parent. */
export function pathTree(context: ArrayLike<number>): PrefixTree {
  const rows = context.length;
  const positions = Int32Array.from({ length: rows }, (_, i) => i);
  return { rows, tokens: Int32Array.from(context), positions, parents: positions.map((i) => i - 1) };
}

/** V + V² + … + V^length: the rows of all contexts of up to so many tokens. */
export function countRows(V: number, length: number): number {
  return V * (V ** length - 1) / (V - 1);
}

/**
 * The tree of all contexts of K tokens that begin with the same `shared` tokens, 0 at first: a path of so many rows, then
 * level by level all that may follow, in order of their numbers.
 */
export function fullTree(V: number, K: number, shared = 0): PrefixTree {
  const rows = shared + countRows(V, K - shared);
  const [tokens, positions, parents] = [new Int32Array(rows), new Int32Array(rows), new Int32Array(rows)];
  for (let row = 0; row < shared; row++) {
    positions[row] = row;
    parents[row] = row - 1;
  }
  let above = shared - 1; // where the level above begins, and how many rows it has
  let many = 1;
  for (let position = shared, row = shared; position < K; position++) {
    const first = row;
    for (let i = 0; i < many * V; i++, row++) {
      tokens[row] = i % V;
      positions[row] = position;
      parents[row] = position === 0 ? -1 : above + Math.floor(i / V);
    }
    above = first;
    many *= V;
  }
  return { rows, tokens, positions, parents };
}

/**
 * The tree of some contexts of K tokens, in order, and, if asked for, after its rows those of all other contexts.
 *
 * Its rows stand by length, so that those of whole contexts come last: first shorter beginnings, then from `leaves` to
 * `trained` the contexts, one after another; then what is read beside them.
 */
export interface TrainingTree extends PrefixTree {
  readonly leaves: number;
  readonly trained: number;
  readonly rowOf: ReadonlyMap<number, number>; // by the place of a context in a table of all, short ones first
}

/** The place of a context of any length, given by its number, in a table of all: 0, 1, 00, 01, 10, 11, 000, … */
export function placeOf(number: number, length: number, V: number): number {
  return countRows(V, length - 1) + number;
}

export function trainingTree(states: ArrayLike<number>, V: number, K: number, everything: boolean): TrainingTree {
  const rowOf = new Map<number, number>();
  const tokens: number[] = [];
  const positions: number[] = [];
  const parents: number[] = [];
  const addRow = (number: number, length: number) => {
    const place = placeOf(number, length, V);
    if (rowOf.has(place)) return;
    rowOf.set(place, tokens.length);
    tokens.push(number % V);
    positions.push(length - 1);
    parents.push(length === 1 ? -1 : rowOf.get(placeOf(Math.floor(number / V), length - 1, V))!);
  };
  let leaves = 0;
  for (let length = 1; length <= K; length++) {
    leaves = tokens.length;
    for (let i = 0; i < states.length; i++) addRow(Math.floor(states[i]! / V ** (K - length)), length);
  }
  const trained = tokens.length;
  if (everything) {
    for (let length = 1; length <= K; length++) for (let number = 0; number < V ** length; number++) addRow(number, length);
  }
  const rows = tokens.length;
  const [t, p, a] = [Int32Array.from(tokens), Int32Array.from(positions), Int32Array.from(parents)];
  return { rows, tokens: t, positions: p, parents: a, leaves, trained, rowOf };
}
