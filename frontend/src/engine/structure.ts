// Structure: which states can be left for good, and which can not, as src/babygpt/chain/structure.py has it.
//
// A *recurrent class* is a set of states that all reach each other and none other. The *period* of a class is the
// greatest common divisor of the lengths of its round trips. An arrow is there if its log-probability is above −∞.

import type { Chain } from "./chain";

/** The recurrent classes, each a sorted array of states, in order of their first state. */
export function recurrentClasses(chain: Chain): Int32Array[] {
  const { nStates: N, vocabSize: V, logProbs } = chain;
  if (!logProbs.includes(-Infinity)) return [Int32Array.from({ length: N }, (_, state) => state)];
  // Tarjan's strong components, with a path of our own: recursion may be as deep as there are states
  const [index, low, component] = [new Int32Array(N).fill(-1), new Int32Array(N), new Int32Array(N).fill(-1)];
  const [next, path, open] = [new Int32Array(N), new Int32Array(N), new Int32Array(N)];
  let [count, components, nOpen] = [0, 0, 0];
  for (let root = 0; root < N; root++) {
    if (index[root]! >= 0) continue;
    let depth = 0;
    path[0] = open[nOpen++] = root;
    index[root] = low[root] = count++;
    while (depth >= 0) {
      const state = path[depth]!;
      if (next[state]! < V) {
        const token = next[state]!++;
        if (logProbs[state * V + token] === -Infinity) continue;
        const to = chain.successor(state, token);
        if (index[to]! < 0) {
          index[to] = low[to] = count++;
          path[++depth] = open[nOpen++] = to;
        } else if (component[to]! < 0) low[state] = Math.min(low[state]!, index[to]!);
        continue;
      }
      if (low[state] === index[state]) {
        for (let member = -1; member !== state; ) component[(member = open[--nOpen]!)] = components;
        components++;
      }
      if (--depth >= 0) low[path[depth]!] = Math.min(low[path[depth]!]!, low[state]!);
    }
  }
  const closed = new Array<boolean>(components).fill(true);
  const members = Array.from(closed, (): number[] => []);
  for (let state = 0; state < N; state++) {
    members[component[state]!]!.push(state);
    for (let token = 0; token < V; token++) {
      if (logProbs[state * V + token] === -Infinity) continue;
      if (component[chain.successor(state, token)] !== component[state]) closed[component[state]!] = false;
    }
  }
  const classes = members.filter((_, i) => closed[i]).sort(([a], [b]) => a! - b!);
  return classes.map((states) => Int32Array.from(states));
}

/** The period of a recurrent class. */
export function periodOf(chain: Chain, states: Int32Array): number {
  const { vocabSize: V, logProbs } = chain;
  const depth = new Int32Array(chain.nStates).fill(-1);
  const queue = [states[0]!];
  depth[queue[0]!] = 0;
  let period = 0;
  for (const state of queue) {
    for (let token = 0; token < V; token++) {
      if (logProbs[state * V + token] === -Infinity) continue;
      const to = chain.successor(state, token);
      if (depth[to]! < 0) {
        depth[to] = depth[state]! + 1;
        queue.push(to);
      } else period = gcd(period, Math.abs(depth[state]! + 1 - depth[to]!));
    }
    if (period === 1) break;
  }
  return period;
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
