// What a screen may ask, checked, as src/babygpt/studio/commands.py has it: facts.generated.ts says which commands there
// are, and of what kind each part must be.

import type { RuleName } from "../decoding";
import type { Command } from "../protocol";
import { COMMANDS } from "./facts.generated";
import { cut, repr } from "./python";
import { RefusedError, type Plain } from "./refused";
import { checkWhole } from "./setup";

const PLAIN = "a number, a text, true, false or null"; // what a setting may be, before it is checked
const LARGEST = 1e30; // no number that means anything is larger

/** The command that an object is; else a refusal that says what is wrong with it. */
export function parse(given: unknown): Command {
  const command = isObject(given) ? given : {};
  const name = command.command;
  const known = typeof name === "string" && Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!known) {
    const got = typeof name === "string" ? `There is no command ${cut(repr(name), 40)}.` : "That is no command.";
    throw refused(`${got} There are: ${Object.keys(COMMANDS).join(", ")}.`);
  }
  const said = repr(name);
  const [needed, free = {}, settings = []] = known;
  const parts = [...Object.keys({ ...needed, ...free }), ...settings];
  for (const part of Object.keys(command)) {
    if (part === "command" || parts.includes(part)) continue;
    const has = parts.length ? `Its parts: ${parts.join(", ")}.` : "It has no parts.";
    throw refused(`The command ${said} has no part ${cut(repr(part), 40)}. ${has}`);
  }
  for (const part of parts) {
    const kind = needed[part] ?? free[part] ?? PLAIN;
    const missing = command[part] === undefined;
    if (missing ? !(part in needed) : isOfKind(command[part], kind)) continue;
    const got = missing ? "it is missing" : `it got ${shown(command[part])}`;
    throw refused(`The part ${repr(part)} of the command ${said} is ${kind}; ${got}.`);
  }
  return command as unknown as Command;
}

/** The parts of a command that are settings, those given. */
export function settingsOf(command: Command): Record<string, Plain> {
  const [, , settings = []] = COMMANDS[command.command]!;
  return Object.fromEntries(Object.entries(command).filter(([part]) => settings.includes(part))) as Record<string, Plain>;
}

/** Refuse a value that a rule of decoding cannot have. */
export function checkRule(name: RuleName, value: Plain): void {
  if (name === "top_k") {
    if (value !== null) checkWhole(name, value, 1);
    return;
  }
  const x = typeof value === "number" && Number.isFinite(value) ? value : NaN;
  if (name === "temperature") {
    if (!(x >= 0)) throw RefusedError.ofSetting(name, value, "is not a finite number of at least 0 (0 is greedy).");
  } else if (value !== null && !(x <= 1 && (name === "top_p" ? x > 0 : x >= 0))) {
    const range = name === "top_p" ? "above 0 and at most 1." : "from 0 to 1.";
    throw RefusedError.ofSetting(name, value, `is not a share ${range}`);
  }
}

/** Whether a value is what a description says: "a whole number or null", "one of model, seeds", "A or B". */
function isOfKind(value: unknown, kind: string): boolean {
  if (kind.endsWith(" or null")) return value === null || isOfKind(value, kind.slice(0, -" or null".length));
  const [, many, names] = /^(?:(one|two) of )?(.*)$/.exec(kind)!;
  switch (names) {
    case "a whole number":
      return Number.isInteger(value) && Math.abs(value as number) <= LARGEST;
    case "a number":
      return typeof value === "number" && Number.isFinite(value);
    case "true or false":
      return typeof value === "boolean";
    case "a text":
      return typeof value === "string" && !/\p{Surrogate}/u.test(value);
    case "an object of texts":
      return isObject(value) && Object.entries(value).flat().every((one) => isOfKind(one, "a text"));
    case "a number, a text, true, false":
      return ["a number", "a text", "true or false"].some((one) => isOfKind(value, one));
  }
  const choices = names!.split(/, | or /);
  if (many === "two") return Array.isArray(value) && value.length === 2 && value.every((one) => choices.includes(one));
  return typeof value === "string" && choices.includes(value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The beginning of a value as it is written. */
function shown(value: unknown): string {
  const text = repr(value);
  const short = cut(text, 40);
  return short === text ? text : `${short}…`;
}

function refused(text: string): RefusedError {
  return new RefusedError(text, "command");
}
