// GPTs that are retrained beside the one on the screen, when someone asks: from other seeds, on other texts, as
// src/babygpt/studio/retraining.py has it. Nothing is trained before it is shown.

import type { PointedToken } from "../protocol";
import { SEEDS } from "./facts.generated";
import { probsOf, type Values } from "./figures";
import { RefusedError } from "./refused";
import { same } from "./same";
import { ManySeeds, type Band } from "./seeds";
import type { Stage } from "./stage";
import { canChange, TokenEffects } from "./tokens";

export class Retraining {
  /** The place of the token that someone points at, if there is one. */
  pointed: number | null = null;
  private many: ManySeeds | null = null;
  private tokens: TokenEffects | null = null;
  private canChange = false;

  /** `nSeeds`: how many seeds are many. */
  constructor(
    private readonly stage: Stage,
    readonly nSeeds: number = SEEDS,
  ) {}

  /** Whether there is something to train. */
  get busy(): boolean {
    return this.unknownToken !== null || this.unknownSeeds !== null;
  }

  /** Train until that time of performance.now(): first what someone points at. */
  work(until: number): void {
    const token = this.unknownToken;
    if (token) token.advance(this.pointed!, until);
    else this.unknownSeeds?.advance(until);
  }

  // -- seeds

  /** Whether many seeds are part of what is shown. */
  get showsSeeds(): boolean {
    const { source, compare } = this.stage;
    return source === "difference" ? compare.includes("seeds") : source === "seeds";
  }

  /** Whether the seeds are not too many for so many arrows, and for the memory. */
  get canShowSeeds(): boolean {
    try {
      this.stage.checkSeeds(this.nSeeds);
      return true;
    } catch (error) {
      if (error instanceof RefusedError) return false;
      throw error;
    }
  }

  /** The many seeds, trained as far as this one is, or is to be. */
  get seeds(): ManySeeds {
    const { goal, playback, setup, limits, pool } = this.stage;
    const total = Math.max(goal, playback.trained);
    if (!this.many || this.many.total < total) this.many = new ManySeeds(setup, this.nSeeds, total, limits, this.many, pool);
    return this.many;
  }

  /** What the seeds say at the step shown, if anything is known of it. */
  get band(): Band | null {
    return this.seeds.band(this.stage.playhead.step, this.stage.decoding, this.stage.passing);
  }

  private get unknownSeeds(): ManySeeds | null {
    return this.showsSeeds && !this.seeds.done ? this.seeds : null;
  }

  // -- tokens

  /** Why the effect of the token pointed at is not to be had, or "". */
  get unavailableReason(): PointedToken["silence"] {
    const { stage } = this;
    if (stage.training || stage.playhead.playing) return "moving";
    if (stage.playhead.step === 0) return "untrained";
    if (stage.knobs.turned) return "turned";
    return this.canChange ? "" : "large";
  }

  /** Have someone point at a token, or at none. */
  point(position: number | null): void {
    this.pointed = position;
    if (position !== null) this.canChange = canChange(this.stage.setup, this.stage.limits);
  }

  /** The effect of the token pointed at (N, V), if that is known. */
  get effects(): Values | null {
    return this.atThisMoment?.effects(this.pointed!) ?? null;
  }

  private get unknownToken(): TokenEffects | null {
    const tokens = this.atThisMoment;
    return tokens?.effects(this.pointed!) ? null : tokens;
  }

  /** The effects of tokens at the step shown, if someone points at one and its effect is to be had. */
  private get atThisMoment(): TokenEffects | null {
    const { setup, playback, playhead, decoding } = this.stage;
    if (this.pointed === null || this.unavailableReason) return null;
    const moment = { step: playhead.step, decoding };
    if (!same(this.tokens?.moment, moment)) {
      const base = probsOf(playback.chain(playhead.step).decoded(decoding));
      this.tokens = new TokenEffects(setup, moment, base);
    }
    return this.tokens;
  }
}
