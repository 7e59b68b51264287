import assert from "node:assert/strict";
import test from "node:test";
import { Chain } from "../src/engine/chain";
import { ARTICLE_GPT, ARTICLE_TRAINING } from "../src/engine/config";
import { Corpus } from "../src/engine/corpus";
import { GPT } from "../src/engine/gpt";
import { PCG64 } from "../src/engine/pcg64";
import { longRunSteps } from "../src/engine/stationary";
import { finish } from "../src/engine/steps";
import { Trainer } from "../src/engine/train";
import { answer, arrival, beginning, type Game, hundredths, likeliestPath, longRun, namesOf, play, reached, strokes } from "../src/game/game";
import { close } from "./engine/goldens";

const draws = new PCG64(0);
const uniform = (): number => draws.random();

/** Rows that sum to 1, some of whose entries are tiny or 0. */
function randomRows(n: number, V: number): number[] {
  return Array.from({ length: n }, () => {
    const row = Array.from({ length: V }, () => (uniform() < 0.2 ? 0 : uniform() ** 8));
    row[Math.floor(uniform() * V)]! += 1e-3;
    const sum = row.reduce((a, b) => a + b);
    return row.map((p) => p / sum);
  }).flat();
}

const SIZES: [number, number][] = [[2, 1], [2, 3], [2, 6], [3, 3], [4, 3], [8, 2], [27, 1], [64, 1]];

test("in each state the numbers 1 to 100 are each of one arrow, of which none is off by a hundredth", () => {
  for (const [V, K] of SIZES) {
    const n = V ** K;
    const probs = randomRows(n, V);
    const game = play(probs, V, K, 0);
    game.squares.forEach(({ moves, tooRare }, state) => {
      const numbers = moves.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, i) => first + i));
      assert.deepEqual(numbers, Array.from({ length: 100 }, (_, i) => i + 1));
      for (let token = 0; token < V; token++) {
        const p = probs[state * V + token]!;
        const move = moves.find((move) => move.token === token);
        const share = move ? move.last - move.first + 1 : 0;
        assert.ok(Math.abs(share - 100 * p) < 1, `${V}^${K} ${state} ${token}`);
        assert.equal(tooRare.includes(token), p > 0 && share === 0);
        if (move) assert.equal(move.to, game.played.successor(state, token));
      }
    });
  }
});

test("what rounding down leaves goes to the largest remainders, and of equal ones to the first", () => {
  assert.deepEqual(hundredths([0.454, 0.546]), [45, 55]);
  assert.deepEqual(hundredths([1 / 3, 1 / 3, 1 / 3]), [34, 33, 33]);
  assert.deepEqual(hundredths([0.875, 0.125]), [88, 12]);
  assert.deepEqual(hundredths([0.125, 0.875]), [13, 87]);
  assert.deepEqual(hundredths([0.445, 0.555]), [45, 55]); // 100 × 0.555 is a little more than 55.5
  assert.deepEqual(hundredths([0.007, 0.4965, 0.4965]), [1, 50, 49]);
  assert.deepEqual(hundredths([0.29, 0.57, 0.14]), [29, 57, 14]); // 100 × 0.29 is a little less than 29
  assert.deepEqual(hundredths([0.003, 0.997]), [0, 100]);
});

/** Two states: from 0 one stays with 1/2, from 1 one always goes back: π = (2/3, 1/3). */
const twoStates = (start = 0): Game => play([0.5, 0.5, 1, 0], 2, 1, start);

test("a chain of two states, solved by hand", () => {
  const { long, most, never, path, far, again, stops, hardest, surest } = answer(twoStates());
  close(long, [2 / 3, 1 / 3], 1e-12);
  assert.deepEqual([most, never, hardest, surest], [[0], [], [0], [1]]);
  // of five moves three must leave 0 at least, which halve; of the ways in which no more do, the one whose tokens come first
  assert.deepEqual(path.states, [0, 0, 1, 0, 1, 0]);
  close([path.p], [1 / 8], 1e-12);
  close([far!.to, far!.moves], [1, 2], 1e-12); // a coin until heads
  close([again!.state, again!.moves], [0, 1.5], 1e-12);
  assert.equal(stops, null);
});

test("strokes and how groups differ in them, counted over every walk of six moves", () => {
  const { played, squares } = play([0.3, 0.7, 0.6, 0.4, 1, 0, 0.25, 0.75], 2, 2, 1);
  const mean = new Float64Array(4);
  const squared = new Float64Array(4);
  const walk = (state: number, left: number, p: number, counts: number[]): void => {
    if (left === 0) return counts.forEach((count, i) => ((mean[i]! += p * count), (squared[i]! += p * count ** 2)));
    for (const { to, first, last } of squares[state]!.moves) {
      walk(to, left - 1, (p * (last - first + 1)) / 100, counts.map((count, i) => count + (i === to ? 1 : 0)));
    }
  };
  walk(1, 6, 1, [0, 0, 0, 0]);
  const found = strokes(played, 1, 6);
  close(found.mean, mean, 1e-12);
  close(found.spread, squared.map((square, i) => Math.sqrt(square - mean[i]! ** 2)), 1e-9);
});

test("how long it takes and where it leads is what the equations of first steps say", () => {
  for (const [V, K] of SIZES.slice(0, 5)) {
    const { played } = play(randomRows(V ** K, V), V, K, 0);
    const targets = new Set([V ** K - 1]);
    const from = (state: number): number => arrival(played, state, targets)?.moves ?? Infinity;
    const after = Array.from({ length: V ** K }, (_, state) => from(state));
    after.forEach((moves, state) => {
      if (targets.has(state)) return assert.equal(moves, 0);
      let next = 1;
      for (let token = 0; token < V; token++) {
        const p = Math.exp(played.logProbs[state * V + token]!);
        if (p > 0) next += p * after[played.successor(state, token)]!;
      }
      if (Number.isFinite(next) || Number.isFinite(moves)) assert.ok(Math.abs(moves / next - 1) < 1e-9, `${V}^${K} ${state}`);
    });
  }
});

test("a walk that may end in two places is in each as often as walks from the start come there", () => {
  // 0 goes to 0 and 1 alike; 1 and 2 stay for good
  const game = play([0.2, 0.4, 0.4, 0, 1, 0, 0, 0, 1], 3, 1, 0);
  close(longRun(game.played, 0), [0, 0.5, 0.5], 1e-12);
  const { far, again, left, never } = answer(game);
  assert.deepEqual([far, again, left, never], [null, null, [], []]);
  const away = answer(play([0.2, 0.8, 0, 0, 1, 0, 0, 0, 1], 3, 1, 0));
  assert.deepEqual([away.left, away.never, away.again], [[0], [2], { state: 1, moves: 1 }]);
});

test("where the data stops, the walk does", () => {
  // 01 goes on with 0 alone, 10 with 1 or, half the time, with 0, and after 00 nothing is known
  const values = [null, null, 1, 0, 0.5, 0.5, null, null];
  assert.equal(beginning(values, [0, 0, 1], 2, 2), 1); // 00, where the text begins, has no arrows
  assert.equal(beginning(values, [1, 0, 1], 2, 2), 2);
  assert.equal(beginning(values, [1, -1, 0], 2, 2), 1);
  const game = play(values, 2, 2, 2);
  assert.deepEqual(game.squares[0], { moves: [], tooRare: [] });
  const { long, stops, never, far, again, left, path } = answer(game);
  close(long, [1, 0, 0, 0], 1e-12);
  close([stops!], [3], 1e-12); // (1/2) 1 + (1/2) (2 + the same)
  assert.deepEqual([never, far, again, left], [[3], null, null, []]);
  assert.deepEqual(path.states, [2, 1, 2, 1, 2, 0]);
});

test("the article's game is near its GPT, and both long runs are the engine's", () => {
  const trainer = new Trainer(GPT.seeded(ARTICLE_GPT, 1337), Corpus.ofTokens([..."111101111011110"].map(Number), 2, 3), ARTICLE_TRAINING);
  for (let i = 0; i < 50; i++) trainer.step();
  const chain = Chain.ofGPT(trainer.gpt);
  const game = play([...chain.logProbs.map(Math.exp)], 2, 3, 7);
  assert.deepEqual(game.squares.map(({ moves }) => moves[0]!.last), [27, 22, 24, 20, 25, 21, 22, 55]);
  const { long, exact, mean, path } = answer(game);
  close(exact, finish(longRunSteps(chain))!, 1e-12);
  close(long, finish(longRunSteps(game.played))!, 1e-12);
  close(long, exact, 0, 0.005);
  close([mean.reduce((a, b) => a + b)], [100], 1e-9);
  assert.deepEqual(path.states, [7, 6, 5, 3, 7, 6]);
  close([path.p], [0.55 * 0.78 * 0.79 * 0.8 * 0.55], 1e-12);
});

test("no way is likelier than the likeliest path", () => {
  const { played } = play(randomRows(9, 3), 3, 2, 0);
  const { states, p } = likeliestPath(played, 0, 4);
  let most = 0;
  const walk = (state: number, left: number, q: number): void => {
    if (left === 0) most = Math.max(most, q);
    else for (let token = 0; token < 3; token++) walk(played.successor(state, token), left - 1, q * Math.exp(played.logProbs[state * 3 + token]!));
  };
  walk(0, 4, 1);
  close([p], [most], 1e-12);
  assert.equal(states.length, 5);
});

test("where a walk never comes, no arrow leads", () => {
  assert.deepEqual([...reached(twoStates().played, 0)].sort(), [0, 1]);
  assert.deepEqual([...reached(play([1, 0, 1, 0], 2, 1, 1).played, 1)], [0]);
});

test("names on the board are unlike each other, or else numbers", () => {
  const cut = (name: string): string => name.slice(0, 3);
  assert.deepEqual(namesOf(["rain", "sun"], cut), ["rai", "sun"]);
  assert.deepEqual(namesOf(["rain", "rail", "sun"], cut), ["1", "2", "3"]);
});
