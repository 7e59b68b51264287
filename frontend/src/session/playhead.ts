// The playhead: which recorded step is shown, and how it moves as time goes by, as src/babygpt/studio/playhead.py has it.

import { HAIR, REST, SECONDS, SLOWEST, SPEEDS } from "./facts.generated";
import type { Playback } from "./playback";

export class Playhead {
  step = 0;
  /** Whether it moves by itself. Where nothing is recorded yet it waits for the training. */
  playing = false;
  /** Whether someone moves it again and again. */
  dragged = false;
  /** Steps a second; null follows the training. */
  speed: number | null = SLOWEST;
  private chosen = false;
  private position = 0; // between two recorded steps the earlier one is shown
  private clock: number | null = null; // when the position was last brought up to date
  private moved = false; // by someone, and the clock has not been looked at since
  private rests: number | null = null; // when it is at rest, unless it is moved again

  chooseSpeed(speed: number | null): void {
    this.speed = speed === null ? null : Math.min(Math.max(speed, SPEEDS[0]!), SPEEDS[1]!);
    this.chosen = true;
  }

  keepPaceOf(other: Playhead): void {
    if (other.chosen) this.chooseSpeed(other.speed);
  }

  /** Choose a speed for so many steps, unless someone has chosen. */
  suit(steps: number): void {
    if (!this.chosen) this.speed = Math.max(SLOWEST, steps / SECONDS);
  }

  moveTo(step: number): void {
    this.step = step;
    this.playing = false;
  }

  /** Show a recorded step, which someone chose and may choose again soon. */
  dragTo(step: number): void {
    this.moveTo(step);
    this.dragged = this.moved || this.rests !== null;
    this.moved = true;
  }

  /** Begin to move, at once: the next step is due now. */
  play(): void {
    if (this.playing) return;
    this.playing = true;
    this.position = this.step + 1;
    this.clock = null;
  }

  /** Move as far as it should be by now, or as far as there is something to show. */
  advance(now: number, playback: Playback, training: boolean): void {
    if (this.moved) {
      this.moved = false;
      this.rests = now + REST;
    } else if (this.rests !== null && now >= this.rests) {
      this.dragged = false;
      this.rests = null;
    }
    if (!this.playing) return;
    const last = playback.last;
    if (this.speed === null) this.position = last;
    else if (this.clock !== null) this.position += this.speed * (now - this.clock);
    this.clock = now;
    this.position = Math.min(this.position, last + 1); // what it waits for is shown as soon as it is there
    this.step = Math.max(this.step, playback.nearest(this.position + HAIR * (this.speed ?? 0)));
    if (!training && playback.after(this.step) === null) this.playing = false;
  }

  /** When it moves next, or comes to rest; null if it waits. */
  due(now: number, playback: Playback): number | null {
    if (!this.playing) return this.moved ? now : this.rests;
    if (this.speed === null || this.clock === null) return now;
    const following = playback.after(this.step);
    return following === null ? null : Math.max(now, this.clock + (following - this.position) / this.speed);
  }
}
