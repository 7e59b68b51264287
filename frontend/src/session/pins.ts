// Chains that are kept to be compared with, and how one that a link tells of comes back: it is trained again, as
// src/babygpt/studio/pins.py has it.

import { isPlain, type Decoding } from "../decoding";
import { Chain } from "../engine";
import { probsOf, type Values } from "./figures";
import { Knobs } from "./knobs";
import { Limits } from "./limits";
import { stepOf, type Origin } from "./links";
import { Playback } from "./playback";
import { RefusedError } from "./refused";

/** A chain that is kept: where it is from, and the chain itself, (N, V); null while it is trained again. */
export interface Pin {
  readonly origin: Origin;
  readonly probs: Values | null;
}

/** The chain that is shown of a training: at a step, with knobs and decoding. Refuses what is not finite. */
export function chainShown(playback: Playback, step: number, knobs: Knobs, decoding: Decoding): Chain {
  let chain: Chain;
  if (knobs.turned) {
    chain = Chain.ofGPT(playback.gpt(knobs.weights(step, playback)));
    if (!chain.table.every(Number.isFinite)) throw new RefusedError("With that number the GPT would say nothing finite.", "knob");
  } else chain = playback.chain(step);
  return isPlain(decoding) ? chain : chain.decoded(decoding);
}

/** The training of a chain that a link says is pinned, in slices. */
export class Revival {
  /** The chain, once it is trained. */
  probs: Values | null = null;
  private readonly knobs = new Knobs();
  private readonly playback: Playback;

  /** Refuses a tensor, or a number in it, that is not there. */
  constructor(
    private readonly origin: Origin,
    limits: Limits,
  ) {
    const { setup, scene } = origin;
    const few = new Limits({ ...limits, memory: 0 }); // of its steps one alone is wanted
    this.playback = new Playback(setup.corpus, setup.config, setup.training, few);
    this.knobs.put({ ...scene.turned, turn: null }, this.playback);
  }

  /** Train until that time of performance.now(). Refuses what is not finite; throws if it diverges. */
  work(until: number): void {
    const { playback, knobs } = this;
    const { scene } = this.origin;
    const step = stepOf(this.origin);
    const goal = scene.turned.turn === null ? step : scene.trained;
    playback.advance(until, goal);
    if (playback.trained < goal && !playback.done) return;
    playback.settle();
    if (playback.failure) throw playback.failure;
    knobs.put(scene.turned, playback);
    this.probs = probsOf(chainShown(playback, playback.closest(step), knobs, scene.decoding));
  }
}
