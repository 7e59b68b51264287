// What passes between the session, which thinks, and the screen, which draws. `studio/session.py` is the other end.
//
// The session's state is a handful of *views*, each whole in itself, never a change to an earlier one. A host (the
// studio's WebSocket, a notebook, an exported file) carries views to the screen and commands back.

import type { Signal } from "@preact/signals";

/** How numbers travel: as they are, or as base64 of little-endian bytes where there are many. */
export type Packed = string;

/** What is learnt, how, and what follows from that alone. Changes with every `configure`. */
export interface Setup {
  version: number; // counts the changes of the setup; a frame with another version belongs to an earlier one
  name: string; // of the preset or the file; "" for what was typed
  text: string | null; // the sequence, or null if it is too long to be edited here
  tokens: number[]; // the first of its tokens, at most 400
  n_tokens: number;
  symbols: string[]; // the vocabulary, raw
  labels: string[]; // the same made visible: a blank is ␣
  separator: string; // between the symbols of a context: "" or " ", or a sign such as ", "
  lines: boolean; // whether each line is a sequence of its own; then −1 stands between two among the tokens
  settings: Settings;
  n_states: number;
  n_arrows: number;
  n_parameters: number;
  n_examples: number; // or, of weighted data, what the weights add up to
  seen: Packed; // bit s (byte s >> 3, bit s & 7): whether the data goes on from state s
  n_seen: number;
  ended: Packed; // likewise: whether the data ends in state s and never goes on from there
  floor: number; // nats per token: the lowest loss the data allows
  uniform: number; // ln V
  map: [number, number] | null; // width and height of the map in pixels, if frames come as a map
  presets: string[];
  limits: { states: number; steps: number; text: number };
}

export interface Settings {
  context_length: number;
  vocabulary: string | null; // given symbols, or null: those that occur
  tokens: "chars" | "words";
  separator: string | null; // what stands between two names, or null: white space, or the commas of a list
  lines: boolean | null; // each line a sequence of its own, or null: if they are several, of words
  steps: number; // in all
  stop_gap: number | null; // stop when the loss is within so many nats of the floor
  learning_rate: number;
  weight_decay: number;
  n_layer: number;
  n_head: number;
  n_embd: number;
  bias: boolean;
  positions: "last" | "all";
  batch_size: number | null;
  seed: number;
}

export type Subject = "model" | "seeds" | "data" | "A" | "B";

/** The chain as it is shown now. */
export interface Frame {
  version: number;
  step: number;
  source: "model" | "seeds" | "data" | "difference"; // of many seeds, the median of each arrow
  compare: [Subject, Subject]; // what is subtracted from what in a difference: first − second
  signed: boolean; // whether values are differences: of two subjects, or what a token holds
  /** The token pointed at, whose effect on every arrow is shown if it is known: the arrow as it is, less what it is
   *  when the token is another (the mean over the others) and the GPT is retrained. `silence` says why it is not. */
  token: { position: number; known: boolean; silence: "" | "moving" | "untrained" | "turned" | "large" } | null;
  /** (n_states × n_symbols), row by row: probabilities; if signed −1 … 1; null where nothing is known.
   *  null as a whole where there is a map instead. */
  values: (number | null)[] | null;
  /** For more than 256 states: two bytes a pixel, row by row from the top: token, strength 0 … 255.
   *  Token 255: never seen. If signed the first byte is 0 for less and 1 for more of the second token than the
   *  other has (two symbols), or 2 for a distance (more symbols). */
  map: Packed | null;
  pi: number[] | null; // the share of each state in the long run; null beside a map, or where it is not known (yet)
  turned: boolean; // the weights are not those of training: a knob is turned
}

export type Standing = "exact" | "computing" | "moving" | "large" | "unknown";

/** What the shown chain amounts to, in nats per token. What takes longer than a frame comes later: "computing" until it
 *  does. "moving": it is not computed while frames pass by; "large": nor for so many states; "unknown": it does not
 *  settle. */
export interface Numbers {
  loss: number | null; // null: infinite, since something that occurs in the data is ruled out
  gap: number | null; // loss − floor, infinite with it
  entropy_rate: number | null; // null: not known, and `long_run` says why
  long_run: Standing; // whether the entropy rate, and the share of each state in the long run, are known
  mixing_time: number | null; // tokens; null: infinite or not known
  mixing: Standing | "infinite";
}

export interface Curve {
  steps: number[]; // at most 600 points
  losses: number[];
  recorded: number[] | null; // the steps that can be shown, where not all can
}

export interface Player {
  step: number; // the playhead
  trained: number; // steps done
  total: number; // steps asked for
  training: boolean;
  playing: boolean;
  speed: number | null; // steps per second; null: as fast as training goes
  stopped: "" | "gap" | "diverged"; // why training ended before its steps
}

/** The selected state, model beside data. null: none is selected. */
export interface Selected {
  state: number;
  tokens: number[]; // its context, oldest first
  model: number[]; // (V) probabilities under the decoding in force
  data: number[]; // (V) counts
  n: number; // how often it occurs in the data
  pi: number | null; // its share in the long run; null: `long_run` among the numbers says why
  successors: number[]; // (V) states
  predecessors: { state: number; token: number; p: number }[];
  attention: { step: number; weights: number[][][][] } | null; // (layer, head, reading, read)
  layers: number[][] | null; // (n_layer + 1, V): what it would say if it stopped after 0, 1, … layers
}

/** The tape of sampled tokens and where the ball is. */
export interface Tape {
  tokens: number[]; // the last ones drawn, newest last, at most 64; the first n_context are the start
  fresh: number; // counts the tokens drawn since the tape was begun
  state: number; // where the ball is
  from: number | null; // where it came from, by `token`
  token: number | null;
  p: number | null; // how likely that was
  wandering: boolean;
}

export interface Decoding {
  temperature: number; // 0 is greedy
  top_k: number | null;
  top_p: number | null;
  min_p: number | null;
}

export interface Knobs {
  position: number; // 0: initial weights, 1: trained; null-free: 1 when untouched
  reach: [number, number]; // from where to where the position goes
  tensors: { name: string; shape: number[] }[];
  tensor: string | null; // the one shown
  values: Packed | null; // float32, row by row
  place: number | null; // flat place of the number held, in the tensor shown
  value: number | null; // its value in training
  by: number; // what is added to it
  ready: boolean; // whether there is a trained GPT to turn
}

export interface Pins {
  A: { step: number; seed: number; context_length: number; fits: boolean } | null;
  B: { step: number; seed: number; context_length: number; fits: boolean } | null;
}

/** What many seeds say at the step shown, as far as they are trained; null: they are not shown. */
export interface Seeds {
  asked: number; // how many there will be
  n: number; // how many have come so far, at this step
  lost: number; // how many more did not stay finite
  step: number; // whose chains these are: the step shown, or the last one before that is kept
  low: (number | null)[] | null; // of each arrow the 5 % quantile; null where frames come as a map, or nothing is known
  high: (number | null)[] | null; // 95 %
  /** The selected state, by token, of at most 64: */
  selected: {
    tokens: number[];
    likeliest: number[]; // share of the seeds that find this token likeliest
    low: number[];
    median: number[];
    high: number[];
    below: number[] | null; // share of the other seeds whose arrow is weaker than this seed's
    before: number[]; // (V) medians of the arrows that lead here, in the order of the selected state's predecessors
    histogram: number[][]; // how many seeds lie in each twentieth from 0 to 1
  } | null;
}

/** A window of rows for the table of a large chain. */
export interface Rows {
  first: number;
  values: (number | null)[][]; // (rows, V), as in a frame
  counts: number[][]; // (rows, V) in the data
}

export interface Notice {
  id: number;
  code: string; // of a text in the language of the screen; "library": `text` says it
  field: string | null; // the setting that is meant
  values: Record<string, string | number>;
  text: string; // in English
}

export interface Views {
  setup: Setup;
  frame: Frame;
  numbers: Numbers;
  curve: Curve;
  player: Player;
  selected: Selected | null;
  tape: Tape;
  decoding: Decoding;
  knobs: Knobs;
  pins: Pins;
  seeds: Seeds | null;
  rows: Rows | null;
  link: Record<string, string>; // what the link says of the session: everything that is not as it begins
  code: { python: string; command: string } | null; // null: nobody asked, see the command; it may hold the whole text
  notice: Notice | null;
}

export type Command =
  | { command: "open"; link: Record<string, string> } // make the session as a link says
  | ({ command: "configure"; sequence?: string; name?: string } & Partial<Settings>)
  | { command: "file"; name: string; data: string } // learn a file's text; its bytes as base64
  | { command: "preset"; name: string }
  | { command: "train" } // up to the steps in the settings, and play
  | { command: "more"; steps: number } // so many steps more than there are
  | { command: "pause" } // the playhead; training under way goes on
  | { command: "stop" } // the training
  | { command: "play" }
  | { command: "step" } // one recorded step on; trains one if there is none
  | { command: "rewind" } // to the initial weights
  | { command: "seek"; step: number } // to the nearest recorded step
  | { command: "skip"; by: number } // that many recorded steps on, or back
  | { command: "speed"; speed: number | null }
  | { command: "show"; source: Frame["source"]; compare?: [Subject, Subject] }
  | { command: "seeds"; n: number } // how many are many
  | { command: "attribute"; position: number | null } // someone points at a token of the sequence
  | { command: "select"; state: number | null }
  | { command: "walk"; token: number } // the ball takes that arrow
  | { command: "place"; state: number } // the ball is put there
  | { command: "wander"; on: boolean }
  | { command: "decode"; temperature?: number; top_k?: number | null; top_p?: number | null; min_p?: number | null }
  | { command: "pin"; slot: "A" | "B" }
  | { command: "unpin"; slot: "A" | "B" }
  | { command: "turn"; position: number } // from the initial weights (0) to the trained (1) and beyond
  | { command: "tensor"; name: string }
  | { command: "nudge"; place: number; by: number }
  | { command: "release" } // all knobs as training left them
  | { command: "rows"; first: number | null } // the table's window; null: no table is shown
  | { command: "code"; on: boolean } // whether a panel shows the scripts: only then do they travel
  | { command: "dismiss" }; // the notice

/** What a host may give the screen beyond the model: a connection that can be lost, files to fetch. */
export interface Host {
  status: Signal<"connecting" | "open" | "lost" | "refused">;
  begun: Signal<number>; // counts the sessions met: another one knows nothing of what this screen asked before
  /** Why the connection was closed: a code, a colon, and a sentence in English. The codes: full (no place or no memory
   *  left), address (too many sessions of one address), windows (too many show this session), flood, large, nonsense
   *  (what was sent is too much, too large, or no JSON), id (no page makes such a session), failed (by a mistake of the
   *  studio's own; the session is lost), closed (the studio ends), away (nobody was there, and the session is no more). */
  reason: Signal<string>;
  download(file: string): string; // the address of chain.svg, chain.png, chain.dot, chain.json, chain.csv, run.zip
}

/** What a host gives the screen: the front-end interface of anywidget. */
export interface Model {
  readonly host?: Host;
  get<K extends keyof Views>(key: K): Views[K] | undefined;
  on(event: string, callback: (...args: unknown[]) => void): void;
  off(event: string, callback: (...args: unknown[]) => void): void;
  send(command: Command): void;
}
