// What stands between two names of a text, and how a text is parted into names, as src/babygpt/gpt/separators.py has it.

import { SPACE, strip, words } from "./python";
import { RefusedError } from "./refused";

// What may stand between names that come as a list, in the order in which it is tried.
const SEPARATORS = [" ", ", ", "; ", " | ", " / ", "\t", " · ", " ¦ ", " ‖ ", " ␟ "];
// The signs by which people part a list, and what is then said to part it.
const SIGNS: Record<string, string> = { ",": ", ", ";": "; ", "，": "，", "、": "、", "；": "；" };
// A number with a decimal comma, or one for its thousands, is no list.
const NUMBER = /(?<![\d,])\d+,\d+(?![\d,])/;
const BLANK = SPACE.replace("\\t-\\r", "\\t\\x0b-\\r"); // white space but the line feed

/** The separator without the blanks around it, unless it is nothing but blanks. */
export function core(separator: string): string {
  if (!separator) {
    const told = "separator='' parts no words. Use ' ' for white space, or a sign such as ','.";
    throw new RefusedError(told, "vocabulary", "vocabulary");
  }
  return strip(separator) || separator;
}

/** The names that a text is made of; " " stands for any white space, and a line break parts names in any case. */
export function splitNames(text: string, separator = " "): string[] {
  if (separator === " ") return words(text);
  return text.split("\n").flatMap((line) => {
    const parts = line.split(core(separator)).map(strip);
    return parts.at(-1) ? parts : parts.slice(0, -1);
  });
}

/** What may stand between names, so that each is read as one. */
export function separatorFor(names: readonly string[]): string {
  return SEPARATORS.find((sign) => names.every((name) => isAlone(splitNames(name, sign), name))) ?? " ";
}

export function isAlone(parts: readonly string[], name: string): boolean {
  return parts.length === 1 && parts[0] === name;
}

/** What parts the words of a text: a sign if it is a list, with `least` of them, else white space. */
export function listSeparator(text: string, least = 2): string {
  const whole = `\n${text}`;
  for (const [sign, parted] of Object.entries(SIGNS)) {
    // what no list has: two words in a line with no sign between them, a sign with no word before it
    const unparted = new RegExp(`[^${SPACE}${sign}][${BLANK}]+[^${SPACE}${sign}]|[\\n${sign}][${BLANK}]*${sign}`, "u");
    if (unparted.test(whole) || (sign === "," && NUMBER.test(whole))) continue;
    if (text.split(sign).length - 1 >= least) return parted;
  }
  return " ";
}

/** The lines of a text, without those that are blank. */
export function linesOf(text: string): string[] {
  return text.split("\n").filter((line) => strip(line));
}
