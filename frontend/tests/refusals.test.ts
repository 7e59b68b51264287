// What a screen says of a setting that is refused is true of that setting, in each language.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Model, Notice } from "../src/protocol";
import { Screen } from "../src/screen";
import { Limits, Session } from "../src/session";

/** The sentence for a value of a setting. */
function told(language: "en" | "zh", setting: string, value: unknown): string {
  const session = new Session(Limits.ofAPage());
  session.handle({ command: "configure", [setting]: value });
  const notice = session.changed({}).views.notice as Notice;
  const screen = new Screen({ get: () => undefined } as unknown as Model);
  screen.language.value = language;
  return screen.objection(notice);
}

const MOST = "9,223,372,036,854,775,807";

for (const value of [99999999999999999999, 1e21, -1, 0.5]) {
  for (const [setting, least, most] of [
    ["seed", "0", MOST],
    ["n_embd", "1", MOST],
    ["n_head", "1", MOST],
    ["steps", "1", "100,000"],
    ["batch_size", "1", "1,048,576"],
    ["n_layer", "1", "100"],
  ] as const) {
    test(`${setting}=${value} is told the limits of ${setting}`, () => {
      const [en, zh] = [told("en", setting, value), told("zh", setting, value)];
      if (value > 1 && most !== MOST) {
        assert.match(en, new RegExp(`more than the studio’s limit of ${most}\\.$`));
        assert.match(zh, new RegExp(`超过了工作室的上限 ${most}。$`));
      } else {
        assert.match(en, new RegExp(`Give a whole number from ${least} to ${most}\\.$`));
        assert.match(zh, new RegExp(`请给出 ${least} 到 ${most} 之间的整数。$`));
      }
    });
  }
}

test("what is not finite is told so", () => {
  for (const setting of ["learning_rate", "weight_decay", "stop_gap"]) {
    assert.match(told("en", setting, Infinity), /did not understand/); // JSON has no such number
    assert.match(told("en", setting, "1e999"), /Give a finite number/);
    assert.match(told("zh", setting, "1e999"), /有限数。$/);
  }
});
