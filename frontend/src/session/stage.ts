// All that a session is at a moment, and the chain that is shown of it, as src/babygpt/studio/stage.py has it.

import { stateOf } from "../contexts";
import { PLAIN as UNDECODED, type Decoding } from "../decoding";
import type { Source, Subject } from "../protocol";
import { DivergedError } from "../engine";
import { FEW } from "./facts.generated";
import { dataValues, type Values } from "./figures";
import { Knobs } from "./knobs";
import type { WorkerPool } from "./pool";
import type { Limits } from "./limits";
import { EMPTY, PLAIN, write, type Origin, type Scene, type Slot, type Turned } from "./links";
import { Past } from "./past";
import { chainShown, Revival, type Pin } from "./pins";
import { Playback, type Weights } from "./playback";
import { Playhead } from "./playhead";
import { grouped } from "./python";
import { RefusedError } from "./refused";
import { Retraining } from "./retraining";
import { same } from "./same";
import type { Setup } from "./setup";
import { ChainSummary } from "./summary";
import { Tape } from "./tape";

export class Stage {
  setup!: Setup;
  playback!: Playback;
  knobs!: Knobs;
  retraining: Retraining;
  readonly playhead = new Playhead();
  readonly tape: Tape;
  decoding: Decoding = UNDECODED;
  source: Source = "model";
  compare: readonly [Subject, Subject] = PLAIN;
  /** The state beside the chain, and the first row of a table, if there are any. */
  selected: number | null = null;
  window: number | null = null;
  /** Whether someone looks at scripts that do the same. */
  showsCode = false;
  /** Whether someone looks at the contexts shorter than K. */
  showsShort = false;
  pins: Record<Slot, Pin | null> = { A: null, B: null };
  private revivals = new Map<Slot, Revival>();
  /** Until which step the training under way goes; 0 if none is. */
  goal = 0;
  /** Where the playhead goes when that is done, and what is turned then, if a link says so. */
  arrive: number | null = null;
  turned: Turned | null = null;
  private ignoreStopGap = false;
  statesSince: number; // the version of the first film with the same states as now
  private retrainsNext = false; // whose turn it is to compute
  private summary: { moment: readonly unknown[]; shown: ChainSummary } | null = null;
  private data: Values | null = null;

  /** `version` counts the films; `past`: what was learnt before it. */
  constructor(
    setup: Setup,
    readonly limits: Limits,
    seed: number,
    public version = 0,
    readonly pool: WorkerPool | null = null,
    readonly past = new Past(limits.text),
  ) {
    this.tape = new Tape(seed);
    this.learn(setup);
    this.statesSince = this.version;
    this.retraining = new Retraining(this);
  }

  /** Learn something else: an untrained GPT, at step 0. What is selected stays so if it still exists. */
  begin(setup: Setup): void {
    const context = this.selected === null ? null : this.setup.symbolsOf(this.selected);
    const same = this.setup.hasStatesOf(setup);
    this.learn(setup);
    if (!same) this.statesSince = this.version;
    this.retraining = new Retraining(this, this.retraining.nSeeds);
    this.selected = context && this.stateOf(context);
    this.checkCompare();
  }

  private learn(setup: Setup): void {
    this.playback = new Playback(setup.corpus, setup.config, setup.training, this.limits);
    this.setup = setup;
    this.knobs = new Knobs();
    this.data = null;
    this.goal = 0;
    this.ignoreStopGap = false;
    this.arrive = this.turned = null;
    this.version++;
    this.playhead.moveTo(0);
    this.playhead.suit(setup.settings.steps);
    const { states, counts, vocabSize: V } = setup.corpus;
    const often = Array.from(states, (_, i) => counts.subarray(i * V, (i + 1) * V).reduce((a, b) => a + b));
    this.beginTape(states[often.indexOf(often.reduce((a, b) => Math.max(a, b)))]!);
  }

  /** Learn the same for more steps, or until nearer to the floor: what is trained stays. */
  goOn(setup: Setup): void {
    const old = this.setup;
    this.setup = setup;
    if (setup.settings.stop_gap !== old.settings.stop_gap) {
      this.ignoreStopGap = false;
      this.playback.resume();
    }
    if (setup.settings.steps !== old.settings.steps) {
      this.playback.extend(setup.settings.steps, this.playhead.step);
      if (this.training && this.arrive === null) this.goal = setup.settings.steps;
    }
  }

  // -- training

  get training(): boolean {
    return this.goal > 0;
  }

  /** Begin to train until `goal` steps are done; with `ignoreStopGap` however near the floor is. */
  trainTo(goal: number, ignoreStopGap = false): void {
    this.goal = goal;
    this.ignoreStopGap = ignoreStopGap;
    this.arrive = null;
  }

  private train(until: number): void {
    const { playback, arrive, goal } = this;
    const stopGap = this.ignoreStopGap ? null : this.setup.settings.stop_gap;
    if (arrive === null || !(playback.trained < arrive && arrive < goal)) playback.advance(until, goal, stopGap);
    else {
      playback.advance(until, arrive, stopGap);
      if (playback.trained === arrive) this.settle(); // perhaps it is not recorded: now is the time to keep it
    }
    if (playback.done || playback.trained >= goal) this.rest();
  }

  /** Train one step, and make it one that can be shown. */
  trainOne(): void {
    const { playback } = this;
    playback.resume();
    playback.advance(0, playback.trained + 1);
    this.settle();
    if (playback.done || playback.trained >= this.goal) this.rest();
  }

  /** Make the newest step one that can be shown; what is shown, or is to be, stays one. */
  settle(): void {
    this.playback.settle(this.arrive ?? this.playhead.step);
  }

  /** End the training where it is. */
  rest(): void {
    this.goal = 0;
    this.settle();
    if (this.ignoreStopGap) this.playback.noticeGap(this.setup.settings.stop_gap);
    if (this.arrive !== null) {
      this.playhead.moveTo(this.playback.closest(this.arrive));
      this.arrive = null;
    }
  }

  /** Show what was trained, not what knobs make of it; go where someone goes, not where a link leads. */
  letGo(): void {
    this.arrive = this.turned = null;
    this.knobs.release();
  }

  /** Whether anything is trained, this GPT or others beside it, or computed in slices. */
  get busy(): boolean {
    return this.training || this.playback.behind || this.computing || this.revivals.size > 0 || this.retraining.busy || this.filling;
  }

  /** Whether nothing else is to be done than to read the chains between those that training recorded. */
  private get filling(): boolean {
    const waits = this.training || this.playback.behind || this.computing || this.revivals.size > 0 || this.retraining.busy || this.passing;
    return !waits && this.playback.filling;
  }

  /** Whether someone looks at numbers of the shown chain that are not known yet; while frames pass, nobody does. */
  private get computing(): boolean {
    return this.summary !== null && !this.passing && same(this.summary.moment, this.moment) && this.summary.shown.computing;
  }

  /** Work until that time of performance.now(): train this GPT, then what is pinned, then by turns on what is shown and beside it, then between. */
  work(until: number): void {
    if (this.training) return this.train(until);
    if (this.playback.behind) {
      this.playback.catchUp(until);
      return this.playback.behind ? undefined : this.settle();
    }
    if (this.revivals.size) return this.reviveNext(until);
    this.retrainsNext = this.retraining.busy && (!this.retrainsNext || !this.computing);
    if (this.retrainsNext) this.retraining.work(until);
    else if (this.computing) this.shown.work(until);
    else if (this.filling) this.playback.fill(until);
  }

  // -- the chain that is shown

  /** What the shown chain depends on. */
  get moment(): readonly unknown[] {
    return [this.version, this.playhead.step, this.knobs.now.version, this.decoding];
  }

  /** Whether frames pass by, too fast for what takes long to compute. */
  get passing(): boolean {
    return this.playhead.playing || (this.playhead.dragged && this.setup.nStates > FEW);
  }

  /** The model's chain: at the playhead, with knobs and decoding. */
  get shown(): ChainSummary {
    const { moment, playback, setup } = this;
    if (!this.summary || !same(this.summary.moment, moment)) {
      const chain = chainShown(playback, this.playhead.step, this.knobs, this.decoding);
      this.summary = { moment, shown: new ChainSummary(chain, setup.corpus, setup.settings.positions, playback.floor) };
    }
    return this.summary.shown;
  }

  /** The weights in force, and the step to whose chain they belong: an earlier one where few weights are kept. */
  get weights(): { step: number; weights: Weights } {
    const { step } = this.playhead;
    const of = this.knobs.onTheLine ? step : this.playback.weightsAt(step).step;
    return { step: of, weights: this.knobs.weights(step, this.playback) };
  }

  /** The arrows (N, V) of what is shown; differences where `signed`, else probabilities. */
  values(): Values {
    const { effects } = this.retraining;
    if (effects) return effects;
    if (this.source !== "difference") return this.subject(this.source);
    const [first, second] = this.compare.map((subject) => this.subject(subject));
    return first!.map((p, i) => p - second![i]!);
  }

  /** Whether differences are shown. */
  get signed(): boolean {
    return this.source === "difference" || this.retraining.effects !== null;
  }

  /** The probabilities (N, V) of what can be compared. Refuses a pin that is empty, or of another kind of chain. */
  subject(subject: Subject): Values {
    if (subject === "model") return this.shown.probs;
    if (subject === "seeds") {
      return this.retraining.band?.lowMedianHigh[1] ?? new Float64Array(this.shown.probs.length).fill(NaN);
    }
    if (subject === "data") return (this.data ??= dataValues(this.setup.corpus));
    const pin = this.pins[subject];
    if (!pin) throw new RefusedError(`Nothing is pinned as ${subject} yet.`, "pin", null, { slot: subject });
    if (!this.fits(pin)) {
      const told = `The chain pinned as ${subject} has another context length or other symbols. Compare like with like.`;
      throw new RefusedError(told, "unlike", null, { slot: subject });
    }
    return pin.probs ?? new Float64Array(this.shown.probs.length).fill(NaN);
  }

  /** Whether a pinned chain can be compared with this one. */
  fits({ origin }: Pin): boolean {
    const { config, reading } = origin.setup;
    return config.block_size === this.setup.config.block_size && reading.vocabulary.sameAs(this.setup.reading.vocabulary);
  }

  /** Keep the chain that is shown. */
  pin(slot: Slot): void {
    const { setup, knobs, decoding, playback } = this;
    const { step } = this.playhead;
    const trained = knobs.onTheLine ? playback.trained : step;
    this.revivals.delete(slot);
    const scene = { ...EMPTY, trained, step, decoding, turned: knobs.told(trained) };
    this.pins = { ...this.pins, [slot]: { origin: { setup, scene }, probs: this.shown.probs } };
  }

  /** Keep it no more. */
  unpin(slot: Slot): void {
    this.revivals.delete(slot);
    this.pins = { ...this.pins, [slot]: null };
    this.checkCompare();
  }

  /** Keep what another stage keeps. */
  keepPinsOf(other: Stage): void {
    this.pins = other.pins;
    this.revivals = other.revivals;
  }

  /** Keep a chain that a link tells of: it is trained again. Refuses what cannot be. */
  revive(slot: Slot, origin: Origin): void {
    this.unpin(slot);
    this.revivals.set(slot, new Revival(origin, this.limits));
    this.pins = { ...this.pins, [slot]: { origin, probs: null } };
  }

  private reviveNext(until: number): void {
    const [slot, revival] = this.revivals.entries().next().value!;
    try {
      revival.work(until);
    } catch (error) {
      if (!(error instanceof RefusedError || error instanceof DivergedError)) throw error;
      return this.unpin(slot); // it says nothing finite
    }
    if (!revival.probs) return;
    this.revivals.delete(slot);
    this.pins = { ...this.pins, [slot]: { origin: this.pins[slot]!.origin, probs: revival.probs } };
  }

  /** Refuse so many seeds if they are too many for so many arrows, or for the memory. */
  checkSeeds(n: number): void {
    this.limits.checkSeeds(this.setup.config, n);
    this.limits.checkMemory(this.setup.config, this.limits.seedBytes);
  }

  /** Begin anew with so many seeds beside this one. */
  askSeeds(n: number): void {
    this.retraining = new Retraining(this, n);
    this.checkCompare();
  }

  /** Forget a comparison that is no more. */
  checkCompare(): void {
    const lost = (subject: Subject) => {
      if (subject !== "A" && subject !== "B") return false;
      const pin = this.pins[subject];
      return !pin || !this.fits(pin);
    };
    if (this.compare.some(lost)) {
      this.compare = PLAIN;
      if (this.source === "difference") this.source = "model";
    }
    if ([this.source, ...this.compare].includes("seeds") && !this.retraining.canShowSeeds) {
      this.compare = PLAIN;
      this.source = this.source === "data" ? "data" : "model";
    }
  }

  /** Turn a knob; the playhead holds still for it. Refuses what would break the GPT: then nothing is turned. */
  turn(turn: () => void): void {
    const before = this.knobs.now;
    this.playback.catchUp();
    try {
      turn();
      void this.shown;
    } catch (error) {
      this.knobs.now = before;
      throw error;
    }
    this.playhead.playing = false;
    // where few weights are kept, those of an earlier step are turned: show that step
    if (this.knobs.nudged) this.playhead.step = this.playback.weightsAt(this.playhead.step).step;
  }

  /** How many tokens the text has, the border between two sequences counted as one. */
  get nTokens(): number {
    return this.setup.tokens.length;
  }

  // -- states

  /** A state, or a refusal if there is none of this number. */
  checkState(state: number): number {
    if (state >= 0 && state < this.setup.nStates) return state;
    const last = grouped(this.setup.nStates - 1);
    throw new RefusedError(`There is no state ${grouped(state)}; this chain has the states 0 to ${last}.`, "command");
  }

  private stateOf(context: readonly string[]): number | null {
    const { config, reading } = this.setup;
    const tokens = context.map((symbol) => reading.vocabulary.symbols.indexOf(symbol));
    return tokens.length !== config.block_size || tokens.includes(-1) ? null : stateOf(tokens, config.vocab_size);
  }

  /** Put the ball in a state, and begin its tape anew. */
  beginTape(state: number): void {
    this.tape.begin(state, this.setup.config.vocab_size, this.setup.config.block_size);
  }

  // -- where it is going

  /** How many steps are trained, and which is shown, once nothing moves by itself any more. */
  get end(): { trained: number; step: number } {
    const trained = this.goal || this.playback.trained;
    return { trained, step: this.arrive ?? (this.playhead.playing ? trained : this.playhead.step) };
  }

  /** What a link says: while something runs, how it will end. */
  get scene(): Scene {
    const { trained, step } = this.end;
    return {
      trained,
      step: step === trained ? null : step,
      select: this.selected,
      source: this.source,
      compare: this.compare,
      seeds: this.retraining.nSeeds,
      decoding: this.decoding,
      turned: this.turned ?? this.knobs.told(trained),
    };
  }

  get link(): Record<string, string> {
    const kept = (["A", "B"] as const).flatMap((slot) => (this.pins[slot] ? [[slot, this.pins[slot].origin] as const] : []));
    return write(this.setup, this.scene, new Map(kept));
  }
}
