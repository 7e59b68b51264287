import assert from "node:assert/strict";
import test from "node:test";
import { Generator } from "../../src/engine/generator";
import { PCG64 } from "../../src/engine/pcg64";
import { close, golden } from "./goldens";

interface Generators {
  torch: { seed: number; sizes: number[]; normal: number[][]; uniform: number[] }[];
  numpy: { seeds: number[]; random: number[]; integers: Record<string, number[]> }[];
}
const [{ torch, numpy }] = golden<Generators>("generators") as [Generators];

test("the Mersenne Twister's ten thousandth number is the one that C++ asks for", () => {
  const generator = new Generator(5489);
  generator.skip(9999);
  assert.equal(generator.bits(), 4123659995);
});

test("normal numbers of any count are those of torch's normal_, also after each other", () => {
  for (const { seed, sizes, normal, uniform } of torch) {
    const generator = new Generator(seed);
    sizes.forEach((size, i) => {
      const out = new Float64Array(size);
      generator.normal(out, 0.02);
      close(out, normal[i]!, 1e-6, 1e-9, `seed ${seed}, ${size} numbers`);
    });
    close(uniform.map(() => generator.uniform()), uniform, 0, 1e-12, `seed ${seed}, uniform`);
  }
});

test("whole numbers and fractions are those of numpy.random.default_rng", () => {
  for (const { seeds, random, integers } of numpy) {
    const generator = new PCG64(...seeds);
    close(random.map(() => generator.random()), random, 1e-11);
    for (const [n, wanted] of Object.entries(integers)) {
      const again = new PCG64(...seeds);
      assert.deepEqual(wanted.map(() => again.integer(Number(n))), wanted);
    }
  }
});
