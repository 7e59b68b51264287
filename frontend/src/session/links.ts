// Links: what a session is, as a few words, and back, as src/babygpt/studio/links.py has it.
// Of a chain that is pinned it says the same, each word behind the pin's name: A.step=20.

import { RULE_NAMES, PLAIN as UNDECODED, type Decoding, type RuleName } from "../decoding";
import type { Settings, Source, Subject } from "../protocol";
import { checkRule } from "./commands";
import { LONGEST_TEXT, PRESETS, RULE_KINDS, SEEDS, SETTINGS, type SettingFact } from "./facts.generated";
import type { Limits } from "./limits";
import { cut, length, repr, said } from "./python";
import { RefusedError, type Plain } from "./refused";
import { ARTICLE, fileName, Setup } from "./setup";

export type Slot = "A" | "B";
export const PLAIN: readonly [Subject, Subject] = ["model", "data"];
export const SUBJECTS: readonly Subject[] = ["model", "seeds", "data"];
export const SLOTS: readonly Slot[] = ["A", "B"];
const TEXT = ["preset", "sequence", "name", "too_long"]; // the words that say what is learnt
const SOURCES: readonly Source[] = ["model", "seeds", "data", "difference"];
const FIRST = Object.keys(PRESETS)[0]!;

/** What is turned of the weights. */
export interface Turned {
  readonly turn: number | null; // the place on the line from the initial weights to the trained ones, if they are on it
  readonly tensor: string | null;
  readonly place: number | null;
  readonly nudge: number; // what is added to that number
}

/** What a link says beside the setup. */
export interface Scene {
  readonly trained: number;
  readonly step: number | null; // the one shown; null: the last
  readonly select: number | null;
  readonly source: Source;
  readonly compare: readonly [Subject, Subject];
  readonly seeds: number;
  readonly decoding: Decoding;
  readonly turned: Turned;
}

/** Where a pinned chain is from: what was learnt, and what was shown of it. */
export interface Origin {
  readonly setup: Setup;
  readonly scene: Scene;
}

export type Pins = ReadonlyMap<Slot, Origin>;

export const UNTURNED: Turned = { turn: null, tensor: null, place: null, nudge: 0 };
export const EMPTY: Scene = {
  trained: 0,
  step: null,
  select: null,
  source: "model",
  compare: PLAIN,
  seeds: SEEDS,
  decoding: UNDECODED,
  turned: UNTURNED,
};
const PARTS = ["trained", "step", "select", "source", "seeds"] as const;

/** The step that was shown of a pinned chain. */
export function stepOf({ scene }: Origin): number {
  return scene.step ?? scene.trained;
}

/** The link of a session, and of what is pinned in it. */
export function write(setup: Setup, scene: Scene, pins: Pins): Record<string, string> {
  const told = Array.from(pins, ([slot, origin]) => [slot, wordsOfPin(origin, setup)] as const);
  const carried = told.filter(([, words]) => Object.keys(words).length).map(([slot]) => slot);
  if (scene.compare.some((subject) => (subject === "A" || subject === "B") && !carried.includes(subject))) {
    scene = { ...scene, compare: PLAIN, source: scene.source === "difference" ? "model" : scene.source };
  }
  const link = words(setup, scene);
  for (const [slot, its] of told) for (const name in its) link[`${slot}.${name}`] = its[name]!;
  return link;
}

/** The words of a pinned chain; the text only if it is another, and nothing if that is too long. */
function wordsOfPin(origin: Origin, beside: Setup): Record<string, string> {
  const { setup, scene } = origin;
  const link = words(setup, scene);
  if (setup.text === beside.text && setup.name === beside.name) for (const name of TEXT) delete link[name];
  else if ("too_long" in link) return {};
  else if (!TEXT.some((name) => name in link)) link.preset = setup.name;
  link.step = String(stepOf(origin));
  if (scene.trained === stepOf(origin)) delete link.trained;
  return link;
}

function words(setup: Setup, scene: Scene): Record<string, string> {
  const link: Record<string, string> = {};
  let usual: Settings = ARTICLE;
  const preset = Object.hasOwn(PRESETS, setup.name) ? PRESETS[setup.name]! : null;
  if (preset?.sequence === setup.text) {
    usual = { ...ARTICLE, ...preset.settings };
    if (setup.name !== FIRST) link.preset = setup.name;
  } else {
    if (length(setup.text) <= LONGEST_TEXT) link.sequence = setup.text;
    else link.too_long = "1";
    if (setup.name) link.name = setup.name;
  }
  for (const { name, kind } of SETTINGS) {
    const key = name as keyof Settings;
    if (setup.settings[key] !== usual[key]) link[name] = said(setup.settings[key], kind);
  }
  for (const name of PARTS) if (scene[name] !== EMPTY[name]) link[name] = said(scene[name], "int");
  if (scene.compare.join() !== PLAIN.join()) link.compare = scene.compare.join();
  for (const name of Object.keys(UNTURNED) as (keyof Turned)[]) {
    if (scene.turned[name] !== UNTURNED[name]) link[name] = said(scene.turned[name], name === "place" ? "int" : "float");
  }
  for (const name of RULE_NAMES) if (scene.decoding[name] !== UNDECODED[name]) link[name] = said(scene.decoding[name], "int");
  return link;
}

/** What a link says, and the first mistake in it; what is mistaken is as it begins. */
export function read(link: Record<string, string>, limits: Limits): Origin & { pins: Pins; mistake: RefusedError | null } {
  const pins = new Map<Slot, Origin>();
  if (Object.hasOwn(link, "too_long")) {
    const told = "The text of that link was too long to be in it. Open the downloaded run, or the text itself.";
    return { setup: Setup.ofPreset(FIRST, limits), scene: EMPTY, pins, mistake: new RefusedError(told, "too_long") };
  }
  const all = new Map(Object.entries(link));
  const reader = new Reader(all);
  const setup = reader.setup(limits);
  for (const slot of SLOTS) {
    const its = new Map(Array.from(all).flatMap(([name, word]) => (name.startsWith(`${slot}.`) ? [[name.slice(2), word]] : [])));
    if (!its.size) continue;
    if (!TEXT.some((name) => its.has(name))) for (const name of TEXT) if (all.has(name)) its.set(name, all.get(name)!);
    const { mistake, ...origin } = readPin(slot, its, limits);
    reader.mistake ??= mistake;
    if (!mistake) pins.set(slot, origin);
  }
  return { setup, scene: reader.scene(setup, limits.seeds, pins), pins, mistake: reader.mistake };
}

function readPin(slot: Slot, words: ReadonlyMap<string, string>, limits: Limits): Origin & { mistake: RefusedError | null } {
  const reader = new Reader(words, `${slot}.`);
  const setup = reader.setup(limits);
  const scene = reader.scene(setup, limits.seeds, new Map());
  const step = Math.min(stepOf({ setup, scene }), setup.settings.steps);
  return { setup, scene: { ...scene, step, trained: words.has("trained") ? scene.trained : step }, mistake: reader.mistake };
}

/** Reads a link's words one by one, and remembers the first that it does not understand. */
class Reader {
  mistake: RefusedError | null = null;

  constructor(
    private readonly link: ReadonlyMap<string, string>,
    private readonly of = "",
  ) {}

  setup(limits: Limits): Setup {
    let preset = this.link.get("preset") ?? FIRST;
    if (!Object.hasOwn(PRESETS, preset)) {
      this.object("preset", preset);
      preset = FIRST;
    }
    let [text, name] = [PRESETS[preset]!.sequence, preset];
    let base: Record<string, Plain> = { ...ARTICLE, ...PRESETS[preset]!.settings };
    const sequence = this.link.get("sequence");
    if (sequence !== undefined) {
      text = sequence;
      base = { ...ARTICLE };
      name = fileName(this.link.get("name") ?? "");
      if (Object.hasOwn(PRESETS, name)) name = "";
    }
    let given: Record<string, Plain> = {};
    for (const fact of SETTINGS) {
      const word = this.link.get(fact.name);
      const value = word === undefined ? undefined : this.setting(fact, word);
      if (value !== undefined) given[fact.name] = value;
    }
    // settings that do not go together are given up one by one; a text that cannot be learnt, at once
    for (;;) {
      try {
        return Setup.make(text, name, { ...base, ...given }, limits);
      } catch (error) {
        if (!(error instanceof RefusedError)) throw error;
        this.mistake ??= error;
        if (error.field !== null && error.field in given) delete given[error.field];
        else if (!Object.hasOwn(PRESETS, name)) [text, name] = [PRESETS[preset]!.sequence, preset];
        else if (Object.keys(given).length) given = {};
        else throw error;
      }
    }
  }

  scene(setup: Setup, mostSeeds: number, pins: Pins): Scene {
    const trained = Math.min(this.count("trained") ?? 0, setup.settings.steps);
    const step = this.count("step");
    let select = this.count("select");
    if (select !== null && select >= setup.nStates) {
      this.object("select", String(select));
      select = null;
    }
    let source = (this.link.get("source") ?? "model") as Source;
    if (!SOURCES.includes(source)) {
      this.object("source", source);
      source = "model";
    }
    const compared = this.link.get("compare");
    const compare = compared === undefined ? PLAIN : this.compare(compared, pins);
    let seeds = this.count("seeds", SEEDS) ?? 0;
    if (!(seeds >= 2 && seeds <= mostSeeds)) {
      this.object("seeds", String(seeds));
      seeds = SEEDS;
    }
    return { trained, step, select, source, compare, seeds, decoding: this.decoding(), turned: this.turned() };
  }

  private turned(): Turned {
    const read = (name: string) => (this.link.has(name) ? this.number(name, this.link.get(name)!, "float") : undefined);
    const turn = read("turn") ?? null;
    const nudge = read("nudge") ?? 0;
    const tensor = this.link.get("tensor") ?? null;
    return { turn, tensor, place: tensor === null ? null : this.count("place"), nudge };
  }

  private compare(text: string, pins: Pins): readonly [Subject, Subject] {
    const known: readonly Subject[] = [...SUBJECTS, ...pins.keys()];
    const [first, second, ...more] = text.split(",") as Subject[];
    if (first && second && !more.length && known.includes(first) && known.includes(second)) return [first, second];
    this.object("compare", text);
    return PLAIN;
  }

  private decoding(): Decoding {
    let decoding = UNDECODED;
    for (const name of RULE_NAMES) {
      const word = this.link.get(name);
      const value = word === undefined ? undefined : this.number(name, word, RULE_KINDS[name]!);
      if (value === undefined) continue;
      try {
        checkRule(name, value);
        decoding = { ...decoding, [name as RuleName]: value };
      } catch (error) {
        if (!(error instanceof RefusedError)) throw error;
        this.mistake ??= new RefusedError(error.message, "setting", name, { value: cut(word!, 60) });
      }
    }
    return decoding;
  }

  private setting({ name, kind, default: usual }: SettingFact, word: string): Plain | undefined {
    const isNumber = kind === "int" || kind === "float";
    if (word === "" && (isNumber || usual === null)) return null; // a number that must be there says so itself
    if (kind === "str") return word;
    if (isNumber) return this.number(name, word, kind);
    return word === "0" ? false : word === "1" ? true : this.object(name, "?");
  }

  private count(name: string, otherwise: number | null = null): number | null {
    const word = this.link.get(name);
    const value = word === undefined ? undefined : this.number(name, word, "int");
    if (value === undefined) return otherwise;
    if (value >= 0) return value;
    this.object(name, word!);
    return otherwise;
  }

  /** The number that a text says; undefined, and a mistake, if it says none. */
  private number(name: string, word: string, kind: "int" | "float"): number | undefined {
    const form = kind === "int" ? /^\s*[+-]?\d+\s*$/ : /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i;
    const value = Number(word);
    return word.length <= 40 && form.test(word) && Number.isFinite(value) ? value : this.object(name, word);
  }

  private object(name: string, word: string): undefined {
    name = this.of + name;
    const told = `The link says ${name}=${cut(repr(word), 60)}, which cannot be. The default is used.`;
    this.mistake ??= new RefusedError(told, "link", name, { value: cut(word, 60) });
  }
}
