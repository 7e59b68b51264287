// Input devices, as src/babygpt/chain/input_device.py has them: what becomes of a chain when something outside the GPT
// reads each token it says and may put tokens of its own into the context. What devices can be in is a number.

import { successor } from "./contexts";
import { PCG64 } from "./engine";
import { tokenAt } from "./session/tape";

export interface Device {
  readonly start: number;
  readonly finite: boolean;
  /** What a device is in after it has read a token, and the token that it puts into the context, if it does. */
  read(state: number, token: number): readonly [state: number, added: number | null];
}

/** Puts `answer` into the context each time it has read two tokens one after the other; it reads its answers too. */
export function lookup(first: number, second: number, answer: number): Device {
  const read = (last: number, token: number) => (last === first && token === second ? ([answer, answer] as const) : ([token, null] as const));
  return { start: -1, finite: true, read };
}

/** Puts a token into the context after every `period` tokens said. */
export function clock(period: number, token: number): Device {
  return { start: 0, finite: true, read: (state) => [(state + 1) % period, state === period - 1 ? token : null] };
}

/** Has an endless memory: puts a token into the context after 1, 4, 9, 16, … tokens. */
export function counter(token: number): Device {
  return { start: 0, finite: false, read: (state) => [state + 1, Number.isInteger(Math.sqrt(state + 1)) ? token : null] };
}

/** How many states a chain and a device are together; null: there is no end to them. Walks may begin in any context. */
export function jointStates(V: number, K: number, device: Device | null): number | null {
  const N = V ** K;
  if (!device) return N;
  if (!device.finite) return null;
  const key = (context: number, state: number) => (state + 1) * N + context;
  const known = new Set(Array.from({ length: N }, (_, context) => key(context, device.start)));
  for (const joint of known) {
    for (let token = 0; token < V; token++) {
      const [state, added] = device.read(Math.floor(joint / N) - 1, token);
      known.add(key(pushed(joint % N, token, added, V, K), state)); // a set goes on with what is added
    }
  }
  return known.size;
}

/** A token said: its place on the tape, what the device was in before, and the context that followed. */
export interface Moment {
  readonly at: number;
  readonly device: number;
  readonly next: number;
}

/** A context and the token said in it: how often each next context followed, and when first. */
export interface Pair {
  readonly context: number;
  readonly token: number;
  readonly outcomes: Map<number, { times: number; first: Moment }>;
}

export interface Walked {
  /** Every token that came into the context, the start included. */
  readonly tape: readonly { readonly token: number; readonly added: boolean }[];
  readonly pairs: readonly Pair[];
  /** How many pairs came up more than once, and how many of these were followed by more than one next context. */
  readonly questions: number;
  readonly ambiguous: number;
  /** The first time that a pair had another outcome than before. */
  readonly conflict: { readonly pair: Pair; readonly before: Moment; readonly after: Moment } | null;
}

/** Numbers from [0, 1), always the same of a seed, drawn when they are asked for first. */
export function drawsOf(seed: number): (i: number) => number {
  const random = new PCG64(seed);
  const known: number[] = [];
  return (i) => {
    while (known.length <= i) known.push(random.random());
    return known[i]!;
  };
}

/** Walk so many tokens with a device, and tell whether context and token still determine the next context. */
export function walk(rows: readonly number[][], K: number, device: Device | null, start: readonly number[], draw: (i: number) => number, n: number): Walked {
  const V = rows[0]!.length;
  const tape = start.map((token) => ({ token, added: false }));
  const pairs = new Map<number, Pair>();
  let context = start.reduce((state, token) => state * V + token, 0);
  let state = device?.start ?? 0;
  let conflict: Walked["conflict"] = null;
  for (let i = 0; i < n; i++) {
    const token = tokenAt(rows[context]!, draw(i));
    const [after, added] = device?.read(state, token) ?? [state, null];
    const moment = { at: tape.length, device: state, next: pushed(context, token, added, V, K) };
    tape.push({ token, added: false });
    if (added !== null) tape.push({ token: added, added: true });
    const number = context * V + token;
    let pair = pairs.get(number);
    if (!pair) pairs.set(number, (pair = { context, token, outcomes: new Map() }));
    const outcome = pair.outcomes.get(moment.next);
    if (outcome) outcome.times++;
    else {
      const [before] = pair.outcomes.values();
      if (before) conflict ??= { pair, before: before.first, after: moment };
      pair.outcomes.set(moment.next, { times: 1, first: moment });
    }
    [context, state] = [moment.next, after];
  }
  const all = [...pairs.values()].sort((a, b) => a.context - b.context || a.token - b.token);
  const ambiguous = all.filter(({ outcomes }) => outcomes.size > 1).length;
  const questions = all.filter((pair) => timesOf(pair) > 1).length;
  return { tape, pairs: all, questions, ambiguous, conflict };
}

/** How often a pair came up. */
export function timesOf(pair: Pair): number {
  return [...pair.outcomes.values()].reduce((sum, { times }) => sum + times, 0);
}

function pushed(context: number, token: number, added: number | null, V: number, K: number): number {
  const next = successor(context, token, V, K);
  return added === null ? next : successor(next, added, V, K);
}
