import assert from "node:assert/strict";
import test from "node:test";
import { formatHash, parseHash, PLAIN } from "../src/hash";

test("a link read back says what was written, whatever is in it", () => {
  const session = { sequence: "床前 明月&=#%光\n", step: "37", context_length: "2" };
  const screen = { lang: "zh", view: "map" as const, hide: ["state" as const, "tape" as const], guess: { context: "0,1", token: 1, percent: 60 }, present: true, more: "sizes" as const };
  assert.deepEqual(parseHash(formatHash(session, screen)), { session, screen });
});

test("nothing to say is no hash at all", () => {
  assert.equal(formatHash({}, PLAIN), "");
  assert.deepEqual(parseHash(""), { session: {}, screen: PLAIN });
});

test("views, panels and pages that do not exist are passed over", () => {
  const { screen } = parseHash("#view=hologram&hide=state,moon&more=less");
  assert.deepEqual(screen, { ...PLAIN, hide: ["state"] });
});
