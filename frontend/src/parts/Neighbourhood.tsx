import { contextOf } from "../contexts";
import { count, percent } from "../numbers";
import { useScreen } from "../screen";
import { tokenColour } from "./common";

const MOST = 12; // neighbours drawn on each side
const WIDTH = 720;
const GAP = 44;

/** Of a chain too large to draw: the selected state, where one comes to it from, and where it leads. */
export function Neighbourhood() {
  const screen = useScreen();
  const t = screen.text.value;
  const setup = screen.views.setup.value;
  const selected = screen.views.selected.value;
  if (!setup) return null;
  const V = setup.labels.length;
  const K = setup.settings.context_length;
  if (!selected)
    return (
      <div class="neighbourhood">
        <p>{t("neighbourhood.none", { states: count(setup.n_states) })}</p>
        <button type="button" onClick={() => screen.send({ command: "select", state: screen.views.tape.value?.state ?? 0 })}>
          {t("neighbourhood.begin")}
        </button>
      </div>
    );
  // of many seeds, the medians
  const seeds = screen.views.frame.value?.source === "seeds" ? screen.views.seeds.value?.selected : null;
  const before = selected.predecessors
    .map((arrow, i) => (seeds ? { ...arrow, p: seeds.before[i] ?? 0 } : arrow))
    .sort((a, b) => b.p - a.p)
    .slice(0, MOST);
  const after = selected.successors
    .map((state, token) => ({ state, token, p: (seeds ? seeds.median[seeds.tokens.indexOf(token)] : selected.model[token]) ?? 0 }))
    .sort((a, b) => b.p - a.p)
    .slice(0, MOST);
  const height = Math.max(before.length, after.length, 3) * GAP + GAP;
  const middle = height / 2;
  const label = (state: number) => {
    const tokens = contextOf(state, V, K);
    const text = screen.title.value(tokens);
    return text.length > 18 ? `…${text.slice(-17)}` : text;
  };
  const place = (i: number, n: number) => middle + (i - (n - 1) / 2) * GAP;
  // above the arrows of the upper half, below those of the lower
  const outer = (y0: number, y1: number) => {
    const end = y0 === middle ? y1 : y0;
    return end > middle ? end + 17 : end - 8;
  };
  const node = (state: number, x: number, y: number, anchor: "start" | "middle" | "end") => (
    <g class="n-node" onClick={() => screen.send({ command: "select", state })}>
      <text x={x} y={y + 5} text-anchor={anchor}>
        {label(state)}
      </text>
    </g>
  );
  const arrow = (x0: number, y0: number, x1: number, y1: number, token: number, p: number, side: number) => (
    <g class="n-arrow" style={{ "--colour": tokenColour(token) }}>
      <path d={`M${x0} ${y0}C${(x0 + x1) / 2} ${y0} ${(x0 + x1) / 2} ${y1} ${x1} ${y1}`} stroke-width={0.75 + 6 * p} stroke-opacity={0.25 + 0.75 * p} />
      <text x={side} y={outer(y0, y1)} text-anchor="middle">
        {`${setup.labels[token]} ${percent(p)}`}
      </text>
    </g>
  );
  return (
    <svg class="neighbourhood" viewBox={`0 0 ${WIDTH} ${height}`} role="img" aria-label={t("neighbourhood.label", { context: label(selected.state) })}>
      {before.map(({ token, p }, i) => arrow(170, place(i, before.length), WIDTH / 2 - 82, middle, token, p, 205))}
      {after.map(({ token, p }, i) => arrow(WIDTH / 2 + 82, middle, WIDTH - 170, place(i, after.length), token, p, WIDTH - 205))}
      {before.map(({ state }, i) => node(state, 160, place(i, before.length), "end"))}
      {after.map(({ state }, i) => node(state, WIDTH - 160, place(i, after.length), "start"))}
      <g class="n-centre">
        <rect x={WIDTH / 2 - 80} y={middle - 20} width="160" height="40" rx="20" />
        <text x={WIDTH / 2} y={middle + 5} text-anchor="middle">
          {label(selected.state)}
        </text>
      </g>
    </svg>
  );
}
