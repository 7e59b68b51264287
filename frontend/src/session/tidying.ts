// What of a text may be there for the eye alone, as src/babygpt/studio/tidying.py has it.

import { MAX_HEADER } from "./facts.generated";
import { cut } from "./python";

export type Part = "breaks" | "header";

/** How the first line begins, if most of its characters are found nowhere else; null if it is as the others are. */
export function header(text: string): string | null {
  const [first = "", ...others] = text.split("\n");
  const rest = others.join("\n");
  const found = new Set(rest);
  const its = [...new Set(first)];
  const own = its.filter((c) => !found.has(c)).length;
  return rest.replace(/^\n+|\n+$/g, "").includes("\n") && 2 * own > its.length ? cut(first, MAX_HEADER) : null;
}

/** A text without one of these; where it has blanks, one takes the place of a line break. */
export function without(text: string, part: Part): string {
  if (part === "header") return text.split("\n").slice(1).join("\n");
  return text
    .split("\n")
    .filter((line) => line)
    .join(text.includes(" ") ? " " : "");
}
