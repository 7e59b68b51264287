// What a page can save: its chain in the formats of src/babygpt/draw/formats.py, its run as babygpt loads it, and what
// another page begins with.

import { contextOf } from "../contexts";
import { countRows } from "../engine/tree";
import { packed } from "../packed";
import { MAX_KEPT, VERSION } from "./facts.generated";
import type { RecordedHistory } from "./history";
import { length, number, unicodeEscape } from "./python";
import { sha256 } from "./sha256";
import type { Stage } from "./stage";
import { visible } from "./vocabulary";
import { joined, zipped } from "./zip";

export interface Content {
  readonly content: string | Uint8Array;
  readonly type: string;
}

const HARMFUL = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** A file of what there is now; throws if there is none of this name. */
export function fileOf(file: string, stage: Stage): Content {
  switch (file) {
    case "chain.json":
      return { content: json(stage), type: "application/json" };
    case "chain.csv":
      return { content: csv(stage), type: "text/csv" };
    case "chain.dot":
      return { content: dot(stage), type: "text/vnd.graphviz" };
    case "run.zip":
      return { content: run(stage), type: "application/zip" };
    case "beginning.json":
      return { content: JSON.stringify(beginning(stage)), type: "application/json" };
  }
  throw new Error(`This page cannot make ${file}. The program can: babygpt studio.`);
}

/** What another page begins with to be as this one: its link, and its history. */
function beginning(stage: Stage): { link: Record<string, string>; recorded: RecordedHistory | null } {
  const { playback, setup } = stage;
  const { link } = stage;
  if (link.too_long) {
    delete link.too_long;
    link.sequence = setup.text; // a file has room for it
  }
  if (playback.trained === 0 || stage.training) return { link, recorded: null };
  const { steps, table } = historyOf(stage);
  return { link, recorded: { steps, table: packed(table), losses: playback.losses } };
}

/** The chains that are recorded, the last one among them, each with the short contexts before the states. */
function historyOf(stage: Stage): { steps: readonly number[]; table: Float32Array } {
  const { playback } = stage;
  const steps = playback.kept;
  const size = playback.chain(0).table.length;
  const table = new Float32Array(steps.length * size);
  steps.forEach((step, frame) => table.set(playback.chain(step).table, frame * size));
  return { steps, table };
}

// -- the chain

/** Each context, and its arrows: by token the probability and the context that it leads to. */
function arrows(stage: Stage): { state: number; context: string; token: number; symbol: string; p: number; to: number; next: string }[] {
  const { setup } = stage;
  const { chain, probs } = stage.shown;
  const { symbols } = setup.reading.vocabulary;
  const V = symbols.length;
  const contexts = Array.from({ length: setup.nStates }, (_, state) => setup.context(state));
  return contexts.flatMap((context, state) =>
    symbols.map((symbol, token) => {
      const to = chain.successor(state, token);
      return { state, context, token, symbol, p: probs[state * V + token]!, to, next: contexts[to]! };
    }),
  );
}

function json(stage: Stage): string {
  const { vocabulary } = stage.setup.reading;
  // as entries: an object would sort "10" before "01", and has a __proto__ of its own
  const contexts = new Map<string, Map<string, { probability: number; next: string }>>();
  for (const { context, symbol, p, next } of arrows(stage)) {
    const of = contexts.get(context) ?? new Map();
    contexts.set(context, of.set(symbol, { probability: p, next }));
  }
  const content = {
    context_length: stage.setup.config.block_size,
    vocabulary: vocabulary.symbols,
    tokens: vocabulary.tokens,
    separator: vocabulary.separator,
  };
  const each = Array.from(contexts, ([context, of]) => {
    const lines = Array.from(of, ([symbol, to]) => `   ${JSON.stringify(symbol)}: ${indented(to, "   ")}`);
    return `  ${JSON.stringify(context)}: {\n${lines.join(",\n")}\n  }`;
  });
  const text = `${indented(content, "").slice(0, -2)},\n "contexts": {\n${each.join(",\n")}\n }\n}`;
  return `${text.replace(HARMFUL, unicodeEscape)}\n`;
}

/** A value as JSON, its lines as far in as where it stands. */
function indented(value: unknown, by: string): string {
  return JSON.stringify(value, null, 1).replaceAll("\n", `\n${by}`);
}

function csv(stage: Stage): string {
  const quoted = (text: string) => `"${harmless(text).replaceAll('"', '""')}"`;
  const lines = arrows(stage).map(({ state, context, symbol, p, to, next }) =>
    [state, quoted(context), quoted(symbol), number(p), to, quoted(next)].join(),
  );
  return ['"state","context","token","probability","next_state","next"', ...lines, ""].join("\n");
}

function dot(stage: Stage): string {
  const { setup } = stage;
  const label = (text: string) => `"${escaped(text).replaceAll('"', '\\"')}"`;
  const contexts = Array.from({ length: setup.nStates }, (_, state) => setup.context(state));
  const plain = contexts.every((context) => !/\\|^%/.test(context) && !/[\p{C}\p{Z}]/u.test(context.replaceAll(" ", "")));
  const name = (state: number) => (plain ? `"${contexts[state]!.replaceAll('"', '\\"')}"` : String(state));
  const { vocab_size: V, block_size: K } = setup.config;
  const apart = new Set(contexts.map(escaped)).size === contexts.length;
  const shown = apart ? contexts : contexts.map((_, state) => setup.reading.vocabulary.labelOf(contextOf(state, V, K)));
  const nodes = shown.map((context, state) => `  ${name(state)} [label=${label(context)}];`);
  const edges = arrows(stage).map(
    ({ state, symbol, p, to }) => `  ${name(state)} -> ${name(to)} [label=${label(arrowLabel(symbol, p))}, probability="${number(p, true)}"];`,
  );
  return ["digraph chain {", "  layout=circo;", "  node [shape=circle];", ...nodes, ...edges, "}", ""].join("\n");
}

function escaped(text: string): string {
  return harmless(text.replace(NO_SHAPE, visible)).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("\\", "\\\\");
}

/** What ends a line, or has no shape at all. */
const NO_SHAPE = /[\x00-\x08\n-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]/g;

/** A text with what could harm where it is shown made visible. */
function harmless(text: string): string {
  return text.replace(HARMFUL, visible);
}

function arrowLabel(symbol: string, p: number): string {
  const percent = 100 * p;
  if (percent > 0 && percent < 0.5) return `${symbol}(<1%)`;
  return percent >= 99.5 && percent < 100 ? `${symbol}(>99%)` : `${symbol}(${Math.round(percent)}%)`;
}

// -- the run, as src/babygpt/run/files.py writes it

type Numbers = { readonly kind: "F32" | "F64" | "I64"; readonly shape: readonly number[]; readonly bytes: Uint8Array };

function run(stage: Stage): Uint8Array {
  const { playback, setup } = stage;
  if (stage.training) throw new Error("The training is under way. Stop it first, or let it end.");
  playback.catchUp();
  const { corpus, config, settings } = setup;
  const { vocab_size: V, block_size: K } = config;
  const { gpt, adamw } = playback.recording.trainer;
  const { steps, table } = historyOf(stage);
  const ofWeights = (prefix: string, all: Float64Array): [string, Numbers][] =>
    Array.from(playback.places, ([name, { at, shape }]) => {
      const size = shape.reduce((a, b) => a * b);
      return [prefix + name, float32(new Float32Array(all.subarray(at, at + size)), shape)];
    });
  const counts = int64(corpus.counts, [corpus.states.length, V]);
  const contents: [string, [string, Numbers][]][] = [
    ["weights.safetensors", ofWeights("", gpt.weights)],
    ["optimizer.safetensors", [...ofWeights("exp_avg.", adamw.mean), ...ofWeights("exp_avg_sq.", adamw.square)]],
    ["history.safetensors", [
      ["steps", int64(steps, [steps.length])],
      ["table", float32(table, [steps.length, countRows(V, K), V])],
    ]],
    ["corpus.safetensors", [
      ["contexts", int64(corpus.contexts().flat(), [corpus.states.length, K])],
      ["counts", counts],
      ["ends", int64(corpus.endStates.flatMap((state) => contextOf(state, V, K)), [corpus.endStates.length, K])],
    ]],
  ]; // prettier-ignore
  const files = new Map(contents.map(([name, arrays]) => [name, safetensors(new Map(arrays))]));
  const { symbols, tokens, separator } = setup.reading.vocabulary;
  const { learning_rate, weight_decay, positions, batch_size, seed } = settings;
  const header = {
    format: 2,
    versions: { babygpt: VERSION },
    gpt: { ...config },
    train: { steps: playback.total, learning_rate, weight_decay, positions, batch_size, seed, device: "cpu" },
    vocabulary: { symbols, tokens, separator },
    losses: playback.losses,
    ...(length(setup.text) <= MAX_KEPT ? { text: setup.text } : {}),
    files: Object.fromEntries(Array.from(files, ([name, data]) => [name, sha256(data)])),
  };
  const checksum = sha256(new TextEncoder().encode(canonical(header)));
  files.set("run.json", new TextEncoder().encode(canonical({ ...header, checksum })));
  return zipped(new Map(Array.from(files, ([name, data]) => [`run/${name}`, data])));
}

/** A value as json.dumps(value, sort_keys=True, separators=(",", ":")) writes it. */
function canonical(value: unknown): string {
  if (typeof value === "number") return number(value);
  if (typeof value === "string") {
    return JSON.stringify(value).replace(/[\x7f-\uffff]/g, unicodeEscape);
  }
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, one]) => `${canonical(key)}:${canonical(one)}`).join(",")}}`;
}

/** A safetensors file: how long its header is, the header, and all numbers. */
function safetensors(arrays: ReadonlyMap<string, Numbers>): Uint8Array {
  const described: Record<string, unknown> = {};
  let at = 0;
  for (const [name, { kind, shape, bytes }] of arrays) {
    described[name] = { dtype: kind, shape, data_offsets: [at, (at += bytes.length)] };
  }
  const text = JSON.stringify(described);
  const head = new TextEncoder().encode(text.padEnd(8 * Math.ceil(text.length / 8)));
  const length = new Uint8Array(new BigUint64Array([BigInt(head.length)]).buffer);
  return joined([length, head, ...Array.from(arrays.values(), ({ bytes }) => bytes)]);
}

function float32(values: Float32Array, shape: readonly number[]): Numbers {
  return { kind: "F32", shape, bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) };
}

function int64(values: Iterable<number>, shape: readonly number[]): Numbers {
  return { kind: "I64", shape, bytes: new Uint8Array(BigInt64Array.from(values, BigInt).buffer) };
}
