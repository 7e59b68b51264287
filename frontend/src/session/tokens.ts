// The effect of a token of the text: the arrows as they are, less as they are when the token is another, as
// src/babygpt/studio/tokens.py has it.

import type { Decoding } from "../decoding";
import { BORDER, ChangedTrainings, otherTokens } from "../engine";
import { MAX_NUMBERS, MAX_TEXTS, TOGETHER } from "./facts.generated";
import type { Values } from "./figures";
import type { Limits } from "./limits";
import { RefusedError } from "./refused";
import type { Setup } from "./setup";

/** When effects on a chain are asked for: at which step, above 0, and under which decoding. */
export interface Moment {
  readonly step: number;
  readonly decoding: Decoding;
}

/** Whether a token is not too much to be retrained for. */
export function canChange(setup: Setup, limits: Limits): boolean {
  const { vocab_size: V } = setup.config;
  if (V - 1 > MAX_TEXTS || (V - 1) * V * setup.nStates > MAX_NUMBERS) return false;
  try {
    limits.checkMemory(setup.config, 8 * (V - 1) * V * setup.nStates);
    return true;
  } catch (error) {
    if (error instanceof RefusedError) return false;
    throw error;
  }
}

export class TokenEffects {
  private readonly found = new Map<number, Values>(); // by place, the last one asked for last
  private readonly room: number; // tokens whose effects are kept
  private asked: { places: number[]; trainings: ChangedTrainings } | null = null;

  /** `base`: the arrows (N, V) at that moment. */
  constructor(
    private readonly setup: Setup,
    readonly moment: Moment,
    private readonly base: Values,
  ) {
    this.room = Math.max(1, Math.floor(MAX_NUMBERS / base.length));
  }

  /** A token's effects (N, V): means over the other symbols that could be in its place; null: not known yet. */
  effects(position: number): Values | null {
    const effects = this.found.get(position);
    if (!effects) return null;
    this.found.delete(position);
    this.found.set(position, effects);
    return effects;
  }

  /** Come nearer to a token's effects, until that time of performance.now(), a step at least. */
  advance(position: number, until: number): void {
    const { tokens, config, training } = this.setup;
    const { vocab_size: V } = config;
    if (!this.asked?.places.includes(position)) {
      const places = this.near(position);
      const changes = places.flatMap((place) => otherTokens(tokens, place, V));
      this.asked = { places, trainings: new ChangedTrainings(tokens, changes, config, training, this.moment.step) };
    }
    const { places, trainings } = this.asked;
    trainings.trainings.advance(until);
    if (!trainings.trainings.done) return;
    places.forEach((place, i) => {
      const changes = Array.from({ length: V - 1 }, (_, other) => i * (V - 1) + other);
      this.found.set(place, trainings.effect(this.base, changes, V, this.moment.decoding));
    });
    this.asked = null;
    for (const place of this.found.keys()) {
      if (this.found.size <= this.room) break;
      this.found.delete(place);
    }
  }

  /** The place asked for, and those around it that can be trained for at the same time. */
  private near(position: number): number[] {
    const { tokens, config } = this.setup;
    const room = Math.min(this.room, Math.max(1, Math.floor(TOGETHER / (config.vocab_size - 1))));
    const unknown = tokens.flatMap((token, place) => (token !== BORDER && !this.found.has(place) ? [place] : []));
    unknown.sort((a, b) => Math.abs(a - position) - Math.abs(b - position) || a - b);
    return unknown.slice(0, room).sort((a, b) => a - b);
  }
}
