// What a session will not do, and why, as src/babygpt/studio/limits.py has it.

import { cut, repr } from "./python";

/** What a setting can be. */
export type Plain = number | string | boolean | null;

/** Says which setting is meant, and why: a screen finds the sentence in its own language by the `code`. */
export class RefusedError extends Error {
  constructor(
    text: string,
    readonly code: string,
    readonly field: string | null = null,
    readonly values: Record<string, string | number> = {},
  ) {
    super(text);
  }

  /** The refusal of a value that a setting cannot have; `wrong` ends the sentence, `own` are its least and most. */
  static ofSetting(field: string, value: unknown, wrong: string, own: Record<string, string | number> = {}): RefusedError {
    const values = { value: cut(repr(value), 60), ...own };
    return new RefusedError(`${field}=${repr(value)} ${wrong}`, "setting", field, values);
  }
}
