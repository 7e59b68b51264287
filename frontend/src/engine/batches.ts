// The examples of a step: drawn with replacement, in proportion to a corpus' counts or weights.

import type { Corpus } from "./corpus";
import { PCG64 } from "./pcg64";

export class Batches {
  private readonly places: number[] = []; // of the counts that are not 0,
  private readonly ends: number[] = []; // and their running sum

  constructor(
    private readonly corpus: Corpus,
    private readonly size: number,
  ) {
    let end = 0;
    corpus.counts.forEach((count, place) => {
      if (count === 0) return;
      this.places.push(place);
      this.ends.push((end += count));
    });
  }

  /**
   * Write to `shares` (M, V), M the contexts of the corpus, what share of the examples each token after each context has.
   * Each step has its own generator, so that a resumed training draws what an uninterrupted one draws.
   */
  draw(shares: Float64Array, seed: number, step: number): void {
    shares.fill(0);
    const generator = new PCG64(seed, step);
    const total = this.ends.at(-1)!;
    for (let i = 0; i < this.size; i++) {
      const at = this.corpus.weighted ? generator.random() * total : generator.integer(total);
      shares[this.places[Math.min(this.firstAbove(at), this.ends.length - 1)]!]! += 1 / this.size;
    }
  }

  private firstAbove(at: number): number {
    let [low, high] = [0, this.ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.ends[middle]! <= at) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
