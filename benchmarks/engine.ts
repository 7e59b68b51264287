// How long the page's engine takes, as JSON: engine.py bundles this and runs it in node.

import { gzipSync } from "node:zlib";
import { readFileSync } from "node:fs";
import { Chain } from "../frontend/src/engine/chain";
import { ARTICLE_GPT, ARTICLE_TRAINING } from "../frontend/src/engine/config";
import { Corpus } from "../frontend/src/engine/corpus";
import { GPT } from "../frontend/src/engine/gpt";
import { Trainer } from "../frontend/src/engine/train";

const corpus = Corpus.ofTokens([..."111101111011110"].map(Number), 2, 3);

/** The seconds of each of several rounds, after as many that are not counted. */
function seconds(rounds: number, run: () => void): number[] {
  for (let i = 0; i < rounds; i++) run();
  return Array.from({ length: rounds }, () => {
    const start = performance.now();
    run();
    return (performance.now() - start) / 1000;
  });
}

function steps(everything: boolean): number[] {
  const trainer = new Trainer(GPT.seeded(ARTICLE_GPT, 1337), corpus, ARTICLE_TRAINING, everything);
  const table = new Float64Array(28);
  const hundred = () => {
    for (let i = 0; i < 100; i++) {
      trainer.step();
      if (everything) trainer.table(table);
    }
  };
  return seconds(15, hundred).map((time) => time / 100);
}

const large = GPT.seeded({ ...ARTICLE_GPT, block_size: 12 }, 1337);
const times = { framed: steps(true), bare: steps(false), read: seconds(9, () => Chain.ofGPT(large)) };
const sizes = { packed: gzipSync(readFileSync(process.argv[2]!), { level: 9 }).length };
console.log(JSON.stringify({ ...times, ...sizes }));
