import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { colourStates, paletteOf, type Rgb } from "../src/map/colours";
import { cellOf, labelled } from "../src/map/layout";
import { mapLength, mapSize, pixelOf, pixelsOf, suffixAt } from "../src/map/suffix";

test("states and pixels are one to one, and each finds the other", () => {
  for (const [V, length] of [[2, 3], [2, 10], [3, 4], [27, 2], [5, 1]] as const) {
    const [width, height] = mapSize(V, length);
    assert.equal(width * height, V ** length);
    assert.equal(mapLength(V, width, height), length);
    const taken = new Set<number>();
    for (let state = 0; state < V ** length; state++) {
      const [x, y] = pixelOf(state, V, length);
      assert.ok(x < width && y < height);
      assert.equal(suffixAt(x, y, V, length), state);
      taken.add(y * width + x);
    }
    assert.equal(taken.size, V ** length);
  }
});

test("the newest token picks the half: the pixels of three tokens, as the session lays them out", () => {
  const rows = [0, 1].map((y) => [0, 1, 2, 3].map((x) => suffixAt(x, y, 2, 3)));
  assert.deepEqual(rows, [[0, 4, 1, 5], [2, 6, 3, 7]]);
});

test("a pixel holds the likeliest token and how far it is from knowing nothing", () => {
  const values = [0.5, 0.5, 0.25, 0.75, 1, 0, null, null];
  const at = (state: number) => {
    const [x, y] = pixelOf(state, 2, 2);
    const place = 2 * (2 * y + x);
    return [...pixelsOf(values, 2, 2, false).slice(place, place + 2)];
  };
  assert.deepEqual([at(0), at(1), at(2), at(3)], [[0, 0], [1, 128], [0, 255], [255, 0]]);
});

test("in a difference a pixel holds the sign of the second token, or for more symbols the distance", () => {
  assert.deepEqual([...pixelsOf([0.5, -0.5, -1, 1], 2, 1, true)], [0, 128, 1, 255]);
  assert.deepEqual([...pixelsOf([0.5, -0.5, 0, 0, 0, 0, 1, -1, 0], 3, 1, true)].slice(0, 4), [2, 128, 2, 0]);
});

test("every state has as many pixels as any other, and the map fills the room that it has", () => {
  const rooms = [[358, 300], [900, 620], [1200, 1000], [2000, 1200], [90, 50]] as const;
  for (const [V, length] of [[2, 3], [3, 3], [2, 8], [27, 2], [2, 16], [27, 3], [300, 1]] as const)
    for (const room of rooms) {
      const states = mapSize(V, length);
      const cell = cellOf(room, states);
      assert.ok(Number.isInteger(cell[0]) && Number.isInteger(cell[1]) && cell[0] >= 1 && cell[1] % cell[0] === 0);
      const fits = (pixels: number) => pixels * states[0] <= room[0] && pixels * states[1] <= room[1];
      if (cell[0] > 1) assert.ok(fits(cell[0]));
      assert.ok(!fits(Math.max(...cell) + 1));
    }
});

test("labels of an axis stand in the middle of what is seen of their strips, and never touch", () => {
  assert.deepEqual(labelled(2, 100, 10, 0, 200), [{ strip: 0, at: 50 }, { strip: 1, at: 150 }]);
  assert.deepEqual(labelled(2, 400, 10, 100, 500), [{ strip: 0, at: 150 }, { strip: 1, at: 350 }]);
  assert.deepEqual(labelled(27, 8, 14, 0, 216).map(({ strip }) => strip), [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26]);
});

const CSS = readFileSync("src/style.css", "utf8");
/** The colours of a scheme as style.css has them, by name. */
function scheme(dark: boolean): (name: string) => Rgb {
  const all = [...CSS.matchAll(/(--[\w-]+): #([0-9a-f]{3,6});/g)].filter(([, name]) => name === "--paper" || name!.startsWith("--token"));
  const half = all.slice(dark ? all.length / 2 : 0);
  return (name) => {
    const n = Number.parseInt(half.find((one) => one[1] === name)![2]!, 16);
    return [n >> 16, (n >> 8) & 255, n & 255];
  };
}

test("no depth of one token's colour is taken for another token's", () => {
  for (const dark of [false, true]) {
    const of = scheme(dark);
    const tints = [...Array(8).keys()].map((token) => of(`--token-${token}`));
    const { colours } = paletteOf(of("--paper"), tints, 0.12, [0, 0, 0], (token) => token);
    const at = (token: number, depth: number) => [0, 8, 16].map((shift) => (colours[256 * token + depth]! >> shift) & 255);
    for (let a = 0; a < 7; a++)
      for (let b = 0; b < 7; b++)
        for (let depth = 160; a !== b && depth < 256; depth++) {
          const apart = Math.min(...[...Array(256).keys()].map((other) => Math.hypot(...at(b, other).map((c, i) => c - at(a, depth)[i]!))));
          assert.ok(apart > 12, `${dark} ${a} ${b} ${depth} ${apart}`);
        }
  }
});

test("the bytes of a state say which colour it has: token and depth, not known, and whether it is faded", () => {
  const palette = paletteOf([255, 255, 255], [[0, 0, 0], [255, 0, 0]], 0.2, [1, 2, 3], (token) => Math.min(token, 1));
  const out = new Uint32Array(4);
  colourStates(out, Uint8Array.of(0, 255, 7, 255, 255, 0, 0, 0), palette, null);
  assert.deepEqual([...out].map((c) => c.toString(16)), ["ff000000", "ff0000ff", "ff030201", "ffcccccc"]);
  colourStates(out, Uint8Array.of(0, 255, 7, 255, 255, 0, 0, 0), palette, Uint8Array.of(1, 0, 0, 0));
  assert.deepEqual([...out].map((c) => c.toString(16)), ["ffb3b3b3", "ff0000ff", "ff030201", "ffcccccc"]);
});
