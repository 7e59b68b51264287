import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import test from "node:test";
import { fill, LANGUAGES, languageAfter, languageOf } from "../src/texts";

const places = (text: string) => new Set([...text.matchAll(/\{(\w+)/g)].map((match) => match[1]));

test("every text of each language uses the values that English uses", () => {
  for (const [key, english] of Object.entries(LANGUAGES.en.texts)) {
    for (const { texts, name } of Object.values(LANGUAGES)) {
      const other = texts[key as keyof typeof LANGUAGES.en.texts];
      assert.deepEqual([...places(other)].sort(), [...places(english)].sort(), `${name}: ${key}`);
    }
  }
});

test("one goes round through all languages and comes back", () => {
  const round: string[] = [];
  for (let at = languageOf("en"), n = Object.keys(LANGUAGES).length; n > 0; n--) round.push((at = languageAfter(at)));
  assert.deepEqual(round.sort(), Object.keys(LANGUAGES).sort());
});

test("no text is empty, and no Chinese text is left in English", () => {
  const alike = new Set(["preset.article", "decoding.top_k", "decoding.top_p", "decoding.min_p", "subject.A", "subject.B", "tour.at"]);
  const words = (text: string) => /[a-z]/i.test(text.replace(/\{[^}]*\}/g, ""));
  for (const [key, english] of Object.entries(LANGUAGES.en.texts)) {
    const chinese = LANGUAGES.zh.texts[key as keyof typeof LANGUAGES.en.texts];
    assert.ok(english && chinese, key);
    if (words(english) && !/^share\.file\./.test(key) && !alike.has(key)) assert.match(chinese, /[\u4e00-\u9fff]/, key);
  }
});

test("values and words that agree with a number are filled in", () => {
  assert.equal(fill("{n} {n:token|tokens}", { n: 1 }), "1 token");
  assert.equal(fill("{n} {n:token|tokens}", { n: "1,024" }), "1,024 tokens");
  assert.equal(fill("{missing} stays", {}), "{missing} stays");
});

test("the language asked for wins over the browser's, and any Chinese is Chinese", () => {
  assert.equal(languageOf("zh-TW"), "zh");
  assert.equal(languageOf("en-GB"), "en");
  assert.equal(languageOf("fr"), "en");
});

test("every text is used: its key is written out in the code, or begins as one that is put together", () => {
  const files = (readdirSync("src", { recursive: true }) as string[]).filter((name) => /\.tsx?$/.test(name) && !/texts.(en|zh)/.test(name));
  const code = files.map((name) => readFileSync(`src/${name}`, "utf8")).join("\n");
  const beginnings = [...code.matchAll(/`(\w+\.[\w.]*)\$\{/g)].map((match) => match[1]!);
  const unused = Object.keys(LANGUAGES.en.texts).filter(
    (key) => key.includes(".") && !code.includes(`"${key}"`) && !beginnings.some((beginning) => key.startsWith(beginning)),
  );
  assert.deepEqual(unused, []);
});
