// Links: what a session is, as a few words, and back, as src/babygpt/studio/links.py has it.

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
const SOURCES: readonly Source[] = ["model", "seeds", "data", "difference"];
const FIRST = Object.keys(PRESETS)[0]!;

/** What a link says beside the setup. */
export interface Scene {
  readonly trained: number;
  readonly step: number | null; // the one shown; null: the last
  readonly select: number | null;
  readonly source: Source;
  readonly compare: readonly [Subject, Subject];
  readonly seeds: number;
  readonly decoding: Decoding;
}

const EMPTY: Scene = { trained: 0, step: null, select: null, source: "model", compare: PLAIN, seeds: SEEDS, decoding: UNDECODED };
const PARTS = ["trained", "step", "select", "source", "seeds"] as const;

/** The link of a session. */
export function write(setup: Setup, scene: Scene): Record<string, string> {
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
  for (const name of RULE_NAMES) if (scene.decoding[name] !== UNDECODED[name]) link[name] = said(scene.decoding[name], "int");
  return link;
}

/** What a link says, and the first mistake in it; what is mistaken is as it begins. */
export function read(link: Record<string, string>, limits: Limits): { setup: Setup; scene: Scene; mistake: RefusedError | null } {
  if (Object.hasOwn(link, "too_long")) {
    const told = "The text of that link was too long to be in it. Open the downloaded run, or the text itself.";
    return { setup: Setup.ofPreset(FIRST, limits), scene: EMPTY, mistake: new RefusedError(told, "too_long") };
  }
  const reader = new Reader(new Map(Object.entries(link)));
  const setup = reader.setup(limits);
  return { setup, scene: reader.scene(setup, limits.seeds), mistake: reader.mistake };
}

/** Reads a link's words one by one, and remembers the first that it does not understand. */
class Reader {
  mistake: RefusedError | null = null;

  constructor(private readonly link: ReadonlyMap<string, string>) {}

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

  scene(setup: Setup, mostSeeds: number): Scene {
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
    const compare = compared === undefined ? PLAIN : this.compare(compared);
    let seeds = this.count("seeds", SEEDS) ?? 0;
    if (!(seeds >= 2 && seeds <= mostSeeds)) {
      this.object("seeds", String(seeds));
      seeds = SEEDS;
    }
    return { trained, step, select, source, compare, seeds, decoding: this.decoding() };
  }

  private compare(text: string): readonly [Subject, Subject] {
    const [first, second, ...more] = text.split(",") as Subject[];
    if (first && second && !more.length && SUBJECTS.includes(first) && SUBJECTS.includes(second)) return [first, second];
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
    const told = `The link says ${name}=${cut(repr(word), 60)}, which cannot be. The default is used.`;
    this.mistake ??= new RefusedError(told, "link", name, { value: cut(word, 60) });
  }
}
