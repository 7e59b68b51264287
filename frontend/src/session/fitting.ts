// Settings that suit a text, so that whatever is typed can be learnt, as src/babygpt/studio/fitting.py has it.

import type { Settings } from "../protocol";
import { asReadFromFile } from "./encodings";
import { COPIES_OF_A_NAME, LEARNING_RATE, LONGEST_NAME, MAX_FITTED, NEAR, STEPS, STOP_GAP } from "./facts.generated";
import type { Limits } from "./limits";
import { length } from "./python";
import { Reading } from "./reading";
import { ARTICLE } from "./setup";

/** The text to learn: as it is, or several times over where once would teach nothing. */
export function legible(typed: string): string {
  const text = asReadFromFile(typed);
  const isName = length(text) <= LONGEST_NAME && !text.includes("\n") && /\p{L}/u.test(text);
  return isName || new Set(text).size < 2 ? new Array<string>(COPIES_OF_A_NAME).fill(text).join(" ") : text;
}

/** Settings that suit a text of characters: the shortest context after which no longer one would gain much. */
export function fit(text: string, limits: Limits): Partial<Settings> {
  const reading = Reading.of(text, "chars", null, null, false);
  const [nTokens, V] = [reading.tokens().length, reading.vocabulary.size];
  const most = Math.min(MAX_FITTED, limits.states);
  const lengths = [1];
  while (V ** (lengths.at(-1)! + 1) <= most && lengths.at(-1)! + 2 <= nTokens) lengths.push(lengths.at(-1)! + 1);
  const floors = lengths.map((K) => reading.corpus(K).floor());
  const { vocabulary, tokens, separator, batch_size, positions } = ARTICLE;
  return {
    context_length: lengths[floors.findIndex((floor) => floor <= Math.min(...floors) + NEAR)]!,
    steps: Math.min(STEPS, limits.steps),
    learning_rate: LEARNING_RATE,
    stop_gap: STOP_GAP,
    ...{ vocabulary, tokens, separator, batch_size, positions },
    lines: false,
  };
}
