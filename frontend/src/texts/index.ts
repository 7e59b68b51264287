// The screen's sentences. English names the keys; every other language must have each of them, which the compiler
// checks. In a text, {name} stands for a value and {name:state|states} for a word that agrees with a number.

import { en } from "./en";
import { zh } from "./zh";

export type Key = keyof typeof en;
export type Language = "en" | "zh";
export type Values = Record<string, string | number>;
export type Text = (key: Key, values?: Values) => string;

export const LANGUAGES: Record<Language, Record<Key, string>> = { en, zh };

/** The language asked for ("zh", "zh-CN", "en"), or else the browser's. */
export function languageOf(asked: string | null): Language {
  const wishes = asked ? [asked] : typeof navigator === "undefined" ? [] : navigator.languages;
  const first = wishes.find((wish) => /^(en|zh)\b/i.test(wish));
  return first?.toLowerCase().startsWith("zh") ? "zh" : "en";
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
  return (key, values) => fill(LANGUAGES[language][key], values);
}

export function isKey(key: string): key is Key {
  return key in en;
}
