// The article's training step, as others do it in a browser: TensorFlow.js on the CPU and jax-js in WebAssembly, beside
// the page's engine, in turns. All read all eight contexts in each step, so that its chain is known. As JSON: engine.py
// bundles this and runs it in node.

import * as jax from "@jax-js/jax";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-core/dist/register_all_gradients";
import { ARTICLE_GPT, ARTICLE_TRAINING } from "../../frontend/src/engine/config";
import { Corpus } from "../../frontend/src/engine/corpus";
import { GPT } from "../../frontend/src/engine/gpt";
import { Trainer } from "../../frontend/src/engine/train";

const { n_embd: C, n_head: H, n_layer, block_size: K } = ARTICLE_GPT;
const { learning_rate: RATE, weight_decay: DECAY } = ARTICLE_TRAINING;
const [BETA1, BETA2] = [0.9, 0.999];
const corpus = Corpus.ofTokens([..."111101111011110"].map(Number), 2, K);
const contexts = Array.from({ length: 8 }, (_, s) => [s >> 2, (s >> 1) & 1, s & 1]);
const shares = Array.from({ length: 8 }, (_, s) => {
  const i = corpus.states.indexOf(s);
  return i < 0 ? [0, 0] : [corpus.counts[2 * i]! / corpus.nExamples, corpus.counts[2 * i + 1]! / corpus.nExamples];
});
const begun = GPT.seeded(ARTICLE_GPT, 1337);
const tensors = Array.from(begun.places, ([name, { at, shape }]) => ({
  name,
  shape: [...shape],
  values: new Float32Array(begun.weights.subarray(at, at + shape.reduce((a, b) => a * b))),
}));

function ours(): () => number {
  const trainer = new Trainer(GPT.seeded(ARTICLE_GPT, 1337), corpus, ARTICLE_TRAINING, true);
  const table = new Float64Array(28);
  return () => {
    const loss = trainer.step();
    trainer.table(table);
    return loss;
  };
}

async function tensorflow(): Promise<() => number> {
  await tf.setBackend("cpu");
  const weights = Object.fromEntries(tensors.map(({ name, shape, values }) => [name, tf.variable(tf.tensor(values, shape))]));
  const w = (name: string) => weights[name]!;
  const { add, mul, div, sub, sqrt, matMul, reshape, transpose } = tf;
  const tokens = tf.tensor(contexts.flat(), [8 * K], "int32");
  const targets = tf.tensor(shares);
  const mask = tf.tensor([0, -1e9, -1e9, 0, 0, -1e9, 0, 0, 0], [1, 1, K, K]);
  const norm = (x: tf.Tensor, name: string) => {
    const { mean, variance } = tf.moments(x, -1, true);
    return add(mul(div(sub(x, mean), sqrt(add(variance, 1e-5))), w(`${name}.weight`)), w(`${name}.bias`));
  };
  const linear = (x: tf.Tensor, name: string) => matMul(x, w(`${name}.weight`), false, true);
  const heads = (x: tf.Tensor) => transpose(reshape(x, [8, K, H, C / H]), [0, 2, 1, 3]);
  const gelu = (x: tf.Tensor) => {
    const inner = mul(add(x, mul(mul(mul(x, x), x), 0.044715)), Math.sqrt(2 / Math.PI));
    return mul(mul(x, 0.5), add(tf.tanh(inner), 1));
  };
  const loss = () => {
    let x: tf.Tensor = add(tf.gather(w("wte.weight"), tokens), tf.tile(w("wpe.weight"), [8, 1]));
    for (let layer = 0; layer < n_layer; layer++) {
      const [q, k, v] = tf.split(linear(norm(x, `h.${layer}.ln_1`), `h.${layer}.attn.c_attn`), 3, 1).map(heads);
      const taken = tf.softmax(add(div(matMul(q!, k!, false, true), Math.sqrt(C / H)), mask));
      const gathered = reshape(transpose(matMul(taken, v!), [0, 2, 1, 3]), [8 * K, C]);
      x = add(x, linear(gathered, `h.${layer}.attn.c_proj`));
      x = add(x, linear(gelu(linear(norm(x, `h.${layer}.ln_2`), `h.${layer}.mlp.c_fc`)), `h.${layer}.mlp.c_proj`));
    }
    const last = reshape(tf.slice(reshape(norm(x, "ln_f"), [8, K, C]), [0, K - 1, 0], [8, 1, C]), [8, C]);
    return tf.neg(tf.sum(mul(tf.logSoftmax(matMul(last, w("wte.weight"), false, true)), targets))) as tf.Scalar;
  };
  const adam = tf.train.adam(RATE, BETA1, BETA2, 1e-8);
  return () =>
    tf.tidy(() => {
      const { value, grads } = tf.variableGrads(loss);
      for (const { name } of tensors) weights[name]!.assign(mul(w(name), 1 - RATE * DECAY));
      adam.applyGradients(Object.fromEntries(Object.entries(weights).map(([, v]) => [v.name, grads[v.name]!])));
      return value.dataSync()[0]!;
    });
}

async function jaxjs(): Promise<() => number> {
  await jax.init("wasm");
  jax.defaultDevice("wasm");
  const { numpy: np, nn } = jax;
  type Arrays = Record<string, jax.Array>;
  const all = (make: (one: (typeof tensors)[number]) => jax.Array): Arrays =>
    Object.fromEntries(tensors.map((one) => [one.name, make(one)]));
  const hot = np.array(contexts.flat().flatMap((token) => [1 - token, token])).reshape([8 * K, 2]);
  const targets = np.array(shares);
  const loss = (w: Arrays, x0: jax.Array, shares: jax.Array): jax.Array => {
    const norm = (x: jax.Array, name: string) =>
      nn.standardize(x, -1, { epsilon: 1e-5 }).mul(w[`${name}.weight`]!.ref).add(w[`${name}.bias`]!.ref);
    const linear = (x: jax.Array, name: string) => np.matmul(x, w[`${name}.weight`]!.ref.transpose());
    let x = np.matmul(x0, w["wte.weight"]!.ref).add(np.tile(w["wpe.weight"]!.ref, [8, 1]));
    for (let layer = 0; layer < n_layer; layer++) {
      const qkv = linear(norm(x.ref, `h.${layer}.ln_1`), `h.${layer}.attn.c_attn`).reshape([8, K, 3, H, C / H]);
      const [q, k, v] = np.split(qkv, 3, 2).map((part) => part.reshape([8, K, H, C / H]));
      const gathered = nn.dotProductAttention(q!, k!, v!, { isCausal: true }).reshape([8 * K, C]);
      x = x.add(linear(gathered, `h.${layer}.attn.c_proj`));
      x = x.ref.add(linear(nn.gelu(linear(norm(x, `h.${layer}.ln_2`), `h.${layer}.mlp.c_fc`), { approximate: true }), `h.${layer}.mlp.c_proj`));
    }
    const last = norm(x, "ln_f").reshape([8, K, C]).slice([], K - 1);
    const logits = np.matmul(last, w["wte.weight"]!.ref.transpose());
    return nn.logSoftmax(logits).mul(shares).sum().neg();
  };
  const step = jax.jit((w: Arrays, m: Arrays, v: Arrays, rate: jax.Array, correction: jax.Array, x0: jax.Array, shares: jax.Array) => {
    const [value, g] = jax.valueAndGrad(loss)(jax.tree.ref(w), x0, shares) as [jax.Array, Arrays];
    const [nw, nm, nv]: [Arrays, Arrays, Arrays] = [{}, {}, {}];
    for (const name of Object.keys(w)) {
      nm[name] = m[name]!.mul(BETA1).add(g[name]!.ref.mul(1 - BETA1));
      nv[name] = v[name]!.mul(BETA2).add(g[name]!.ref.mul(g[name]!).mul(1 - BETA2));
      const by = nm[name]!.ref.mul(rate.ref).div(np.sqrt(nv[name]!.ref).mul(correction.ref).add(1e-8));
      nw[name] = w[name]!.mul(1 - RATE * DECAY).sub(by);
    }
    return [value, nw, nm, nv] as [jax.Array, Arrays, Arrays, Arrays];
  });
  let w = all(({ values, shape }) => np.array(values).reshape(shape));
  let m = all(({ shape }) => np.zeros(shape));
  let v = all(({ shape }) => np.zeros(shape));
  let done = 0;
  return () => {
    done++;
    const [rate, correction] = [RATE / (1 - BETA1 ** done), 1 / Math.sqrt(1 - BETA2 ** done)];
    let value: jax.Array;
    [value, w, m, v] = step(w, m, v, np.array(rate), np.array(correction), hot.ref, targets.ref);
    return value.dataSync()[0]!;
  };
}

// What jax-js expects of iterators, and Node has since version 22.
const iterators = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]())) as Record<string, unknown>;
iterators.map ??= function* (this: Iterable<unknown>, make: (one: unknown) => unknown) {
  for (const one of this) yield make(one);
};
iterators.filter ??= function* (this: Iterable<unknown>, keep: (one: unknown) => boolean) {
  for (const one of this) if (keep(one)) yield one;
};
iterators.toArray ??= function (this: Iterable<unknown>) {
  return [...this];
};

const ways = { ours: ours(), tensorflow: await tensorflow(), jax: await jaxjs() };
const counts = { ours: 100, tensorflow: 10, jax: 10 };
const losses: Record<string, number[]> = {};
const seconds: Record<string, number[]> = { ours: [], tensorflow: [], jax: [] };
for (const [name, step] of Object.entries(ways)) losses[name] = [step(), step(), step()]; // alike: the same training
for (let round = 0; round < 12; round++) {
  for (const [name, step] of Object.entries(ways) as [keyof typeof ways, () => number][]) {
    const start = performance.now();
    for (let i = 0; i < counts[name]; i++) step();
    if (round >= 3) seconds[name]!.push((performance.now() - start) / 1000 / counts[name]); // the first ones warm up
  }
}
console.log(JSON.stringify({ losses, seconds }));
