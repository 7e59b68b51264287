import { contextOf } from "../contexts";
import { count, percent } from "../numbers";
import { useScreen } from "../screen";
import { tokenColour } from "./common";

const COLOURED = 8; // symbols of which each has a colour of its own
const GAP = 46;
const HEAD = 26; // above the states, for what the columns are

/** What fits: the neighbours on each side, and the letters of a context. */
const WIDE = { width: 720, most: 12, letters: 18 };
const NARROW = { width: 300, most: 6, letters: 8 };

/** Of a chain too large to draw: the selected state, where one comes to it from, and where it leads. */
export function Neighbourhood(props: { narrow?: boolean; onLeave?(): void }) {
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
  const { width, most, letters } = props.narrow ? NARROW : WIDE;
  // of many seeds, the medians
  const seeds = screen.views.frame.value?.source === "seeds" ? screen.views.seeds.value?.selected : null;
  const before = selected.predecessors
    .map((arrow, i) => (seeds ? { ...arrow, p: seeds.before[i] ?? 0 } : arrow))
    .sort((a, b) => b.p - a.p)
    .slice(0, most);
  const after = selected.successors
    .map((state, token) => ({ state, token, p: (seeds ? seeds.median[seeds.tokens.indexOf(token)] : selected.model[token]) ?? 0 }))
    .sort((a, b) => b.p - a.p)
    .slice(0, most);
  const height = Math.max(before.length, after.length, 2) * GAP + HEAD;
  const middle = HEAD + (height - HEAD) / 2;
  /** A context as far as it fits: what differs between neighbours is the oldest token of those before, the newest of those after. */
  const label = (state: number, oldest = false) => {
    const text = [...screen.title.value(contextOf(state, V, K))];
    if (text.length <= letters) return text.join("");
    return oldest ? `${text.slice(0, letters - 1).join("")}…` : `…${text.slice(1 - letters).join("")}`;
  };
  const place = (i: number, n: number) => middle + (i - (n - 1) / 2) * GAP;
  const go = (state: number) => screen.send({ command: "select", state });
  const side = props.narrow ? 74 : 176; // of a column of states
  const node = ({ state, token, p }: (typeof before)[number], i: number, n: number, first: boolean) => {
    const [x, y] = [first ? side - 8 : width - side + 8, place(i, n)];
    const anchor = first ? "end" : "start";
    const answer = (event: KeyboardEvent) => {
      if (event.key === "Enter" || event.key === " ") go(state);
      else if (event.key === "Escape" && props.onLeave) props.onLeave();
      else return;
      event.preventDefault();
      event.stopPropagation();
    };
    const name = t("neighbourhood.go", { context: screen.title.value(contextOf(state, V, K)), symbol: setup.labels[token] ?? "", percent: percent(p) });
    return (
      <g key={`${first} ${i}`} class="n-node" role="button" tabindex={0} aria-label={name} onClick={() => go(state)} onKeyDown={answer}>
        <rect x={first ? 0 : width - side} y={y - 20} width={side} height="40" rx="6" />
        <text x={x} y={y - 2} text-anchor={anchor}>
          {label(state, first)}
        </text>
        <text class="n-share" x={x} y={y + 14} text-anchor={anchor}>
          {`${setup.labels[token]} ${percent(p)}`}
        </text>
      </g>
    );
  };
  // above eight symbols a colour would be that of two
  const arrow = (x0: number, y0: number, x1: number, y1: number, token: number, p: number) => (
    <path
      class="n-arrow"
      style={{ "--colour": V <= COLOURED ? tokenColour(token) : "var(--ink)" }}
      d={`M${x0} ${y0}C${(x0 + x1) / 2} ${y0} ${(x0 + x1) / 2} ${y1} ${x1} ${y1}`}
      stroke-width={0.75 + 6 * p}
      stroke-opacity={0.25 + 0.75 * p}
    />
  );
  const half = props.narrow ? 44 : 80; // of the state in the middle
  return (
    <svg class="neighbourhood" viewBox={`0 0 ${width} ${height}`} role="group" aria-label={t("neighbourhood.label", { context: screen.title.value(selected.tokens) })}>
      <text class="n-share" x={side - 8} y="14" text-anchor="end">
        {t("neighbourhood.before")}
      </text>
      <text class="n-share" x={width - side + 8} y="14">
        {t("neighbourhood.after")}
      </text>
      {before.map(({ token, p }, i) => arrow(side, place(i, before.length), width / 2 - half, middle, token, p))}
      {after.map(({ token, p }, i) => arrow(width / 2 + half, middle, width - side, place(i, after.length), token, p))}
      {before.map((arrow, i) => node(arrow, i, before.length, true))}
      {after.map((arrow, i) => node(arrow, i, after.length, false))}
      <g class="n-centre">
        <rect x={width / 2 - half} y={middle - 18} width={2 * half} height="36" rx="18" />
        <text x={width / 2} y={middle + 5} text-anchor="middle">
          {label(selected.state)}
        </text>
      </g>
    </svg>
  );
}
