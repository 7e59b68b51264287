// Settings that suit a text, so that whatever is typed can be learnt, as src/babygpt/studio/fitting.py has it.

import type { Settings } from "../protocol";
import { asReadFromFile } from "./encodings";
import { COPIES_OF_A_NAME, LEARNING_RATE, LONGEST_NAME, MAX_FITTED, NEAR, STEPS, STOP_GAP } from "./facts.generated";
import type { Limits } from "./limits";
import { length } from "./python";
import { Reading, SequenceError } from "./reading";
import { same } from "./same";
import { ARTICLE } from "./setup";

/** The text to learn: as it is, or several times over where once would teach nothing. */
export function legible(typed: string): string {
  const text = asReadFromFile(typed);
  const isName = length(text) <= LONGEST_NAME && !text.includes("\n") && /\p{L}/u.test(text);
  return isName || new Set(text).size < 2 ? new Array<string>(COPIES_OF_A_NAME).fill(text).join(" ") : text;
}

/** Settings that suit a text: the shortest context after which no longer one would gain much; by words if it is so `now`. */
export function fit(text: string, limits: Limits, now: Settings): Partial<Settings> {
  const { reading, read } = readingOf(text, now);
  const [nTokens, V] = [reading.tokens().length, reading.vocabulary.size];
  const most = Math.min(MAX_FITTED, limits.states);
  const lengths = [1];
  while (V ** (lengths.at(-1)! + 1) <= most && lengths.at(-1)! + 2 <= nTokens) lengths.push(lengths.at(-1)! + 1);
  const floors = lengths.map((K) => reading.corpus(K).floor());
  const { batch_size, positions } = ARTICLE;
  return {
    context_length: lengths[floors.findIndex((floor) => floor <= Math.min(...floors) + NEAR)]!,
    steps: Math.min(STEPS, limits.steps),
    learning_rate: LEARNING_RATE,
    stop_gap: STOP_GAP,
    ...{ vocabulary: null, batch_size, positions },
    ...read,
  };
}

/** The same; null for a text that no settings suit. */
export function fitIfAny(text: string, limits: Limits, now: Settings): Partial<Settings> | null {
  try {
    return fit(text, limits, now);
  } catch (error) {
    if (!(error instanceof SequenceError)) throw error;
    return null;
  }
}

/** Whether settings are those that suit a text. */
export function fits(settings: Settings, text: string, limits: Limits): boolean {
  const suiting = fitIfAny(text, limits, settings);
  return suiting !== null && same({ ...settings }, { ...settings, ...suiting });
}

/** How a text is read, and the settings that say so. */
function readingOf(text: string, { tokens, separator, lines }: Settings): { reading: Reading; read: Partial<Settings> } {
  if (tokens === "words") {
    try {
      return { reading: Reading.of(text, tokens, null, separator, lines), read: { tokens, separator, lines } };
    } catch (error) {
      if (!(error instanceof SequenceError)) throw error; // a single word
    }
  }
  return { reading: Reading.of(text, "chars", null, null, null), read: { tokens: "chars", separator: null, lines: null } };
}
