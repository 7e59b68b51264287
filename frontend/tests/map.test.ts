import assert from "node:assert/strict";
import test from "node:test";
import { mix, shades } from "../src/map/colours";
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

test("shades run from the faintest to the full colour", () => {
  const made = shades([255, 255, 255], [0, 0, 0], 0.2);
  assert.deepEqual(made[0], mix([255, 255, 255], [0, 0, 0], 0.2));
  assert.deepEqual(made[255], [0, 0, 0]);
});
