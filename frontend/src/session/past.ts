// What was learnt before each change of text or settings, as src/babygpt/studio/past.py has it.

import { MOST_UNDONE } from "./facts.generated";
import type { Scene } from "./links";
import { length } from "./python";
import type { Setup } from "./setup";

interface Left {
  readonly setup: Setup;
  readonly scene: Scene;
}

export class Past {
  private readonly left: Left[] = []; // the latest last

  /** `mostText`: characters in all. */
  constructor(private readonly mostText: number) {}

  get length(): number {
    return this.left.length;
  }

  /** Keep a setup that is left, and what was shown of it; the oldest go for it, if they must. */
  keep(setup: Setup, scene: Scene): void {
    this.left.push({ setup, scene });
    const size = () => this.left.reduce((sum, one) => sum + length(one.setup.text), 0);
    while (this.length > MOST_UNDONE || size() > this.mostText) this.left.shift();
  }

  /** The one left last, which is left no more; undefined if there is none. */
  takeBack(): Left | undefined {
    return this.left.pop();
  }
}
