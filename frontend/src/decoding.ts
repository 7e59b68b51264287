// The rules of decoding as the screen asks for them; src/babygpt/chain/decoding.py says what each does. A rule is a line
// here and its name in each of texts/.

interface Rule {
  plain: number | null; // the value that changes nothing, as the session says it
  reach: (V: number) => [number, number]; // from where to where its slider goes, over V symbols
  off: 0 | 1 | null; // the end of that reach at which a cut leaves everything; null: it is no cut
  step: number;
  digits: number;
  range: string; // the name of the sentence that says what it must be
}

export const RULES = {
  temperature: { plain: 1, reach: () => [0, 3], off: null, step: 0.05, digits: 2, range: "zero" },
  top_k: { plain: null, reach: (V: number) => [1, V], off: 1, step: 1, digits: 0, range: "counted" },
  top_p: { plain: null, reach: () => [0.05, 1], off: 1, step: 0.05, digits: 2, range: "share" },
  min_p: { plain: null, reach: () => [0, 1], off: 0, step: 0.05, digits: 2, range: "share" },
} as const satisfies Record<string, Rule>;

export type RuleName = keyof typeof RULES;
export type Decoding = { [Name in RuleName]: (typeof RULES)[Name]["plain"] extends null ? number | null : number };

export const RULE_NAMES = Object.keys(RULES) as RuleName[];
export const PLAIN = Object.fromEntries(RULE_NAMES.map((name) => [name, RULES[name].plain])) as unknown as Decoding;

export function isPlain(decoding: Decoding): boolean {
  return RULE_NAMES.every((name) => decoding[name] === PLAIN[name]);
}
