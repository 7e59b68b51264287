// Knobs on a GPT's weights: along the line from the initial ones to the trained ones, and on any single number, as
// src/babygpt/studio/knobs.py has it.

import { packed } from "../packed";
import type { Knobs as KnobsView } from "../protocol";
import { MAX_TENSOR, MOST_ADDED, REACH } from "./facts.generated";
import type { Turned } from "./links";
import type { Playback, Weights } from "./playback";
import { cut, grouped, repr } from "./python";
import { RefusedError } from "./refused";

interface State {
  readonly version: number; // counts the turns
  readonly position: number | null;
  readonly line: Weights | null; // the weights at that position
  readonly until: number; // how many steps were trained when it was found
  readonly tensor: string | null;
  readonly place: number | null;
  readonly by: number;
}

export class Knobs {
  /** All that is turned: whoever keeps it can put it back. */
  now: State = { version: 0, position: null, line: null, until: 0, tensor: null, place: null, by: 0 };

  /** Whether the weights are not those of training. */
  get turned(): boolean {
    return this.onTheLine || this.now.by !== 0;
  }

  /** Whether the weights are somewhere on the line from initial to trained, whatever step is shown. */
  get onTheLine(): boolean {
    return this.now.line !== null;
  }

  /** Whether it is the weights of the step shown to which something is added. */
  get nudged(): boolean {
    return !this.onTheLine && this.now.by !== 0;
  }

  /** Go to a place on the line from the initial weights (0) to the trained ones (1) and beyond. */
  turn(position: number, playback: Playback): void {
    position = Math.min(Math.max(position, REACH[0]!), REACH[1]!);
    const last = playback.weightsAt(playback.trained).weights;
    // one as it is: the sum would lose its last digits
    const line = position === 1 ? last : playback.initial.map((from, i) => from + position * (last[i]! - from));
    this.set({ line, position, until: playback.trained });
  }

  /** Show a tensor. */
  choose(name: string, playback: Playback): void {
    if (!playback.places.has(name)) {
      throw new RefusedError(`This GPT has no tensor ${cut(repr(name), 60)}.`, "tensor");
    }
    if (name !== this.now.tensor) this.set({ tensor: name, place: null, by: 0 });
  }

  /** Add to one number of the tensor shown. */
  nudge(place: number, by: number, playback: Playback): void {
    const { tensor } = this.now;
    if (tensor === null) throw new RefusedError("Choose a tensor first, then one of its numbers.", "tensor");
    const size = sizeOf(playback.places.get(tensor)!.shape);
    if (!(place >= 0 && place < size)) {
      throw new RefusedError(`The tensor ${tensor} has the places 0 to ${grouped(size - 1)}.`, "tensor");
    }
    this.set({ place, by: Math.min(Math.max(by, -MOST_ADDED), MOST_ADDED) });
  }

  /** Let go: the weights are again those of training. */
  release(): void {
    if (this.turned || this.now.place !== null) this.set({ position: null, line: null, place: null, by: 0 });
  }

  /** What is turned, as a link says it of so many steps; a place on the line to weights that are left behind, none says. */
  told(trained: number): Turned {
    const { position, until, tensor, place, by } = this.now;
    return { turn: this.onTheLine && until === trained ? position : null, tensor, place, nudge: by };
  }

  /** Turn what a link says is turned. Refuses a tensor, or a number in it, that is not there. */
  put({ turn, tensor, place, nudge }: Turned, playback: Playback): void {
    if (turn !== null && playback.trained) this.turn(turn, playback);
    if (tensor !== null) this.choose(tensor, playback);
    if (place !== null) this.nudge(place, nudge, playback);
  }

  /** The weights in force while `step` is shown. */
  weights(step: number, playback: Playback): Weights {
    const { tensor, place, by } = this.now;
    const weights = this.base(step, playback);
    if (by === 0 || tensor === null || place === null) return weights;
    const changed = weights.slice();
    changed[playback.places.get(tensor)!.at + place]! += by;
    return changed;
  }

  view(step: number, playback: Playback): KnobsView {
    const { position, tensor, place, by } = this.now;
    let [values, value]: [string | null, number | null] = [null, null];
    if (tensor !== null) {
      const { at, shape } = playback.places.get(tensor)!;
      const size = sizeOf(shape);
      if (size <= MAX_TENSOR) values = packed(this.weights(step, playback).subarray(at, at + size));
      if (place !== null) value = this.base(step, playback)[at + place]!;
    }
    const tensors = Array.from(playback.places, ([name, { shape }]) => ({ name, shape: [...shape] }));
    const reach: [number, number] = [REACH[0]!, REACH[1]!];
    return { position: position ?? 1, reach, tensors, tensor, values, place, value, by, ready: playback.trained > 0 };
  }

  private set(change: Partial<State>): void {
    this.now = { ...this.now, ...change, version: this.now.version + 1 };
  }

  private base(step: number, playback: Playback): Weights {
    return this.now.line ?? playback.weightsAt(step).weights;
  }
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b);
}
