// Files that a screen hands over, as bytes: read as they likely are, as src/babygpt/gpt/encodings.py and
// src/babygpt/gpt/texts.py have it.
//
// Of bytes without a mark that are no UTF-8, the encoding is found under which they are most likely: each is taken as a
// source that draws characters at random, the usual ones of its language far more often than the rest [1].
//
// [1] Shanjian Li and Katsuhiko Momoi, "A composite approach to language/encoding detection", 2001.

import { bytes } from "../packed";
import { LETTERS } from "./facts.generated";
import type { Limits } from "./limits";
import { cut, grouped, repr } from "./python";
import { RefusedError } from "./refused";

const LOOKED_AT = 2 ** 16; // bytes by which an encoding is told

/** A text with one kind of line break, and none at its end. */
export function withLineFeeds(text: string): string {
  return text.replace(/\r\n?/g, "\n").replace(/\n$/, "");
}

/** A text as the command line reads it from the file that it is from. */
export function asReadFromFile(text: string): string {
  return withLineFeeds(text.replace(/^\ufeff/, ""));
}

/** The text of a file that comes as base64, and its encoding where that had to be guessed, or was said. */
export function textOfFile(name: string, data: string, limits: Limits, encoding = ""): { text: string; guessed: string | null } {
  let content: Uint8Array;
  try {
    content = bytes(data);
  } catch {
    throw new RefusedError("The file did not arrive whole. Try again.", "command");
  }
  if (encoding && !Object.hasOwn(SOURCES, encoding)) {
    throw new RefusedError(`The studio reads no encoding ${cut(repr(encoding), 60)}.`, "command");
  }
  const marked = MARKS.find(([, ...mark]) => mark.every((byte, i) => content[i] === byte))?.[0];
  const magic = String.fromCharCode(...content.subarray(0, 8));
  if (!marked && BINARY.some((begin) => magic.startsWith(begin))) throw noText(name, "is a binary file, not text");
  const sure = encoding ? null : decoded(content, marked ?? "utf-8");
  const open = sure === null || (!marked && sure.includes("\0"));
  const likely = encoding || (open && !marked ? proposed(content) : null);
  const text = likely ? decoded(content, SOURCES[likely]!.label) : sure;
  if (text === null || text.includes("\0")) {
    if (encoding) throw new RefusedError(`${name} cannot be read as ${encoding}.`, "not_in", null, { name, encoding });
    throw noText(name, "is not UTF-8 text");
  }
  const read = withLineFeeds(text);
  if (read.length > 2 * limits.text) {
    const told =
      `${name} is too large for the studio, whose limit is ${grouped(limits.text)} characters. Use a shorter text, ` +
      "or babygpt train FILE, which has no limit.";
    throw new RefusedError(told, "too_large", null, { name, limit: limits.text });
  }
  return { text: read, guessed: likely };
}

/** The link that a page begins with, of a file that is one and comes as base64. */
export function linkOfPage(data: string): Record<string, string> | null {
  try {
    const text = new TextDecoder().decode(bytes(data));
    const found = /<script type="application\/json" id="beginning">(.*?)<\/script>/s.exec(text);
    const { link } = JSON.parse(found?.[1] ?? "{}") as { link?: Record<string, string> };
    return link && Object.values(link).every((word) => typeof word === "string") ? link : null;
  } catch {
    return null;
  }
}

const MARKS: [string, ...number[]][] = [
  ["utf-8", 0xef, 0xbb, 0xbf],
  ["utf-16le", 0xff, 0xfe],
  ["utf-16be", 0xfe, 0xff],
  ["gb18030", 0x84, 0x31, 0x95, 0x33],
];
// What a file is that is no text, by its first bytes: archives, documents, pictures, programs.
const BINARY = ["PK\x03\x04", "\xd0\xcf\x11\xe0", "{\\rtf", "%PDF", "\x89PNG", "\xff\xd8\xff", "GIF8", "BZh", "\x7fELF"];

function noText(name: string, fault: string): RefusedError {
  return new RefusedError(`${name} ${fault}. Save it as UTF-8.`, "not_text", null, { name });
}

function decoded(content: Uint8Array, label: string): string | null {
  try {
    return new TextDecoder(label, { fatal: true }).decode(content);
  } catch {
    return null;
  }
}

/** The encoding that most likely makes a text of the bytes, by Python's name for it; null where none does. */
function proposed(content: Uint8Array): string | null {
  const sample = content.subarray(0, LOOKED_AT);
  let [best, found]: [number, string | null] = [-Infinity, null];
  for (const [name, { label, source }] of Object.entries(SOURCES)) {
    // the last character of a part may be cut in two
    const text = [0, 1, 2, 3].map((cut) => decoded(sample.subarray(0, sample.length - cut), label)).find((one) => one !== null);
    if (text === undefined) continue;
    const { value, usual } = likelihood(text!, source());
    const more = name === "cp1252" ? Math.log(20) : 0; // of one letter that several have at the same place
    if (usual >= 0.5 && value + more > best) [best, found] = [value + more, name];
  }
  return found;
}

interface Source {
  readonly weights: ReadonlyMap<string, number>; // log likelihoods of characters
  readonly other: number; // of one that has none
  readonly seldom: "" | "mixed" | "accented"; // which two letters in a row seldom are
}

/** The log likelihood of a text, and which share of its characters beyond ASCII are usual in its language. */
function likelihood(text: string, { weights, other, seldom }: Source): { value: number; usual: number } {
  let [value, usual, beyond] = [0, 0, 0];
  let before = " ";
  for (const c of text) {
    const wide = c >= "\x80";
    if (!wide) {
      if ((c < " " && !"\n\r\t\f\x1a".includes(c)) || c === "\x7f") return { value: -Infinity, usual: 0 };
      value -= Math.log(96);
    } else {
      beyond++;
      if (weights.has(c)) usual++;
      value += weights.get(c) ?? other;
    }
    if (seldom && isLetter(c) && isLetter(before)) {
      const wideBefore = before >= "\x80";
      if (seldom === "mixed" && wide !== wideBefore) value += Math.log(0.002);
      if (seldom === "accented" && wide && wideBefore) value += Math.log(0.1);
    }
    before = c;
  }
  return { value, usual: beyond ? usual / beyond : 1 };
}

function isLetter(c: string): boolean {
  return /\p{L}/u.test(c);
}

/** The characters of a two-byte encoding whose first byte is within a range: the usual ones of a language. */
function rows(label: string, first: number, last: number, low = 0xa1): string[] {
  const found: string[] = [];
  for (let lead = first; lead <= last; lead++) {
    for (let trail = low; trail < 0xff; trail++) {
      const text = decoded(Uint8Array.of(lead, trail), label);
      if (text !== null && [...text].length === 1) found.push(text);
    }
  }
  return found;
}

/** The source of a script of many characters: groups with their shares, those within a group alike. */
function many(...shares: [number, Iterable<string>][]): Source {
  const weights = new Map<string, number>();
  for (const [share, characters] of shares) {
    const group = new Set(characters);
    for (const c of group) weights.set(c, Math.max(weights.get(c) ?? -Infinity, Math.log(share / group.size)));
  }
  return { weights, other: Math.log(0.03 / 10_000), seldom: "" };
}

/** The source of an alphabet, its letters in the order of how often they are used, falling evenly. */
function alphabet(letters: string, besideAscii = false): Source {
  const lower = [...new Set(letters)];
  const total = (lower.length * (lower.length + 1)) / 2;
  const weights = new Map(lower.map((letter, i) => [letter, Math.log((0.85 * (lower.length - i)) / total)]));
  for (const letter of lower) {
    const upper = letter.toUpperCase();
    if (!weights.has(upper)) weights.set(upper, weights.get(letter)! + Math.log(0.06));
  }
  for (const sign of LETTERS.MARKS_OF_TEXTS!) weights.set(sign, Math.log(0.05 / 16));
  return { weights, other: Math.log(0.03 / 100), seldom: besideAscii ? "accented" : "mixed" };
}

const { SIGNS, OFTEN, TRADITIONALLY, SYLLABLES, CYRILLIC, WESTERN, CENTRAL, GREEK, HEBREW, ARABIC, TURKISH, THAI } = LETTERS;
const chinese = () => rows("gb18030", 0xb0, 0xd7);
const traditional = () => rows("big5", 0xa4, 0xc6, 0x40);
const kanji = () => rows("euc-jp", 0xb0, 0xcf);
const hangul = () => rows("euc-kr", 0xb0, 0xc8);
const points = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => String.fromCharCode(from + i));
const kana = () => [...points(0x3041, 0x3094), ...points(0x30a1, 0x30f7), "ー"];
const wide = () =>
  many([0.8, [...chinese(), ...traditional(), ...kanji(), ...hangul(), ...kana()]], [0.1, SIGNS!], [0.05, CYRILLIC! + WESTERN! + CENTRAL!]);
const japanese = () => many([0.55, kana()], [0.3, kanji()], [0.1, SIGNS!]);
const cyrillic = () => alphabet(CYRILLIC!);

// The encodings in question by Python's names, each with the browser's name and what it is likely to hold.
const SOURCES: Record<string, { label: string; source: () => Source }> = {
  "utf-16-le": { label: "utf-16le", source: wide },
  "utf-16-be": { label: "utf-16be", source: wide },
  gb18030: { label: "gb18030", source: () => many([0.3, OFTEN!], [0.55, chinese()], [0.1, SIGNS!]) },
  big5: { label: "big5", source: () => many([0.3, TRADITIONALLY!], [0.55, traditional()], [0.1, SIGNS!]) },
  shift_jis: { label: "shift_jis", source: japanese },
  euc_jp: { label: "euc-jp", source: japanese },
  euc_kr: { label: "euc-kr", source: () => many([0.3, SYLLABLES!], [0.63, hangul()], [0.05, SIGNS!]) },
  cp1251: { label: "windows-1251", source: cyrillic },
  "koi8-r": { label: "koi8-r", source: cyrillic },
  cp866: { label: "ibm866", source: cyrillic },
  cp1253: { label: "windows-1253", source: () => alphabet(GREEK!) },
  cp1255: { label: "windows-1255", source: () => alphabet(HEBREW!) },
  cp1256: { label: "windows-1256", source: () => alphabet(ARABIC!) },
  cp874: { label: "windows-874", source: () => alphabet(THAI! + points(0xe01, 0xe4f).join("")) },
  cp1252: { label: "windows-1252", source: () => alphabet(WESTERN!, true) },
  cp1250: { label: "windows-1250", source: () => alphabet(CENTRAL!, true) },
  cp1254: { label: "windows-1254", source: () => alphabet(TURKISH!, true) },
};

/** The encodings that a file can be said to be in. */
export const ENCODINGS = Object.keys(SOURCES);
