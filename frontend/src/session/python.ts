// Values as Python writes them: what a session says is said in the same words, whichever brain says it.

import { commas } from "../numbers";
import type { Plain } from "./refused";

// What str.split() and str.strip() take for white space.
export const SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const AROUND = new RegExp(`^[${SPACE}]+|[${SPACE}]+$`, "g");
const BETWEEN = new RegExp(`[${SPACE}]+`);
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Zs}]/u;
const ESCAPES: Record<string, string> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };

export function strip(text: string): string {
  return text.replace(AROUND, "");
}

/** The words of a text. */
export function words(text: string): string[] {
  return text.split(BETWEEN).filter(Boolean);
}

/** How many characters a text has: code points, not halves of pairs. */
export function length(text: string): number {
  let n = text.length;
  for (let i = 1; i < text.length; i++) {
    const [before, here] = [text.charCodeAt(i - 1), text.charCodeAt(i)];
    if (before >= 0xd800 && before < 0xdc00 && here >= 0xdc00 && here < 0xe000) n--;
  }
  return n;
}

/** The first `most` characters. */
export function cut(text: string, most: number): string {
  return text.length <= most ? text : Array.from(text.slice(0, 2 * most)).slice(0, most).join("");
}

/** The order of two texts by their code points. */
export function byCodePoint(a: string, b: string): number {
  const [left, right] = [Array.from(a, (c) => c.codePointAt(0)!), Array.from(b, (c) => c.codePointAt(0)!)];
  for (let i = 0; i < left.length && i < right.length; i++) if (left[i] !== right[i]) return left[i]! - right[i]!;
  return left.length - right.length;
}

/** repr(value) of what JSON holds. */
export function repr(value: unknown): string {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number") return number(value);
  if (typeof value === "string") return quoted(value);
  if (Array.isArray(value)) return `[${value.map(repr).join(", ")}]`;
  return `{${Object.entries(value).map(([key, one]) => `${quoted(key)}: ${repr(one)}`).join(", ")}}`;
}

function quoted(text: string): string {
  const sign = text.includes("'") && !text.includes('"') ? '"' : "'";
  const inside = Array.from(text, (c) => {
    if (c === sign) return `\\${c}`;
    const code = c.codePointAt(0)!;
    const escape = ESCAPES[c];
    if (escape !== undefined || c === " " || !HIDDEN.test(c)) return escape ?? c;
    const digits = code.toString(16);
    return code < 0x100 ? `\\x${digits.padStart(2, "0")}` : code < 0x10000 ? `\\u${digits.padStart(4, "0")}` : `\\U${digits.padStart(8, "0")}`;
  });
  return sign + inside.join("") + sign;
}

/** A number as repr() has it; `point`: one that is whole is a float all the same. */
export function number(x: number, point = false): string {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "-inf";
  const size = Math.abs(x);
  if (Number.isInteger(x)) {
    if (!point) return BigInt(x).toString();
    if (size < 1e16) return `${x}.0`;
  }
  if (size !== 0 && (size < 1e-4 || size >= 1e16)) return exponent(x.toExponential());
  return String(x);
}

/** A number as f"{x:g}" has it: six digits, no zeros that say nothing. */
export function general(x: number): string {
  if (!Number.isFinite(x) || x === 0) return number(x);
  const power = Number(x.toExponential(5).split("e")[1]);
  if (power >= -4 && power < 6) return String(Number(x.toPrecision(6)));
  return exponent(x.toExponential(5).replace(/\.?0+e/, "e"));
}

function exponent(text: string): string {
  return text.replace(/e([+-])(\d)$/, "e$10$2");
}

/** A whole number with commas between its thousands. */
export function grouped(n: number | bigint): string {
  return commas(String(BigInt(n)));
}

/** "s" unless it is one. */
export function plural(n: number): string {
  return n === 1 ? "" : "s";
}

/** An amount of memory as a person says it. */
export function humanBytes(count: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let i = 0;
  while (i < units.length - 1 && count >= 1024) [count, i] = [count / 1024, i + 1];
  const digits = i === 0 ? 0 : 1;
  const [whole, fraction] = count.toFixed(digits).split(".");
  return `${[grouped(Number(whole)), ...(fraction ? [fraction] : [])].join(".")} ${units[i]}`;
}

/** A value as a link and a script's option say it. */
export function said(value: Plain, kind: string): string {
  if (value === null) return "";
  if (typeof value === "boolean") return value ? "1" : "0";
  return typeof value === "number" ? number(value, kind === "float") : value;
}

/** A character as JSON and JavaScript write it by its number. */
export function unicodeEscape(c: string): string {
  return `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
