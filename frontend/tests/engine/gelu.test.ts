import test from "node:test";
import { density, normalBelow } from "../../src/engine/gelu";
import { close } from "./goldens";

test("the normal distribution is that of tables, and 0 and 1 far out", () => {
  const known = [[0, 0.5], [1, 0.8413447460685429], [-1, 0.15865525393145705], [1.959963984540054, 0.975], [-3, 0.0013498980316300933]];
  for (const [x, p] of known) close([normalBelow(x!)], [p!], 0, 1e-15);
  close([normalBelow(-40), normalBelow(40), normalBelow(NaN)].slice(0, 2), [0, 1], 0);
});

test("its slope is the density, and what lies above x lies below −x", () => {
  for (let x = -9.5; x < 9.5; x += 0.0137) {
    close([(normalBelow(x + 1e-4) - normalBelow(x - 1e-4)) / 2e-4], [density(x)], 0, 1e-8);
    close([normalBelow(x) + normalBelow(-x)], [1], 0, 4e-16);
  }
});
