// What a screen is told: the views, each whole in itself, with a revision that grows when it changes, as
// src/babygpt/studio/views.py has it.

import { lookInside } from "../engine";
import type { Attention, Seeds, Selected, Setup as SetupView, Views as AllViews } from "../protocol";
import { contextOf } from "../contexts";
import { MAX_ATTENTION, MAX_CELLS, MAX_RECORDED, MAX_ROWS, MAX_TEXT, MAX_TOKENS, MAX_VALUES, PRESETS } from "./facts.generated";
import { bits, curve, dataCounts, finite, mapSize, neighbours, numbers, pixels, trace } from "./figures";
import { stepOf } from "./links";
import type { Pin } from "./pins";
import { length } from "./python";
import * as scripts from "./scripts";
import { same } from "./same";
import type { Stage } from "./stage";
import { header } from "./tidying";

export type Revisions = Partial<Record<keyof AllViews, number>>;

/** Makes the views of a stage, each only when it has changed and someone asks. */
export class Views {
  private readonly keys: Partial<Record<keyof AllViews, unknown>> = {};
  private readonly revisions: Revisions = {};
  private readonly made: Partial<AllViews> = {};

  /** The views whose revision is not the `known` one, and the revisions of all. */
  changed(stage: Stage, notice: AllViews["notice"], known: Revisions): { views: Partial<AllViews>; revisions: Revisions } {
    const views: Partial<Record<keyof AllViews, unknown>> = {};
    for (const [name, [key, make]] of Object.entries(VIEWS) as [Exclude<keyof AllViews, "notice">, View][]) {
      this.see(name, key(stage));
      if (known[name] === this.revisions[name]) continue;
      if (!(name in this.made)) (this.made as Record<string, unknown>)[name] = make(stage);
      views[name] = this.made[name];
    }
    this.see("notice", notice);
    if (known.notice !== this.revisions.notice) views.notice = notice;
    return { views: views as Partial<AllViews>, revisions: { ...this.revisions } };
  }

  private see(name: keyof AllViews, key: unknown): void {
    if (name in this.keys && same(this.keys[name], key)) return;
    this.keys[name] = key;
    this.revisions[name] = (this.revisions[name] ?? 0) + 1;
    delete this.made[name];
  }
}

// -- what is learnt

function setup(stage: Stage): SetupView {
  const { setup, limits, playback } = stage;
  const { corpus, config, reading, settings } = setup;
  const { vocab_size: V, block_size: K } = config;
  const broken = reading.vocabulary.symbols.includes("\n");
  return {
    version: stage.version,
    name: setup.name,
    text: length(setup.text) <= MAX_TEXT ? setup.text : null,
    tokens: setup.tokens.slice(0, MAX_TOKENS),
    n_tokens: stage.nTokens,
    symbols: [...reading.vocabulary.symbols],
    labels: reading.vocabulary.symbols.map((_, token) => reading.vocabulary.label(token)),
    separator: reading.vocabulary.separator,
    breaks: broken ? setup.text.split("\n").length - 1 : 0,
    header: broken ? header(setup.text) : null,
    lines: !reading.joined,
    settings,
    n_states: setup.nStates,
    n_arrows: setup.nStates * V,
    n_parameters: playback.initial.length,
    n_examples: corpus.nExamples,
    seen: bits(corpus.states, setup.nStates),
    n_seen: corpus.states.length,
    ended: bits(corpus.endStates, setup.nStates),
    floor: playback.floor,
    uniform: Math.log(V),
    map: setup.nStates > MAX_VALUES ? mapSize(V, K) : null,
    presets: Object.keys(PRESETS),
    limits: { states: limits.states, steps: limits.steps, text: limits.text },
  };
}

function losses(stage: Stage): AllViews["curve"] {
  const { playback, setup } = stage;
  const { losses } = playback;
  const { batch_size, positions } = setup.settings;
  const rests = !stage.training && batch_size === null;
  const now = rests ? [playback.chain(playback.trained).loss(setup.corpus, positions)] : [];
  const recorded = playback.recorded;
  const gaps = recorded.length < playback.trained && recorded.length <= MAX_RECORDED;
  return { ...curve([...losses, ...now]), recorded: gaps ? [...recorded] : null };
}

function traceKey(stage: Stage): readonly unknown[] | null {
  if (stage.selected === null || stage.setup.nStates > MAX_VALUES || stage.training) return null;
  return [stage.version, stage.selected, stage.playback.recorded.length, stage.playback.trained];
}

function traced(stage: Stage): AllViews["trace"] {
  return traceKey(stage) && trace((step) => stage.playback.chain(step), stage.playback.recorded, stage.selected!);
}

function player(stage: Stage): AllViews["player"] {
  const { playhead, playback, training } = stage;
  const { step, playing, speed } = playhead;
  return { step, trained: playback.trained, total: playback.total, training, playing, speed, stopped: playback.stopped, undo: stage.past.length };
}

// -- what is shown of it

function frameKey(stage: Stage): unknown {
  const pins = stage.compare.map((subject) => (subject === "A" || subject === "B" ? stage.pins[subject] : null));
  const known = stage.setup.nStates > MAX_VALUES || stage.shown.known[0]; // no map shows the long run
  return [stage.moment, stage.source, stage.compare, pins, stage.passing, token(stage), knownSeeds(stage), known];
}

function token(stage: Stage): AllViews["frame"]["token"] {
  const { pointed, effects, unavailableReason: silence } = stage.retraining;
  return pointed === null ? null : { position: pointed, known: effects !== null, silence };
}

function knownSeeds(stage: Stage): unknown {
  return stage.retraining.showsSeeds && stage.retraining.seeds.known(stage.playhead.step);
}

function frame(stage: Stage): AllViews["frame"] {
  const { vocab_size: V, block_size: K } = stage.setup.config;
  const values = stage.values();
  const many = stage.setup.nStates > MAX_VALUES;
  const pi = many ? null : stage.shown.longRun(stage.passing);
  return {
    version: stage.version,
    step: stage.playhead.step,
    source: stage.source,
    compare: [...stage.compare],
    signed: stage.signed,
    token: token(stage),
    values: many ? null : numbers(values),
    map: many ? pixels(values, V, K, stage.signed) : null,
    pi: pi && Array.from(pi),
    turned: stage.knobs.turned,
  };
}

function selected(stage: Stage): Selected | null {
  const state = stage.selected;
  if (state === null) return null;
  const { setup, playback } = stage;
  const { vocab_size: V, block_size: K, n_layer, n_head } = setup.config;
  const { chain, probs } = stage.shown;
  const data = dataCounts(setup.corpus, state, state + 1)[0]!;
  const tokens = contextOf(state, V, K);
  const pi = stage.shown.longRun(stage.passing);
  let [attention, layers]: [Attention | null, number[][] | null] = [null, null];
  if (n_layer * n_head * K * K <= MAX_ATTENTION && !stage.passing) {
    const { step, weights } = stage.weights;
    const inside = lookInside(playback.gpt(weights), tokens);
    attention = { step, weights: inside.attention };
    layers = inside.probs;
  }
  return {
    state,
    tokens,
    model: Array.from(probs.subarray(state * V, (state + 1) * V)),
    data,
    n: data.reduce((a, b) => a + b),
    pi: pi && finite(pi[state]!),
    ...neighbours(chain, state),
    attention,
    layers,
  };
}

function seeds(stage: Stage): Seeds | null {
  const { retraining, selected: state, setup, playhead, knobs } = stage;
  if (!retraining.showsSeeds) return null;
  const { band } = retraining;
  const [step, nKnown] = retraining.seeds.known(playhead.step);
  const n = band?.seeds.length ?? 0;
  const edges = band && setup.nStates <= MAX_VALUES ? band.lowMedianHigh.map(numbers) : null;
  // of a turned GPT, or of another step than theirs, there is nothing to be found among them
  const alike = band?.step === playhead.step && !knobs.turned;
  const V = setup.config.vocab_size;
  const own = state !== null && alike ? stage.shown.probs.subarray(state * V, (state + 1) * V) : null;
  return {
    asked: retraining.nSeeds,
    n,
    lost: nKnown - n,
    step: band?.step ?? step,
    low: edges?.[0] ?? null,
    high: edges?.[2] ?? null,
    selected: band && state !== null ? band.ofState(state, own, setup.settings.seed) : null,
  };
}

function rows(stage: Stage): AllViews["rows"] {
  if (stage.window === null) return null;
  const { nStates: N, config, corpus } = stage.setup;
  const V = config.vocab_size;
  const first = Math.min(Math.max(stage.window, 0), N - 1);
  const stop = Math.min(first + Math.max(1, Math.min(MAX_ROWS, Math.floor(MAX_CELLS / V))), N);
  const values = stage.values();
  const window = Array.from({ length: stop - first }, (_, i) => numbers(values.subarray((first + i) * V, (first + i + 1) * V)));
  return { first, values: window, counts: dataCounts(corpus, first, stop) };
}

function short(stage: Stage): AllViews["short"] {
  if (!stage.showsShort) return null;
  const { nShort: n, table, vocabSize: V } = stage.shown.chain;
  return { n, values: n <= MAX_VALUES ? Array.from(table.subarray(0, n * V), Math.exp) : null };
}

function pins(stage: Stage): AllViews["pins"] {
  const view = (pin: Pin | null) => {
    if (!pin) return null;
    const { seed, context_length } = pin.origin.setup.settings;
    return { step: stepOf(pin.origin), seed, context_length, fits: stage.fits(pin), ready: pin.probs !== null };
  };
  return { A: view(stage.pins.A), B: view(stage.pins.B) };
}

// -- what can be taken away

/** For how many steps a script trains, and which it looks at. */
function scripted(stage: Stage): { steps: number; step: number } {
  const { stopped, trained, total } = stage.playback;
  const steps = Math.max(stopped ? trained : total, 1);
  return { steps, step: Math.min(stage.end.step, steps) };
}

function code(stage: Stage): AllViews["code"] {
  if (!stage.showsCode) return null;
  const { setup, decoding, selected: state } = stage;
  const { steps, step } = scripted(stage);
  if (stage.source !== "seeds") {
    // what else is on the screen, a script cannot say: that it is the model's chain, it can
    const remark = stage.source === "model" ? "" : `# the model's chain; the screen shows: ${stage.source}\n`;
    const python = scripts.python(setup, steps, step, decoding, state);
    return { python: remark + python, command: remark + scripts.command(setup, step) };
  }
  const n = stage.retraining.nSeeds;
  const python = scripts.pythonOfSeeds(setup, steps, step, decoding, state, n);
  return { python, command: scripts.commandOfSeeds(setup, steps, step, n) };
}

type View = [key: (stage: Stage) => unknown, make: (stage: Stage) => AllViews[keyof AllViews]];

// Of each view but the notice: what it depends on, and how it is made.
const VIEWS: Record<Exclude<keyof AllViews, "notice">, View> = {
  setup: [(s) => [s.version, s.setup], setup],
  frame: [frameKey, frame],
  numbers: [(s) => [s.moment, s.passing, s.shown.known], (s) => s.shown.numbers(s.passing)],
  curve: [(s) => [s.version, s.playback.trained, s.training, s.playback.stopped, s.playback.recorded.length], losses],
  trace: [traceKey, traced],
  player: [player, player],
  selected: [(s) => s.selected !== null && [s.selected, s.moment, s.passing, s.shown.known[0], s.playback.behind], selected],
  tape: [(s) => s.tape.view(), (s) => s.tape.view()],
  decoding: [(s) => s.decoding, (s) => s.decoding],
  knobs: [
    (s) => [s.version, s.knobs.now.version, s.playback.trained > 0, s.knobs.now.tensor !== null && s.playhead.step],
    (s) => s.knobs.view(s.playhead.step, s.playback),
  ],
  pins: [(s) => [s.pins.A, s.pins.B, s.version], pins],
  seeds: [
    (s) => s.retraining.showsSeeds && [knownSeeds(s), s.retraining.nSeeds, s.moment, s.selected, s.passing],
    seeds,
  ],
  rows: [(s) => s.window !== null && [s.window, frameKey(s)], rows],
  short: [(s) => s.showsShort && s.moment, short],
  link: [(s) => [s.setup, s.scene, s.pins.A, s.pins.B], (s) => s.link],
  code: [
    (s) => s.showsCode && [s.setup, scripted(s), s.decoding, s.selected, s.source, s.source === "seeds" && s.retraining.nSeeds],
    code,
  ],
};
