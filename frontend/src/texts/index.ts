// The screen's sentences. English names the keys; every other language must have each of them, which the compiler
// checks. In a text, {name} stands for a value and {name:state|states} for a word that agrees with a number.

import { en } from "./en";
import { zh } from "./zh";

export type Key = keyof typeof en;
export type Values = Record<string, string | number>;
export type Text = (key: Key, values?: Values) => string;

interface Spoken {
  readonly texts: Record<Key, string>;
  readonly name: string; // on the button that changes to it
  readonly tag: string; // as HTML's lang
}

/** The languages of the screen; the first is spoken where none that is wished for is here. */
export const LANGUAGES = {
  en: { texts: en, name: "EN", tag: "en" },
  zh: { texts: zh, name: "中文", tag: "zh-Hans" },
} satisfies Record<string, Spoken>;
export type Language = keyof typeof LANGUAGES;
const CODES = Object.keys(LANGUAGES) as [Language, ...Language[]];

/** The language asked for ("zh", "zh-CN", "en"), or else the browser's. */
export function languageOf(asked: string | null): Language {
  const wishes = asked ? [asked] : typeof navigator === "undefined" ? [] : navigator.languages;
  for (const wish of wishes) {
    const code = CODES.find((code) => code === wish.split("-")[0]!.toLowerCase());
    if (code) return code;
  }
  return CODES[0];
}

/** The language after this one, in a round. */
export function languageAfter(language: Language): Language {
  return CODES[(CODES.indexOf(language) + 1) % CODES.length]!;
}

export function fill(text: string, values: Values = {}): string {
  return text.replace(/\{(\w+)(?::([^|}]*)\|([^}]*))?\}/g, (whole, name: string, one?: string, many?: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    if (one !== undefined && many !== undefined) return Number(String(value).replaceAll(",", "")) === 1 ? one : many;
    return String(value);
  });
}

export function translate(language: Language): Text {
  return (key, values) => fill(LANGUAGES[language].texts[key], values);
}

export function isKey(key: string): key is Key {
  return key in en;
}
