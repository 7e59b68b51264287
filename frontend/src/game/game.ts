// A chain as a game of chance for a class: in each state one of the numbers 1 to 100 is drawn, with two ten-sided dice or a
// card, and says along which arrow to go. Probabilities are rounded to hundredths for that, so what is played is another
// chain, near the first; all that is asked and answered about the game is computed from that one.

import { stateOf, successor } from "../contexts";
import { Chain, finish, recurrentClasses, stationarySteps } from "../engine";
import { gth } from "../engine/elimination";
import { countRows } from "../engine/tree";

export const MOST_STATES = 64; // more do not fit on a board
export const MOVES = 100; // that a group makes
const NUMBERS = 100; // that are drawn from
const PATH = 5; // moves whose likeliest way is asked for
const BILLION = 1e9;
const ALIKE = 1 / BILLION; // what differs by less is a tie

/** An arrow and the numbers that lead along it. */
export interface Move {
  readonly token: number;
  readonly to: number;
  readonly first: number;
  readonly last: number;
}

/** A state on the board. */
export interface Square {
  readonly moves: readonly Move[]; // none: the walk stops here
  readonly tooRare: readonly number[]; // tokens that the chain gives some chance, and the game none
}

export interface Game {
  readonly squares: readonly Square[];
  readonly start: number;
  readonly played: Chain; // in hundredths
  readonly exact: Chain; // before they were rounded
}

/**
 * Round probabilities to hundredths that add up to 100: each is rounded down, and what is left goes to the largest
 * remainders, of equal ones to the first. Nothing, if they are all 0.
 */
export function hundredths(probs: readonly number[]): number[] {
  const sum = probs.reduce((a, b) => a + b, 0);
  if (sum === 0) return probs.map(() => 0);
  // in billionths: the last digits would make a tie of two halves a matter of floating point
  const exact = probs.map((p) => Math.round((NUMBERS * BILLION * p) / sum));
  const whole = exact.map((x) => Math.floor(x / BILLION));
  const left = NUMBERS - whole.reduce((a, b) => a + b);
  const order = [...probs.keys()].sort((i, j) => (exact[j]! % BILLION) - (exact[i]! % BILLION) || i - j);
  for (const i of order.slice(0, left)) whole[i]!++;
  return whole;
}

/** The game of a chain of V symbols: `values` (n·V) are its probabilities, null where nothing is known. */
export function play(values: readonly (number | null)[], V: number, K: number, start: number): Game {
  const n = V ** K;
  const probs = values.map((value) => value ?? 0);
  const rounded: number[] = [];
  const squares: Square[] = [];
  for (let state = 0; state < n; state++) {
    const row = probs.slice(state * V, (state + 1) * V);
    const shares = hundredths(row);
    const moves: Move[] = [];
    let drawn = 0;
    shares.forEach((share, token) => {
      if (share > 0) moves.push({ token, to: successor(state, token, V, K), first: drawn + 1, last: drawn + share });
      drawn += share;
    });
    squares.push({ moves, tooRare: [...row.keys()].filter((token) => row[token]! > 0 && shares[token] === 0) });
    rounded.push(...shares.map((share) => share / NUMBERS));
  }
  return { squares, start, played: chainOf(rounded, V, K), exact: chainOf(probs, V, K) };
}

function chainOf(probs: readonly number[], V: number, K: number): Chain {
  const short = countRows(V, K - 1) * V; // which no walk comes to
  const table = new Float64Array(short + probs.length);
  table.set(probs.map(Math.log), short);
  return new Chain(V, K, table);
}

/** Where a walk begins unless another place is wished for: with the text, or else in the first state that has arrows. */
export function beginning(values: readonly (number | null)[], tokens: readonly number[], V: number, K: number): number {
  const goesOn = (state: number): boolean => values.slice(state * V, (state + 1) * V).some((p) => p !== null && p > 0);
  const first = tokens.slice(0, K);
  if (first.length === K && !first.includes(-1) && goesOn(stateOf(first, V))) return stateOf(first, V);
  return Math.max(0, [...Array(V ** K).keys()].findIndex(goesOn));
}

/** The states that a walk can come to in one move or more. */
export function reached(chain: Chain, from: number): Set<number> {
  const found = new Set<number>();
  const queue = [from];
  for (const state of queue) {
    for (const to of following(chain, state)) {
      if (!found.has(to)) queue.push(to);
      found.add(to);
    }
  }
  return found;
}

function following(chain: Chain, state: number): number[] {
  const tokens = [...Array(chain.vocabSize).keys()].filter((token) => chain.logProbs[state * chain.vocabSize + token]! > -Infinity);
  return tokens.map((token) => chain.successor(state, token));
}

/**
 * How a walk comes to some states for the first time: after how many moves on average, and how likely at each of them;
 * null if it may never do so.
 *
 * If it is put back to where it began each time, it is a chain whose π tells both: of so many moves one is the way back.
 */
export function arrival(chain: Chain, from: number, targets: ReadonlySet<number>): { moves: number; at: Map<number, number> } | null {
  if (targets.has(from)) return { moves: 0, at: new Map([[from, 1]]) };
  const states = [from];
  for (const state of states) {
    if (targets.has(state)) continue;
    for (const to of following(chain, state)) if (!states.includes(to)) states.push(to);
  }
  const ends = (state: number): boolean => targets.has(state) || [...reached(chain, state)].some((to) => targets.has(to));
  if (!states.every(ends)) return null;
  const { vocabSize: V, logProbs } = chain;
  const n = states.length;
  const logs = new Float64Array(n * n).fill(-Infinity);
  states.forEach((state, i) => {
    if (targets.has(state)) logs[i * n] = 0;
    else for (let token = 0; token < V; token++) {
      const to = states.indexOf(chain.successor(state, token));
      if (to >= 0) logs[i * n + to] = logProbs[state * V + token]!;
    }
  });
  const pi = gth(logs, n);
  const back = states.reduce((sum, state, i) => sum + (targets.has(state) ? pi[i]! : 0), 0);
  const at = new Map(states.flatMap((state, i) => (targets.has(state) ? [[state, pi[i]! / back]] : [])));
  return { moves: 1 / back - 1, at };
}

/** The share of each state in an endless walk; where it stops, it stays. */
export function longRun(chain: Chain, from: number): Float64Array {
  const total = new Float64Array(chain.nStates);
  const can = reached(chain, from).add(from);
  const classes = recurrentClasses(chain).filter((states) => can.has(states[0]!));
  const ends = arrival(chain, from, new Set(classes.flatMap((states) => [...states])))!.at;
  for (const states of classes) {
    const share = states.reduce((sum, state) => sum + (ends.get(state) ?? 0), 0);
    const pi = finish(stationarySteps(chain, states))!; // so few states are always solved
    for (const state of states) total[state] = share * pi[state]!;
  }
  return total;
}

/** How many strokes each state gets in a walk of so many moves: on average, and by how much (σ) groups differ in it. */
export function strokes(chain: Chain, from: number, moves = MOVES): { mean: Float64Array; spread: Float64Array } {
  const { nStates: n } = chain;
  const probs = chain.logProbs.map(Math.exp);
  const walk = (state: number): Float64Array[] => {
    let now = new Float64Array(n);
    now[state] = 1;
    return Array.from({ length: moves }, () => {
      const moved = new Float64Array(n);
      chain.advance(moved, now, probs);
      return (now = moved);
    });
  };
  const there = walk(from); // [t]: where the walk is after t + 1 moves
  const mean = new Float64Array(n);
  const spread = new Float64Array(n);
  for (let state = 0; state < n; state++) {
    const again = walk(state);
    // pairs of visits: one after t + 1 moves, another any number of moves later
    let [pairs, later] = [0, 0];
    for (let t = moves - 1; t >= 0; t--) {
      mean[state]! += there[t]![state]!;
      pairs += there[t]![state]! * later;
      later += again[moves - 1 - t]![state]!;
    }
    spread[state] = Math.sqrt(Math.max(0, mean[state]! + 2 * pairs - mean[state]! ** 2));
  }
  return { mean, spread };
}

/** The likeliest way to make so many moves, or as many as can be made; of several the one whose tokens come first. */
export function likeliestPath(chain: Chain, from: number, moves = PATH): { states: number[]; p: number } {
  const { nStates: n, vocabSize: V, logProbs } = chain;
  // best[m][s]: how likely the likeliest m moves from s are
  const best: Float64Array[] = [new Float64Array(n)];
  const chosen: Int32Array[] = [new Int32Array(n)];
  for (let m = 1; m <= moves; m++) {
    const [now, token] = [new Float64Array(n).fill(-Infinity), new Int32Array(n)];
    for (let i = 0; i < n * V; i++) {
      const state = Math.floor(i / V);
      const log = logProbs[i]! + best[m - 1]![chain.successor(state, i % V)]!;
      if (log > now[state]! + ALIKE) [now[state], token[state]] = [log, i % V];
    }
    best.push(now);
    chosen.push(token);
  }
  while (best[moves]![from] === -Infinity) moves--;
  const states = [from];
  for (let m = moves; m > 0; m--) states.push(chain.successor(states.at(-1)!, chosen[m]![states.at(-1)!]!));
  return { states, p: Math.exp(best[moves]![from]!) };
}

/** What is asked about a game, answered. */
export interface Answers {
  readonly long: Float64Array; // π of what is played
  readonly exact: Float64Array; // and of what it was rounded from
  readonly mean: Float64Array; // strokes in MOVES moves
  readonly spread: Float64Array;
  readonly most: readonly number[]; // where there are most
  readonly never: readonly number[]; // where no walk from the start comes
  readonly left: readonly number[]; // where one may come, but not again and again
  readonly hardest: readonly number[]; // where what comes next is least certain
  readonly surest: readonly number[];
  readonly path: { readonly states: readonly number[]; readonly p: number };
  readonly far: { readonly to: number; readonly moves: number } | null; // the state that walks come to most rarely
  readonly again: { readonly state: number; readonly moves: number } | null; // from a visit to the next
  readonly stops: number | null; // after how many moves on average; null: it may never
}

export function answer(game: Game): Answers {
  const { squares, start, played } = game;
  const states = [...squares.keys()];
  const stopsHere = (state: number): boolean => squares[state]!.moves.length === 0;
  const long = longRun(played, start);
  const { mean, spread } = strokes(played, start);
  const comes = reached(played, start);
  const walked = states.filter((state) => (state === start || comes.has(state)) && !stopsHere(state));
  const stops = new Set(states.filter(stopsHere));
  const ends = recurrentClasses(played).filter(([first]) => long[first!]! > 0);
  const home = ends.length === 1 && !stopsHere(ends[0]![0]!) ? [...ends[0]!] : []; // where every walk stays at last
  const uncertainty = (state: number): number =>
    squares[state]!.moves.reduce((sum, { first, last }) => sum - (last - first + 1) * Math.log(last - first + 1), 0);
  const often = top(home, (state) => long[state]!)[0];
  const rarest = top(home.filter((state) => state !== start), (state) => -long[state]!)[0];
  return {
    long,
    exact: longRun(game.exact, start),
    mean,
    spread,
    most: top(states, (state) => mean[state]!),
    never: states.filter((state) => !comes.has(state)),
    left: home.length > 0 ? states.filter((state) => comes.has(state) && !home.includes(state)) : [],
    hardest: top(walked, uncertainty),
    surest: top(walked, (state) => -uncertainty(state)),
    path: likeliestPath(played, start),
    far: rarest === undefined ? null : { to: rarest, moves: arrival(played, start, new Set([rarest]))!.moves },
    again: often === undefined ? null : { state: often, moves: 1 / long[often]! },
    stops: stops.size > 0 ? (arrival(played, start, stops)?.moves ?? null) : null,
  };
}

/** Those for which a number is largest, up to its rounding. */
function top(states: readonly number[], of: (state: number) => number): number[] {
  const most = Math.max(...states.map(of));
  return states.filter((state) => of(state) > most - ALIKE);
}

/** The name of each state on the board: at most so long, and no two alike, else its number from 1. */
export function namesOf(full: readonly string[], shorten: (name: string) => string): string[] {
  const names = full.map(shorten);
  return new Set(names).size === names.length ? names : names.map((_, state) => String(state + 1));
}
