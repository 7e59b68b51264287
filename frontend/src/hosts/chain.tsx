// A chain in a notebook's cell: its graph, without a training. Python selects and is told what is selected.

import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { successor } from "../contexts";
import { percent } from "../graph/strength";
import { type Ball, Graph } from "../graph/Graph";
import { nameOf } from "../graph/layout";
import { LANGUAGES, languageOf, type Text, translate } from "../texts";
import type { Kernel } from "./widget";

interface Facts {
  readonly symbols: string[];
  readonly labels: string[];
  readonly separator: string;
  readonly context_length: number;
  readonly values: number[];
  readonly pi: number[] | null;
}

const FEW = 4; // arrows that are told of below
const FAINT = 0.02; // an arrow below it is drawn only where it is looked at, if there are many

export function showChain(kernel: Kernel, root: HTMLElement): () => void {
  const language = languageOf(kernel.get("lang") as string | null);
  root.lang = LANGUAGES[language].tag;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const theme = () => void (root.dataset.theme = dark.matches ? "dark" : "light");
  theme();
  dark.addEventListener("change", theme);
  const t = translate(language);
  // a chain alone has no data that a state might be seen in
  const text: Text = (key, values) => t(key === "graph.node" ? "graph.node.alone" : key, values);
  render(<Chain kernel={kernel} facts={kernel.get("facts") as Facts} text={text} />, root);
  return () => {
    dark.removeEventListener("change", theme);
    render(null, root);
  };
}

function Chain({ kernel, facts, text }: { kernel: Kernel; facts: Facts; text: Text }) {
  const { symbols, labels, separator, context_length: K, values, pi } = facts;
  const V = symbols.length;
  const [selected, setSelected] = useState(kernel.get("state") as number | null);
  const [ball, setBall] = useState<Ball>({ state: pi ? pi.indexOf(Math.max(...pi)) : 0, from: null, token: null, fresh: 0, wandering: false });
  useEffect(() => {
    const take = () => setSelected(kernel.get("state") as number | null);
    kernel.on("change:state", take);
    return () => kernel.off("change:state", take);
  }, [kernel]);
  const select = (state: number | null) => {
    setSelected(state);
    kernel.set("state", state);
    kernel.save_changes();
  };
  const row = selected === null ? [] : values.slice(selected * V, (selected + 1) * V);
  const arrows = row
    .map((value, token) => ({ value, token }))
    .filter(({ value }) => value > 0)
    .sort((a, b) => b.value - a.value || a.token - b.token)
    .slice(0, FEW)
    .map(({ value, token }) => text("graph.arrow", { token: labels[token]!, percent: percent(value) }));
  const context = selected === null ? "" : nameOf(selected, V, K, labels, separator);
  return (
    <div class="g-alone">
      <div>
        <Graph
          nSymbols={V}
          contextLength={K}
          symbols={symbols}
          labels={labels}
          separator={separator}
          values={values}
          presenting={false}
          bands={null}
          difference={false}
          pi={pi}
          seen={() => true}
          ended={() => false}
          selected={selected}
          ball={ball}
          moving={false}
          reducedMotion={matchMedia("(prefers-reduced-motion: reduce)").matches}
          threshold={FAINT}
          onSelect={select}
          onWalk={(token) => setBall({ state: successor(ball.state, token, V, K), from: ball.state, token, fresh: ball.fresh + 1, wandering: false })}
          onPlace={(state) => setBall({ ...ball, state, from: null, token: null })}
          text={text}
        />
      </div>
      <p aria-live="polite">
        {selected !== null && text("graph.node", { context, arrows: arrows.join(text("sentence.comma")) })}
        {selected !== null && pi && ` · ${text("graph.share", { context, percent: percent(pi[selected]!) })}`}
      </p>
    </div>
  );
}
