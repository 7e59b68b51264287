// Work that may take long is done in steps: a generator that yields between them, so that whoever asks can be answered
// meanwhile, and returns what came out.

export type Steps<T> = Generator<void, T, void>;

/** Do all steps at once. */
export function finish<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}
