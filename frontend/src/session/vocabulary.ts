// The vocabulary: which symbols there are, and the token each goes by, as src/babygpt/gpt/vocabulary.py has it.

import { byCodePoint, plural, repr, strip, unicodeEscape } from "./python";
import { RefusedError } from "./refused";
import { core, isAlone, listSeparator, separatorFor, splitNames } from "./separators";

export type TokenKind = "chars" | "words";

// What cannot be seen is drawn as something that can.
const VISIBLE: Record<string, string> = { " ": "␣", "\n": "⏎", "\t": "⇥", "\u3000": "␣" };
const NO_SIGN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Zs}]/u;

/** A symbol that the vocabulary lacks. */
export class UnknownError extends Error {}

export class Vocabulary {
  readonly separator: string;
  private readonly tokenOf: ReadonlyMap<string, number>;
  private shown: { of: readonly string[]; between: string } | null = null;

  constructor(
    readonly symbols: readonly string[],
    readonly tokens: TokenKind,
    separator: string | null = null,
  ) {
    if (tokens === "words" && separator !== null) core(separator);
    this.separator = separator ?? (tokens === "chars" ? "" : separatorFor(symbols));
    this.tokenOf = new Map(symbols.map((symbol, token) => [symbol, token]));
    const repeated = [...new Set(symbols.filter((symbol, i) => symbols.indexOf(symbol) !== i))];
    if (repeated.length) {
      throw refused(`The vocabulary names ${repeated.slice(0, 5).map(repr).join(", ")} more than once. Give each symbol once.`);
    }
    if (symbols.length < 2) {
      const has = `${symbols.length} symbol${plural(symbols.length)}`;
      throw refused(`The vocabulary has ${has}; a chain needs at least 2. Give a vocabulary such as '01'.`);
    }
    for (const symbol of symbols) {
      if (isAlone(this.split(symbol), symbol)) continue;
      throw refused(`The symbol ${repr(symbol)} ${this.fault(symbol)}, so no text can contain it.`);
    }
  }

  /** The vocabulary that a plain text means: its characters, or its words. */
  static of(given: string, tokens: TokenKind, separator: string | null): Vocabulary {
    if (tokens === "chars" && !separator) return new Vocabulary(Array.from(given), "chars");
    const parted = separator ?? listSeparator(given, 1);
    return new Vocabulary(splitNames(given, parted), "words", parted);
  }

  get size(): number {
    return this.symbols.length;
  }

  has(symbol: string): boolean {
    return this.tokenOf.has(symbol);
  }

  sameAs(other: Vocabulary): boolean {
    const alike = this.tokens === other.tokens && this.separator === other.separator && this.size === other.size;
    return alike && this.symbols.every((symbol, i) => symbol === other.symbols[i]);
  }

  /** The symbols that a text is made of, known or not. */
  split(text: string): string[] {
    return this.tokens === "chars" ? Array.from(text) : splitNames(text, this.separator);
  }

  /** The tokens of a text. Throws UnknownError. */
  encode(text: string): number[] {
    const parts = this.tokens === "chars" ? Array.from(text) : this.knownParts(text);
    const tokens = parts.map((part) => this.tokenOf.get(part) ?? -1);
    if (!tokens.includes(-1)) return tokens;
    const unknown = [...new Set(parts.filter((part) => !this.has(part)))];
    throw this.unknown(this.tokens === "chars" ? unknown.sort() : unknown.slice(0, 1));
  }

  /** A token for the screen: control characters made visible, and blanks where they are symbols; no two contexts alike. */
  label(token: number): string {
    return this.labels.of[token]!;
  }

  /** The same of a context. */
  labelOf(tokens: readonly number[]): string {
    return tokens.map((token) => this.labels.of[token]).join(this.labels.between);
  }

  /** How each symbol is shown, and what stands between two; as Python spells them where that could be mistaken. */
  private get labels(): { of: readonly string[]; between: string } {
    return (this.shown ??= this.shownBy(visible) ?? this.shownBy(spelled, true)!);
  }

  private shownBy(show: (c: string) => string, always = false): { of: readonly string[]; between: string } | null {
    const blanks = this.tokens === "chars";
    const each = (text: string, blank: boolean) => Array.from(text, (c) => (c === " " && !blank ? c : show(c))).join("");
    const of = this.symbols.map((symbol) => each(symbol, blanks));
    const between = each(this.separator, false);
    const sorted = [...of].sort(byCodePoint);
    const apart = blanks // nothing stands between them: none may begin another
      ? sorted.every((label, i) => i === 0 || !label.startsWith(sorted[i - 1]!))
      : new Set(of).size === of.length && !of.some((label) => label.includes(between));
    return apart || always ? { of, between } : null;
  }

  /** The names of a text, parted by a list's commas or by white space if only so all are known. */
  private knownParts(text: string): string[] {
    const names = this.split(text);
    if (names.every((name) => this.has(name))) return names;
    const listed = listSeparator(text, 1);
    for (const other of [listed, " "]) {
      const parts = splitNames(text, other);
      if (parts.every((part) => this.has(part))) return parts;
    }
    return this.separator === " " ? splitNames(text, listed) : names;
  }

  private unknown(symbols: readonly string[]): UnknownError {
    const more = symbols.length > 5 ? ` and ${symbols.length - 5} more` : "";
    const labels = this.symbols.slice(0, 20).map((_, token) => this.label(token));
    const known = labels.join(`${strip(this.separator)} `) + (this.size > 20 ? " …" : "");
    return new UnknownError(
      `The text contains ${symbols.slice(0, 5).map(repr).join(", ")}${more}, not in the vocabulary of ${this.size} symbols ` +
        `(${known}). Remove it from the text or add it to the vocabulary.`,
    );
  }

  private fault(symbol: string): string {
    if (this.tokens === "chars") return "is not one character";
    if (!symbol || symbol !== strip(symbol)) return "is empty or has blanks around it";
    if (symbol.includes("\n")) return "has a line break, which parts names";
    return this.separator === " " ? "is not one word without white space" : `has the separator ${repr(this.separator)}`;
  }
}

/** A character as it can be seen. */
export function visible(c: string): string {
  const code = c.codePointAt(0)!;
  const hidden = (c !== " " && NO_SIGN.test(c)) || (code & 0xfffe) === 0xfffe;
  return VISIBLE[c] ?? (hidden ? `\\x${code.toString(16).padStart(2, "0")}` : c);
}

/** The same, and a backslash, as Python escapes it. */
function spelled(c: string): string {
  if (c === "\\") return "\\\\";
  if (visible(c) === c) return c;
  const code = c.codePointAt(0)!;
  if (c === "\n" || c === "\r" || c === "\t") return repr(c).slice(1, -1);
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, "0")}`;
  return code < 0x10000 ? unicodeEscape(c) : `\\U${code.toString(16).padStart(8, "0")}`;
}

function refused(told: string): RefusedError {
  return new RefusedError(told, "vocabulary", "vocabulary");
}

