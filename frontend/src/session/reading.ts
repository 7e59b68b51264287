// How a text is read: which symbols it is made of, and whether it is one sequence or each of its lines is one, as
// src/babygpt/gpt/reading.py has it.

import { BORDER, Corpus } from "../engine";
import { byCodePoint, grouped, plural, repr, strip } from "./python";
import { core, linesOf, listSeparator, splitNames } from "./separators";
import { Vocabulary, type TokenKind } from "./vocabulary";

// Lines that are looked at to tell what they are.
const LOOKED_AT = 1000;

/** A text that nothing can be learnt from. */
export class SequenceError extends Error {}

export class Reading {
  private constructor(
    readonly vocabulary: Vocabulary,
    readonly sequences: readonly string[],
    /** Whether the text is one sequence. */
    readonly joined: boolean,
  ) {}

  /** `vocabulary` null: the symbols that occur; `lines` null: each line is a sequence if they are several, of words. */
  static of(
    text: string,
    tokens: TokenKind,
    vocabulary: Vocabulary | null,
    separator: string | null,
    lines: boolean | null,
  ): Reading {
    const known = vocabulary ?? foundVocabulary(text, separator ? "words" : tokens, separator, lines ?? false);
    const apart = lines ?? (known.tokens === "words" && areSequences(text, known));
    return apart ? new Reading(known, linesOf(text), false) : new Reading(known, [text], true);
  }

  /** All tokens in their order, with a BORDER between two sequences. Throws UnknownError. */
  tokens(): number[] {
    const parts = this.sequences.map((sequence) => this.vocabulary.encode(sequence));
    if (this.joined) return parts[0]!;
    return parts.filter((part) => part.length).flatMap((part) => [BORDER, ...part]).slice(1);
  }

  /** The counts at a context length. Throws SequenceError if no sequence is longer than that, and UnknownError. */
  corpus(K: number): Corpus {
    const tokens = this.tokens();
    let [longest, length, n] = [0, 0, 1];
    for (const token of tokens) {
      length = token === BORDER ? 0 : length + 1;
      n += token === BORDER ? 1 : 0;
      longest = Math.max(longest, length);
    }
    if (longest <= K) throw new SequenceError(this.tooShort(longest, K, n));
    return Corpus.ofTokens(tokens, this.vocabulary.size, K);
  }

  private tooShort(longest: number, K: number, n: number): string {
    const has = `${longest} token${plural(longest)}, and context_length=${K} needs`;
    const or = longest > 1 ? ` or context_length=${longest - 1}.` : ".";
    if (this.joined) {
      if (!longest) return EMPTY;
      return `The sequence has ${has} at least ${K + 1}: a context and the token after it. Give a longer sequence${or}`;
    }
    if (!longest) return "There are no sequences to learn from. Give some, such as ['0110', '10'].";
    return (
      `The longest of ${grouped(n)} sequence${plural(n)} has ${has} ${K + 1}: a context and the token after it. Give ` +
      `longer sequences${or}`
    );
  }
}

const EMPTY = "The sequence is empty. Give some text to learn from, such as 111101111011110.";

/** The sorted distinct symbols of a text. */
function foundVocabulary(text: string, tokens: TokenKind, separator: string | null, lines: boolean): Vocabulary {
  const parted = tokens === "chars" ? null : (separator ?? listSeparator(text));
  const parts = parted !== null ? splitNames(text, parted) : Array.from(lines ? linesOf(text).join("") : text);
  const found = [...new Set(parts)].sort(byCodePoint);
  if (found.length === 1) {
    throw new SequenceError(
      `The sequence says only ${repr(found[0])}, so there is nothing to choose between. Give a vocabulary ` +
        "with a second symbol, such as '01', or a sequence with two symbols.",
    );
  }
  if (!found.length) throw new SequenceError(EMPTY);
  return new Vocabulary(found, tokens, parted);
}

/** Whether the lines of a text of words are sequences: several, of several words, none of which goes on. */
function areSequences(text: string, vocabulary: Vocabulary): boolean {
  const lines = linesOf(text).slice(0, LOOKED_AT);
  const sign = core(vocabulary.separator);
  const goesOn = strip(sign) !== "" && lines.slice(0, -1).some((line) => strip(line).endsWith(sign));
  return lines.length > 1 && !goesOn && lines.some((line) => vocabulary.split(line).length > 1);
}
