// What one session may take, as src/babygpt/studio/limits.py has it.

import { countParameters, type GPTConfig } from "../engine";
import { countRows } from "../engine/tree";
import { BASIS, BLOCK_OBJECTS, COPIES, LONG_RUN, MAX_BATCH, MAX_LAYERS, MAX_OF_SEEDS, MAX_SEEDS, PAGE_LIMITS, TABLES } from "./facts.generated";
import type { SettingFact } from "./facts.generated";
import { grouped, humanBytes, length } from "./python";
import { RefusedError, type Plain } from "./refused";

export class Limits {
  readonly states: number;
  readonly steps: number;
  readonly text: number; // characters
  readonly memory: number; // bytes, for the GPT, its training and what is recorded of it
  readonly seeds: number;

  constructor(given: Partial<Limits> = {}) {
    this.states = given.states ?? 2 ** 20;
    this.steps = given.steps ?? 1_000_000;
    this.text = given.text ?? 2_000_000;
    this.memory = given.memory ?? 2 ** 30;
    this.seeds = given.seeds ?? MAX_SEEDS;
  }

  /** What a page may take, so that a phone bears it. */
  static ofAPage(): Limits {
    return new Limits(PAGE_LIMITS);
  }

  /** Bytes for what is recorded: half for chains, half for weights. */
  get frames(): number {
    return this.memory / 4;
  }

  /** Bytes for the chains of many seeds, besides. */
  get seedBytes(): number {
    return this.memory / 8;
  }

  checkText(text: string, field = "sequence"): void {
    const n = length(text);
    if (n <= this.text) return;
    const told =
      `The text has ${grouped(n)} characters; the studio's limit is ${grouped(this.text)}. Use a shorter one, or ` +
      "babygpt train FILE, which has no limit.";
    throw new RefusedError(told, "text", field, { length: n, limit: this.text });
  }

  checkSteps(steps: number): void {
    if (steps <= this.steps) return;
    const told = `steps=${grouped(steps)} is more than the studio's limit of ${grouped(this.steps)}.`;
    throw new RefusedError(told, "steps", "steps", { steps, limit: this.steps });
  }

  checkMost(field: string, value: number | null, most: number): void {
    if (value === null || value <= most) return;
    const told = `${field}=${grouped(value)} is more than the studio's limit of ${grouped(most)}.`;
    throw new RefusedError(told, "most", field, { value, limit: most });
  }

  /** The least and the most that a setting may be by itself; a context's length depends on the symbols. */
  rangeOf({ name, kind, least }: SettingFact): { least?: number; most?: number | string } {
    if (kind !== "int" || name === "context_length") return {};
    return { least: least ?? 0, most: this.mostOf(name) ?? grouped(2n ** 63n - 1n) };
  }

  /** Throws for a number that is more than the studio takes of its setting. */
  checkOwn({ name }: SettingFact, value: Plain): void {
    const most = this.mostOf(name);
    if (most === undefined || typeof value !== "number" || !Number.isInteger(value)) return;
    if (name === "steps") this.checkSteps(value);
    else this.checkMost(name, value, most);
  }

  private mostOf(name: string): number | undefined {
    return new Map([["steps", this.steps], ["batch_size", MAX_BATCH], ["n_layer", MAX_LAYERS]]).get(name);
  }

  checkSize(V: number, K: number): void {
    let fits = 0;
    while (V ** (fits + 1) <= this.states) fits++;
    if (K <= fits) return;
    const bits = Math.floor(Math.log2(V)) + 1;
    const states = K * bits < 200 ? grouped(BigInt(V) ** BigInt(K)) : `${V}^${grouped(K)}`;
    const advice = fits ? `Try context_length=${fits}.` : "Use a text of fewer symbols.";
    throw new RefusedError(
      `context_length=${grouped(K)} over ${grouped(V)} symbols gives ${states} states; the studio's limit ` +
        `is ${grouped(this.states)}. ${advice}`,
      "states",
      "context_length",
      { context_length: K, symbols: V, states, limit: this.states, fits },
    );
  }

  /** About how many bytes such a GPT, a training of so many steps, and all that is kept of it take. */
  need(config: GPTConfig, steps: number): number {
    const { vocab_size: V, block_size: K, n_layer } = config;
    const [N, P] = [V ** K, countParameters(config)];
    const [table, weights] = [8 * V * countRows(V, K), 4 * P];
    const recorded = [table, weights].map((frame) => Math.min(this.frames / 2, (steps + 1) * frame));
    const vectors = N <= LONG_RUN ? 8 * BASIS * N : 0;
    return 4 * COPIES * P + n_layer * BLOCK_OBJECTS + TABLES * table + recorded[0]! + recorded[1]! + vectors;
  }

  checkSeeds(config: GPTConfig, asked: number): void {
    this.checkMost("seeds", asked, this.seeds);
    const arrows = config.vocab_size ** (config.block_size + 1);
    const fits = Math.floor(Math.min(MAX_OF_SEEDS, this.seedBytes / 8) / arrows); // two steps at least, as float32
    if (asked <= fits) return;
    const advice = fits > 1 ? `Ask for ${grouped(fits)} seeds, or use` : "Use";
    throw new RefusedError(
      `${grouped(arrows)} arrows of ${grouped(asked)} seeds are too many to show side by side. ${advice} a shorter context.`,
      "seeds",
      "seeds",
      { arrows, seeds: asked, fits },
    );
  }

  /** A session may train for longer later: what it may take in all is asked for the longest training. */
  checkMemory(config: GPTConfig, beside = 0): void {
    const need = this.need(config, this.steps) + beside;
    if (need <= this.memory) return;
    const [parameters, limit] = [countParameters(config), humanBytes(this.memory)];
    let fits = config.block_size - 1; // the longest context for which there is memory; 0: none
    while (fits > 0 && this.need({ ...config, block_size: fits }, this.steps) + beside > this.memory) fits--;
    throw new RefusedError(
      `A GPT of ${grouped(parameters)} parameters with ${grouped(config.vocab_size ** config.block_size)} states takes ` +
        `about ${humanBytes(need)} to train here; the studio's limit is ${limit} a session. ` +
        "Use fewer layers, a smaller width, or a shorter context.",
      "memory",
      "n_embd",
      { parameters, need: humanBytes(need), limit, fits },
    );
  }
}
