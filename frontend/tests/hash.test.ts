import assert from "node:assert/strict";
import test from "node:test";
import { formatHash, parseHash } from "../src/hash";

test("a link read back says what was written, whatever is in it", () => {
  const session = { sequence: "床前 明月&=#%光\n", step: "37", context_length: "2" };
  const screen = { lang: "zh", view: "map" as const, hide: ["state" as const, "tape" as const], more: "sizes" as const };
  assert.deepEqual(parseHash(formatHash(session, screen)), { session, screen });
});

test("nothing to say is no hash at all", () => {
  assert.equal(formatHash({}, { lang: null, view: null, hide: [], more: null }), "");
  assert.deepEqual(parseHash(""), { session: {}, screen: { lang: null, view: null, hide: [], more: null } });
});

test("views, panels and pages that do not exist are passed over", () => {
  const { screen } = parseHash("#view=hologram&hide=state,moon&more=less");
  assert.deepEqual(screen, { lang: null, view: null, hide: ["state"], more: null });
});
