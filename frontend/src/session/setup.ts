// What a session learns, and how: the text, the settings, and what follows from them, as src/babygpt/studio/setup.py has it.

import { contextOf } from "../contexts";
import type { Settings } from "../protocol";
import type { Corpus, GPTConfig, TrainConfig } from "../engine";
import { MAX_NAME, PRESETS, SETTINGS, type SettingFact } from "./facts.generated";
import type { Limits } from "./limits";
import { byCodePoint, cut, repr } from "./python";
import { Reading, SequenceError } from "./reading";
import { RefusedError, type Plain } from "./refused";
import { same } from "./same";
import { listSeparator, splitNames } from "./separators";
import { UnknownError, Vocabulary } from "./vocabulary";

export const ARTICLE = Object.fromEntries(SETTINGS.map((one) => [one.name, one.default])) as unknown as Settings;

// The settings of which the text has a say: what is wrong with them is told by it.
const OF_THE_TEXT = ["vocabulary", "separator", "lines"];

export class Setup {
  readonly tokens: readonly number[];

  private constructor(
    readonly text: string,
    readonly name: string, // of the preset or the file it is from; "" if it was typed
    readonly settings: Settings,
    readonly reading: Reading,
    readonly corpus: Corpus,
    readonly config: GPTConfig,
    readonly training: TrainConfig,
    readonly encoding: string | null,
  ) {
    this.tokens = reading.tokens();
  }

  /** The setup of a text and of all settings, whatever they are. */
  static make(text: string, name: string, given: Record<string, Plain>, limits: Limits, encoding: string | null = null): Setup {
    const settings = checked(given, limits);
    name = fileName(name);
    if (Object.hasOwn(PRESETS, name) && text !== PRESETS[name]!.sequence) name = "";
    limits.checkText(text);
    const vocabulary = vocabularyOf(settings, limits);
    const reading = readingOf(text, settings, vocabulary);
    limits.checkSize(reading.vocabulary.size, settings.context_length);
    const config = { ...shapeOf(settings), vocab_size: reading.vocabulary.size };
    limits.checkMemory(config);
    return new Setup(text, name, settings, reading, corpusOf(text, settings, reading), config, settings, encoding);
  }

  static ofPreset(name: string, limits: Limits): Setup {
    const preset = Object.hasOwn(PRESETS, name) ? PRESETS[name] : undefined;
    if (!preset) {
      const told = `There is no preset ${repr(name)}. There are: ${Object.keys(PRESETS).join(", ")}.`;
      throw new RefusedError(told, "preset", null, { name });
    }
    return Setup.make(preset.sequence, name, { ...ARTICLE, ...preset.settings }, limits);
  }

  /** The setup with more or fewer steps. */
  withSteps(steps: number): Setup {
    const settings = { ...this.settings, steps };
    return new Setup(this.text, this.name, settings, this.reading, this.corpus, this.config, settings, this.encoding);
  }

  get nStates(): number {
    return this.config.vocab_size ** this.config.block_size;
  }

  /** Whether a state's number is the same context in both. */
  hasStatesOf(other: Setup): boolean {
    return same(this.reading.vocabulary.symbols, other.reading.vocabulary.symbols) && this.config.block_size === other.config.block_size;
  }

  /** The symbols of a state's context. */
  symbolsOf(state: number): string[] {
    const tokens = contextOf(state, this.config.vocab_size, this.config.block_size);
    return tokens.map((token) => this.reading.vocabulary.symbols[token]!);
  }

  /** A state's context as it is written. */
  context(state: number): string {
    return this.symbolsOf(state).join(this.reading.vocabulary.separator);
  }

  get isFile(): boolean {
    return this.name !== "" && !Object.hasOwn(PRESETS, this.name);
  }
}

/** The last part of a path, on whichever system it is one; "" for what names no file. */
export function fileName(name: string): string {
  const last = cut(name.split(/[/\\\0]/).at(-1)!, MAX_NAME);
  return last === "." || last === ".." ? "" : last;
}

function shapeOf(settings: Settings): Omit<GPTConfig, "vocab_size"> {
  const { context_length: block_size, n_layer, n_head, n_embd, bias } = settings;
  return { block_size, n_layer, n_head, n_embd, bias };
}

/** The settings, each of its kind; throws for the first that is not. */
function checked(given: Record<string, Plain>, limits: Limits): Settings {
  for (const fact of SETTINGS) {
    if (OF_THE_TEXT.includes(fact.name)) continue;
    limits.checkOwn(fact, given[fact.name]!);
    check(fact, given[fact.name]!, limits);
  }
  let settings = given as unknown as Settings;
  const { n_embd, n_head } = settings;
  if (n_embd % n_head) {
    const fits = Math.ceil(n_embd / n_head) * n_head;
    const told = `The width n_embd=${n_embd} cannot be divided among n_head=${n_head} heads. Try n_embd=${fits}.`;
    throw new RefusedError(told, "width", "n_embd", { n_embd, n_head, fits });
  }
  const { separator, lines } = settings;
  if (separator !== null) {
    if (typeof separator !== "string" || !separator) throw refused("separator", separator, "is no sign.");
    settings = { ...settings, tokens: "words" }; // between characters stands nothing
  }
  if (lines !== null && typeof lines !== "boolean") {
    const told = "lines is yes, no, or as the text has it.";
    throw new RefusedError(told, "setting", "lines", { value: cut(repr(lines), 60) });
  }
  return settings;
}

function refused(field: string, value: unknown, wrong: string): RefusedError {
  const short = cut(repr(value), 60);
  return new RefusedError(`${field}=${short} ${wrong}`, "setting", field, { value: short });
}

/** Throws unless a value is one that its setting can have. */
function check(fact: SettingFact, value: Plain, limits: Limits): void {
  const { name, kind, default: usual, least, choices = [] } = fact;
  if (value === null && usual === null) return;
  if (kind === "int") {
    checkWhole(name, value, least ?? 1, limits.rangeOf(fact));
    if (name !== "context_length" && (value as number) >= 2 ** 63) {
      throw RefusedError.ofSetting(name, value, "does not fit 63 bits. Use a smaller number.", limits.rangeOf(fact));
    }
  }
  else if (kind === "float") {
    const finite = typeof value === "number" && Number.isFinite(value);
    if (finite && (value > 0 || (least === 0 && value === 0))) return;
    throw RefusedError.ofSetting(name, value, `is not a finite number ${least === 0 ? "of at least" : "above"} 0.`);
  } else if (kind === "bool" && typeof value !== "boolean") {
    throw RefusedError.ofSetting(name, value, "is neither True nor False.");
  } else if (choices.length && !choices.includes(value as string)) {
    throw RefusedError.ofSetting(name, value, `is not known. Use ${choices.map(repr).join(" or ")}.`);
  }
}

export function checkWhole(name: string, value: Plain, least: number, own = {}): void {
  if (typeof value !== "number" || !Number.isInteger(value) || value < least) {
    throw RefusedError.ofSetting(name, value, `is not a whole number of at least ${least}.`, own);
  }
}

function vocabularyOf({ vocabulary, tokens, separator }: Settings, limits: Limits): Vocabulary | null {
  if (vocabulary === null) return null;
  if (typeof vocabulary !== "string") {
    const told = `A vocabulary is a text or a list of texts, not (${repr(vocabulary)},).`;
    throw new RefusedError(told, "vocabulary", "vocabulary");
  }
  limits.checkText(vocabulary, "vocabulary");
  return Vocabulary.of(vocabulary, tokens, separator);
}

function readingOf(text: string, settings: Settings, vocabulary: Vocabulary | null): Reading {
  try {
    return Reading.of(text, settings.tokens, vocabulary, settings.separator, settings.lines);
  } catch (error) {
    if (!(error instanceof SequenceError)) throw error;
    const symbol = partsOf(text, settings)[0];
    if (symbol === undefined) throw new RefusedError(error.message, "empty", "sequence");
    throw new RefusedError(error.message, "single", "sequence", { symbol });
  }
}

function corpusOf(text: string, settings: Settings, reading: Reading): Corpus {
  const K = settings.context_length;
  try {
    return reading.corpus(K);
  } catch (error) {
    if (error instanceof UnknownError) {
      const known = (symbol: string) => reading.vocabulary.has(symbol) || (symbol === "\n" && !reading.joined);
      const unknown = [...new Set(partsOf(text, settings))].filter((symbol) => !known(symbol)).sort(byCodePoint);
      throw new RefusedError(error.message, "unknown", "sequence", { symbols: unknown.slice(0, 5).join(" ") });
    }
    if (!(error instanceof SequenceError)) throw error;
    const longest = Math.max(0, ...reading.sequences.map((one) => partsOf(one, settings).length));
    if (!longest) throw new RefusedError(error.message, "empty", "sequence");
    throw new RefusedError(error.message, "short", "sequence", { tokens: longest, context_length: K, needs: K + 1 });
  }
}

/** What a text is made of, by its settings. */
function partsOf(text: string, { tokens, separator }: Settings): string[] {
  if (tokens === "chars") return Array.from(text);
  return splitNames(text, separator || listSeparator(text));
}

