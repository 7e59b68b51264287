// Written by make protocol from studio/commands.py and studio/protocol.py: change those.

/** How numbers travel where there are many: as base64 of little-endian bytes. */
export type Packed = string;

export type Source = "model" | "seeds" | "data" | "difference";

export type Subject = "model" | "seeds" | "data" | "A" | "B";

/** How a number stands: "exact", or why it is not known. "computing": it comes later; "moving": it is not computed while frames pass by; "large": nor for so many states; "unknown": it does not settle. */
export type Standing = "exact" | "computing" | "moving" | "large" | "unknown";

/** All views by name. Each is sent whole when it has changed, never a change to an earlier one. */
export interface Views {
  setup: Setup;
  frame: Frame;
  numbers: Numbers;
  curve: Curve;
  trace: Trace | null;
  player: Player;
  selected: Selected | null;
  tape: Tape;
  decoding: Decoding;
  knobs: Knobs;
  pins: Pins;
  seeds: Seeds | null;
  rows: Rows | null;
  short: Short | null;
  link: Record<string, string>; // what the link says of the session: everything that is not as it begins
  code: Code | null;
  notice: Notice | null;
}

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
  breaks: number; // how many line breaks are tokens
  header: string | null; // the first line, if it seems to be no part of the text; then too they are
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
  limits: SessionLimits;
}

/** The settings of the screen; the defaults are the article's. See `babygpt.TrainConfig` and its like. */
export interface Settings {
  context_length: number;
  vocabulary: string | null;
  tokens: "chars" | "words";
  separator: string | null;
  lines: boolean | null;
  steps: number;
  stop_gap: number | null;
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

/** What a session may take. */
export interface SessionLimits {
  states: number;
  steps: number;
  text: number; // characters
}

/** The chain as it is shown now. */
export interface Frame {
  version: number;
  step: number;
  source: Source; // of many seeds, the median of each arrow
  compare: [Subject, Subject]; // what is subtracted from what in a difference: first − second
  signed: boolean; // whether values are differences: of two subjects, or the effect of a token
  token: PointedToken | null;
  /** (n_states × n_symbols), row by row: probabilities; if signed −1 … 1; null where nothing is known. null as a whole where there is a map instead. */
  values: (number | null)[] | null;
  /** For more than 256 states: two bytes a pixel, row by row from the top: token, strength 0 … 255. Token 255: never seen. If signed the first byte is 0 for less and 1 for more of the second token than the other has (two symbols), or 2 for a distance (more symbols). */
  map: Packed | null;
  pi: number[] | null; // the share of each state in the long run; null beside a map, or where it is not known (yet)
  turned: boolean; // the weights are not those of training: a knob is turned
}

/** The token pointed at, whose effect on every arrow is shown if it is known. */
export interface PointedToken {
  position: number;
  known: boolean;
  silence: "" | "moving" | "untrained" | "turned" | "large";
}

/** What the shown chain amounts to, in nats per token. */
export interface Numbers {
  loss: number | null; // null: infinite, since something that occurs in the data is ruled out
  gap: number | null; // loss − floor, infinite with it
  entropy_rate: number | null; // null: not known, and `long_run` says why
  long_run: Standing; // whether the entropy rate, and the share of each state in the long run, are known
  mixing_time: number | null; // tokens; null: infinite or not known
  mixing: Standing | "infinite";
}

/** The losses of the training so far. */
export interface Curve {
  steps: number[]; // at most 600 points
  losses: number[];
  recorded: number[] | null; // the steps that can be shown, where not all can
}

/** How a state went through training, before decoding. null: none is selected, or there are too many. */
export interface Trace {
  state: number;
  steps: number[]; // at most 120, the first and the last recorded among them
  tokens: number[]; // at most 4: those that were ever the most likely
  probs: number[][]; // (steps, tokens)
  flips: number[]; // the steps of these at which another token became the likeliest
}

/** Where the training is, and where the playhead. */
export interface Player {
  step: number; // the playhead
  trained: number; // steps done
  total: number; // steps asked for
  training: boolean;
  playing: boolean;
  speed: number | null; // steps per second; null: as fast as training goes
  stopped: "" | "gap" | "diverged"; // why training ended before its steps
  undo: number; // how many changes of text or settings can be taken back
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
  predecessors: Predecessor[];
  attention: Attention | null;
  layers: number[][] | null; // (n_layer + 1, V): what it would predict if it stopped after 0, 1, … layers
}

/** A state from which an arrow leads to another. */
export interface Predecessor {
  state: number;
  token: number; // leads from there; the same from all predecessors
  p: number; // how likely it is drawn there
}

/** What each position reads of which, on the way to the next token. */
export interface Attention {
  step: number;
  weights: number[][][][]; // (layer, head, reading, read)
}

/** The tape of sampled tokens and where the ball is. */
export interface Tape {
  from: number | null; // where it came from, by `token`
  tokens: number[]; // the last ones drawn, newest last, at most 64; the first n_context are the start
  fresh: number; // counts the tokens drawn since the tape was begun
  state: number; // where the ball is
  token: number | null;
  p: number | null; // how likely that was
  wandering: boolean;
}

/** Rules of decoding, in the order in which they act; by default none does. */
export interface Decoding {
  temperature: number;
  top_k: number | null;
  top_p: number | null;
  min_p: number | null;
}

/** What is turned of the weights. */
export interface Knobs {
  position: number; // 0: initial weights, 1: trained; 1 when untouched
  reach: [number, number]; // from where to where the position goes
  tensors: TensorShape[];
  tensor: string | null; // the one shown
  values: Packed | null; // float32, row by row
  place: number | null; // flat place of the number held, in the tensor shown
  value: number | null; // its value in training
  by: number; // what is added to it
  ready: boolean; // whether there is a trained GPT to turn
}

/** A tensor of the GPT. */
export interface TensorShape {
  name: string;
  shape: number[];
}

/** The chains that were kept, by slot. */
export interface Pins {
  A: Pinned | null;
  B: Pinned | null;
}

/** A chain that was kept. */
export interface Pinned {
  step: number;
  seed: number;
  context_length: number;
  fits: boolean; // whether it can be compared with the one shown
  ready: boolean; // whether it is there; else it is trained again
}

/** What many seeds give at the step shown, as far as they are trained; null: they are not shown. */
export interface Seeds {
  asked: number; // how many there will be
  n: number; // how many have come so far, at this step
  lost: number; // how many more did not stay finite
  step: number; // whose chains these are: the step shown, or the last one before that is kept
  low: (number | null)[] | null; // of each arrow the 5 % quantile; null beside a map, or where nothing is known
  high: (number | null)[] | null; // 95 %
  selected: StateOfSeeds | null;
}

/** The arrows of the selected state over many seeds, by token, of at most 64. */
export interface StateOfSeeds {
  tokens: number[];
  likeliest: number[]; // share of the seeds that find this token likeliest
  low: number[];
  median: number[];
  high: number[];
  below: number[] | null; // share of the other seeds whose arrow is weaker than this seed's
  before: number[]; // (V) medians of the arrows that lead here, in the order of the selected state's predecessors
  histogram: number[][]; // how many seeds lie in each twentieth from 0 to 1
}

/** A window of rows for the table of a large chain. */
export interface Rows {
  first: number;
  values: ((number | null)[])[]; // (rows, V), as in a frame
  counts: number[][]; // (rows, V) in the data
}

/** What follows the contexts shorter than K, which a text begins with. null: nobody asked, see the command. */
export interface Short {
  n: number; // how many there are: V + V² + … + V^(K − 1)
  /** (n × V), row by row, one token before two and so on: probabilities under the decoding in force; null as a whole for more than 256 contexts. */
  values: number[] | null;
}

/** The session as scripts. null: nobody asked, see the command; it may hold the whole text. */
export interface Code {
  python: string;
  command: string;
}

/** Why something was not done, or what else there is to know. */
export interface Notice {
  id: number;
  code: string; // of a text in the language of the screen; "library": `text` says it
  field: string | null; // the setting that is meant
  values: Record<string, string | number>;
  text: string; // in English
}

export type Command =
  | { command: "open"; link: Record<string, string> } // Make the session as a link says.
  | { command: "file"; name: string; data: string; encoding?: string; suits?: boolean } // Learn a file's text, with settings that suit it if asked, or go on where a page is; its bytes as base64.
  | { command: "fit"; text: string } // Learn a text with settings that suit it.
  | { command: "tidy"; part: "breaks" | "header" } // Leave out of the text what is there for the eye alone.
  | { command: "preset"; name: string } // Learn an example.
  | { command: "undo" } // Take back the last change of text or settings: what was learnt before is trained again.
  | { command: "train" } // Train up to the steps in the settings, and play.
  | { command: "more"; steps: number } // Train so many steps more than there are.
  | { command: "stop" } // End the training.
  | { command: "pause" } // Stop the playhead; training under way goes on.
  | { command: "play" } // Let the playhead go on, from the start if it is at the end.
  | { command: "step" } // Go one recorded step on; train one if there is none.
  | { command: "rewind" } // Go to the initial weights.
  | { command: "seek"; step: number } // Go to the nearest recorded step.
  | { command: "skip"; by: number } // Go that many recorded steps on, or back.
  | { command: "speed"; speed: number | null } // Play so many steps a second; null: as fast as training goes.
  | { command: "show"; source: Source; compare?: [Subject, Subject] } // Show the arrows of another source; of a difference: of what.
  | { command: "seeds"; n: number } // Say how many seeds are many.
  | { command: "pin"; slot: "A" | "B" } // Keep the chain shown, to compare with.
  | { command: "unpin"; slot: "A" | "B" } // Keep it no more.
  | { command: "code"; on: boolean } // Say whether a panel shows the scripts: only then do they travel.
  | { command: "short"; on: boolean } // Say whether the contexts shorter than K are shown: only then do they travel.
  | { command: "dismiss" } // Take the notice away.
  | { command: "wander"; on: boolean } // Let the ball move by itself, or not.
  | { command: "turn"; position: number } // Go from the initial weights (0) to the trained (1) and beyond.
  | { command: "release" } // Put all knobs as training left them.
  | ({ command: "configure"; sequence?: string; name?: string } & Partial<Settings>) // Learn another text, or the same with other settings; what is left out stays.
  | ({ command: "decode" } & Partial<Decoding>) // Decode otherwise; what is left out stays.
  | { command: "attribute"; version?: number | null; position: number | null } // Point at a token of the sequence, or at none.
  | { command: "tensor"; version?: number | null; name: string } // Show a tensor.
  | { command: "nudge"; version?: number | null; place: number; by: number } // Add to one number of the tensor shown.
  | { command: "select"; version?: number | null; state: number | null } // Look at a state beside the chain, or at none.
  | { command: "rows"; version?: number | null; first: number | null } // Show the table's window from a row on; null: no table is shown.
  | { command: "walk"; version?: number | null; token: number } // Let the ball take the arrow of a token.
  | { command: "place"; version?: number | null; state: number }; // Put the ball in a state.
