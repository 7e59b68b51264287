// What a session shows, as a Python script and as a command line that give the same, as src/babygpt/studio/scripts.py has it.

import { isPlain, PLAIN, RULE_NAMES, type Decoding } from "../decoding";
import { countRows } from "../engine/tree";
import type { Settings } from "../protocol";
import { ENDINGS, FRAME_BUDGET, HIGH, LONGEST_TEXT, LOW, SETTINGS } from "./facts.generated";
import { FramePlan } from "./plan";
import { length, number, repr, SPACE, strip } from "./python";
import type { Plain } from "./refused";
import { ARTICLE, type Setup } from "./setup";

/** Settings, or keywords, that are said, each as it is written. */
type Given = Map<string, string>;

const OF_THE_CORPUS = ["context_length", "tokens", "vocabulary", "separator", "lines"];

/** A script that trains for `steps` steps and prints what a step's chain says, all or after a state. */
export function python(setup: Setup, steps: number, step: number, decoding: Decoding, state: number | null): string {
  [steps, step] = asRecorded(setup, steps, step);
  const { learnt, lines, given } = begun(setup, ["import babygpt as bg"], givenOf(setup, steps, repr));
  lines.push(`run = bg.train(${[learnt, ...keywords(given)].join(", ")})`);
  let chain = step === steps ? "run.chain" : `run.chain_at(${step})`;
  if (!isPlain(decoding)) chain += `.with_decoding(${rules(decoding)})`;
  lines.push(`chain = ${chain}`, state === null ? "print(chain)" : `print(chain[${repr(setup.context(state))}])`);
  return `${lines.join("\n")}\n`;
}

/** A script that trains many seeds and prints, of a step, what lies between nine in ten of them. */
export function pythonOfSeeds(
  setup: Setup,
  steps: number,
  step: number,
  decoding: Decoding,
  state: number | null,
  seeds: number,
): string {
  const imports = ["import numpy as np", "", "import babygpt as bg"];
  if (!isPlain(decoding)) imports.push("from babygpt.chain.decoding import Decoding");
  const { learnt, lines, given } = begun(setup, imports, givenOf(setup, steps, repr));
  given.delete("seed");
  const said = keywords(new Map([["seeds", `range(0, ${seeds})`], ["at", `[${step}]`], ...given]));
  lines.push(`many = bg.study(${[learnt, ...said].join(", ")})`);
  lines.push(`probs = many.probs[:, 0${state === null ? "" : `, ${state}`}]`);
  if (!isPlain(decoding)) lines.push(`probs = np.exp(Decoding(${rules(decoding)}).apply(np.log(probs)))`);
  lines.push(`print(np.quantile(probs, ${repr([LOW, 0.5, HIGH])}, axis=0))`);
  return `${lines.join("\n")}\n`;
}

/** The command line that trains up to a step, and so prints its chain; it trains one at least, and says so of step 0. */
export function command(setup: Setup, step: number): string {
  const line = typed("babygpt train", setup, givenOf(setup, Math.max(step, 1), str));
  return step ? line : `# step 0, before any training: one step is the least that this trains\n${line}`;
}

/** The command line that trains many seeds, and finds this one among them at a step. */
export function commandOfSeeds(setup: Setup, steps: number, step: number, seeds: number): string {
  const given = givenOf(setup, steps, str);
  const seed = given.get("seed");
  given.delete("seed");
  const marked: [string, string][] = seed === undefined ? [] : [["mark", seed]];
  return typed("babygpt seeds", setup, new Map([["seeds", String(seeds)], ["at", String(step)], ...marked, ...given]));
}

/** What a script learns from, its first lines, and the settings that are still to be said. */
function begun(setup: Setup, imports: string[], given: Given): { learnt: string; lines: string[]; given: Given } {
  const { reading, settings, text } = setup;
  if (reading.joined && settings.separator === null && !looksLikePath(text) && !isRead(setup)) {
    given.delete("lines");
    return { learnt: repr(text), lines: [...imports, ""], given };
  }
  const own: Given = new Map([["context_length", String(settings.context_length)]]);
  for (const name of ["vocabulary", "tokens", "separator"]) if (given.has(name)) own.set(name, given.get(name)!);
  let made = reading.joined ? "from_text" : "from_sequences";
  let what = reading.joined ? repr(text) : repr(reading.sequences);
  if (isRead(setup)) {
    [made, what] = ["from_file", repr(setup.name)];
    if (!reading.joined) own.set("lines", "True");
    if (setup.encoding) own.set("encoding", repr(setup.encoding));
  }
  const counted = `corpus = bg.Corpus.${made}(${[what, ...keywords(own)].join(", ")})`;
  const rest = new Map([...given].filter(([name]) => !OF_THE_CORPUS.includes(name)));
  return { learnt: "corpus", lines: [...imports, "", counted], given: rest };
}

function keywords(given: Given): string[] {
  return Array.from(given, ([name, value]) => `${name}=${value}`);
}

function rules(decoding: Decoding): string {
  const given = RULE_NAMES.filter((name) => decoding[name] !== PLAIN[name]);
  return given.map((name) => `${name}=${repr(decoding[name])}`).join(", ");
}

function typed(babygpt: string, setup: Setup, given: Given): string {
  const { reading, settings, text } = setup;
  const options: string[] = [];
  for (const [name, value] of given) {
    if (name === "lines") continue;
    const option = `--${SETTINGS.find((one) => one.name === name)?.option ?? name.replaceAll("_", "-")}`;
    if (name === "bias") options.push(option);
    else options.push(`${option}${value.startsWith("-") ? "=" : " "}${shell(value)}`);
  }
  if (!reading.joined) options.push("--lines");
  else if (settings.lines === false) options.push("--no-lines");
  if (isRead(setup)) {
    if (setup.encoding) options.push(`--encoding ${setup.encoding}`);
    return [babygpt, shell(setup.name.replace(/^(?=-)/, "./")), ...options].join(" ");
  }
  if (text.startsWith("-") || looksLikePath(text) || text.includes("\n")) {
    return [`printf '%s\\n' ${shell(text)} | ${babygpt} -`, ...options].join(" ");
  }
  return [babygpt, shell(text), ...options].join(" ");
}

/** A word for a shell, in quotes if it needs them. */
function shell(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;
}

/** Whether the text is read from its file; one that is short enough is spelled out, so that it needs no file. */
function isRead(setup: Setup): boolean {
  return setup.isFile && length(setup.text) > LONGEST_TEXT;
}

/** The settings that are not the article's, as `say` writes them. */
function givenOf(setup: Setup, steps: number, say: (value: Plain, kind: string) => string): Given {
  const given: Given = new Map(steps === 50 ? [] : [["steps", String(steps)]]);
  for (const { name, kind, ofTheScreen } of SETTINGS) {
    const value = setup.settings[name as keyof Settings];
    if (ofTheScreen || name === "steps" || value === ARTICLE[name as keyof Settings]) continue;
    given.set(name, typeof value === "number" ? number(value, kind === "float") : say(value, kind));
  }
  return given;
}

function str(value: Plain): string {
  return typeof value === "string" ? value : repr(value);
}

/** How many steps to train and which to look at: a step that is not recorded on the way is the last one. */
function asRecorded(setup: Setup, steps: number, step: number): [number, number] {
  const { vocab_size: V, block_size: K } = setup.config;
  const plan = FramePlan.within(FRAME_BUDGET, steps, countRows(V, K) * V, countRows(V, K));
  return plan.wants(step) || step === steps ? [steps, step] : [step, step];
}

// -- names of files among texts, as src/babygpt/gpt/paths.py tells them

const ENDING = "\\.[A-Za-z][A-Za-z0-9]{0,9}";
const NOT = `[^${SPACE}`;
const BEGINS = /^(?:(?:\.{1,2}|~[\p{L}\p{N}_]*)?\/|\.{1,2}\\|[A-Za-z]:[\\/]|\\\\[^\s\\]+\\)/u;
const NO_NAME = /^(?:(?:[A-Za-z]\.)+[A-Za-z]|www\..*)$/i;
const NAMES = [
  new RegExp(`^(?:${NOT}]*${NOT}.])?${ENDING}$`, "u"),
  new RegExp(`^.*${NOT}.]\\.(?:${ENDINGS.join("|")})$`, "iu"),
  new RegExp(`^[^/\\\\]+[/\\\\].*${NOT}./\\\\]${ENDING}$`, "u"),
];

/** Whether a text looks like the name of a file, rather than like a sequence to learn from. */
function looksLikePath(text: string): boolean {
  if (!text || text.length > 4096 || text.includes("\n") || text.includes("\0")) return false;
  const name = strip(text).replace(/^[ \t"']+|[ \t"']+$/g, "");
  if (BEGINS.test(name)) return true;
  return !NO_NAME.test(name) && NAMES.some((form) => form.test(name));
}
