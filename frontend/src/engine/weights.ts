// The weights of a GPT: all in one array, which training moves as one, and drawn from a seed as torch draws them.

import type { GPTConfig } from "./config";
import { Generator } from "./generator";

/** Where a parameter stands among all: its first number, and its shape, rows then columns. */
export interface Place {
  readonly at: number;
  readonly shape: readonly number[];
}

/** Where each part of a block begins; −1 for a bias that there is not. */
export interface BlockPlaces {
  readonly ln1Weight: number;
  readonly ln1Bias: number;
  readonly attnWeight: number; // (3C, C): queries, keys and values
  readonly attnBias: number;
  readonly attnProjWeight: number; // (C, C)
  readonly attnProjBias: number;
  readonly ln2Weight: number;
  readonly ln2Bias: number;
  readonly fcWeight: number; // (4C, C)
  readonly fcBias: number;
  readonly projWeight: number; // (C, 4C)
  readonly projBias: number;
}

/** The parameters of a GPT by torch's names, in torch's order. The output head is `wte.weight` again. */
export function parameterPlaces(config: GPTConfig): Map<string, Place> {
  const { n_embd: C, bias } = config;
  const places = new Map<string, Place>();
  let at = 0;
  const add = (name: string, ...shape: number[]) => {
    places.set(name, { at, shape });
    at += shape.reduce((a, b) => a * b);
  };
  const linear = (name: string, outputs: number, inputs: number) => {
    add(`${name}.weight`, outputs, inputs);
    if (bias) add(`${name}.bias`, outputs);
  };
  const norm = (name: string) => {
    add(`${name}.weight`, C);
    add(`${name}.bias`, C);
  };
  add("wte.weight", config.vocab_size, C);
  add("wpe.weight", config.block_size, C);
  for (let layer = 0; layer < config.n_layer; layer++) {
    norm(`h.${layer}.ln_1`);
    linear(`h.${layer}.attn.c_attn`, 3 * C, C);
    linear(`h.${layer}.attn.c_proj`, C, C);
    norm(`h.${layer}.ln_2`);
    linear(`h.${layer}.mlp.c_fc`, 4 * C, C);
    linear(`h.${layer}.mlp.c_proj`, C, 4 * C);
  }
  norm("ln_f");
  return places;
}

/** How many numbers a GPT consists of; the shared embedding counts once. */
export function countParameters(config: GPTConfig): number {
  let n = 0;
  for (const { shape } of parameterPlaces(config).values()) n += shape.reduce((a, b) => a * b);
  return n;
}

export function blockPlaces(places: Map<string, Place>, layer: number): BlockPlaces {
  const at = (name: string) => places.get(`h.${layer}.${name}`)?.at ?? -1;
  return {
    ln1Weight: at("ln_1.weight"),
    ln1Bias: at("ln_1.bias"),
    attnWeight: at("attn.c_attn.weight"),
    attnBias: at("attn.c_attn.bias"),
    attnProjWeight: at("attn.c_proj.weight"),
    attnProjBias: at("attn.c_proj.bias"),
    ln2Weight: at("ln_2.weight"),
    ln2Bias: at("ln_2.bias"),
    fcWeight: at("mlp.c_fc.weight"),
    fcBias: at("mlp.c_fc.bias"),
    projWeight: at("mlp.c_proj.weight"),
    projBias: at("mlp.c_proj.bias"),
  };
}

/**
 * The weights that torch.manual_seed(seed) leads to. They are drawn twice: torch fills each layer as it is made, and the
 * GPT draws over all of it. Of the first draws only how many they are matters.
 */
export function drawWeights(config: GPTConfig, seed: number): Float64Array {
  const { n_embd: C, vocab_size: V } = config;
  const places = parameterPlaces(config);
  const weights = new Float64Array(countParameters(config));
  const generator = new Generator(seed);
  const normal = (name: string, deviation = 0.02) => {
    const { at, shape } = places.get(name)!;
    generator.normal(weights.subarray(at, at + shape.reduce((a, b) => a * b)), deviation);
  };
  const linears = ["attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj"];
  const layers = Array.from({ length: config.n_layer }, (_, layer) => `h.${layer}.`);

  normal("wte.weight");
  normal("wpe.weight");
  const [inBlock, biases] = [12 * C * C, 9 * C]; // uniform numbers
  generator.skip(config.n_layer * (inBlock + (config.bias ? biases : 0)) + V * C);

  normal("wte.weight");
  normal("wpe.weight");
  for (const layer of layers) for (const name of linears) normal(`${layer}${name}.weight`);
  normal("wte.weight"); // as the output head
  const deviation = 0.02 / Math.sqrt(2 * config.n_layer); // of what writes into the residual stream
  for (const layer of layers) for (const name of linears) if (name.endsWith("c_proj")) normal(`${layer}${name}.weight`, deviation);

  for (const [name, { at }] of places) if (/ln_.\.weight$/.test(name)) weights.fill(1, at, at + C);
  return weights;
}
