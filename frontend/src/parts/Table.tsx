import { useEffect, useRef, useState } from "preact/hooks";
import { contextOf, successor, tokenOfKey } from "../contexts";
import { clamp, count, percent, points, range } from "../numbers";
import { useScreen } from "../screen";
import { tokenColour } from "./common";

const ROW = 32; // px
const TALLEST = 8_000_000; // px: browsers cut elements that are much taller
const MOST_TOKENS = 6; // columns; with more symbols the likeliest are listed

/** The chain as rows: every context with its arrows, beside what the data says. Only those in view exist. */
export function ChainTable() {
  const screen = useScreen();
  const t = screen.text.value;
  const setup = screen.views.setup.value;
  const rows = screen.views.rows.value;
  const frame = screen.views.frame.value;
  const selected = screen.views.selected.value;
  const seeds = screen.views.seeds.value;
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [tall, setTall] = useState(600);
  const n = setup?.n_states ?? 0;
  // A table that would be too tall scrolls faster than its rows: `above` is how much of it lies above the view.
  const height = Math.min(n * ROW, TALLEST);
  const scaled = height > tall ? (n * ROW - tall) / (height - tall) : 1;
  const above = top * scaled;
  const first = Math.max(0, Math.floor(above / ROW) - 5);
  const version = setup?.version;
  // a window of the table that holds what is in view, and as much again on both sides
  const wanted = clamp(Math.floor(first / 50) * 50 - 50, 0, Math.max(0, n - 1));
  const begun = screen.host?.begun.value;
  useEffect(() => screen.send({ command: "rows", first: wanted }), [wanted, version, begun]);
  useEffect(() => () => screen.send({ command: "rows", first: null }), []);
  useEffect(() => {
    const watch = new ResizeObserver(([entry]) => entry && setTall(entry.contentRect.height));
    if (box.current) watch.observe(box.current);
    return () => watch.disconnect();
  }, []);
  const state = selected?.state;
  useEffect(() => {
    // the selected row comes into view when another part of the screen selected it
    if (state === undefined || !box.current) return;
    const y = state * ROW;
    const view = box.current.clientHeight;
    const now = box.current.scrollTop * scaled;
    if (y < now || y + 2 * ROW > now + view) box.current.scrollTop = Math.max(0, y - view / 2) / scaled;
  }, [state]);
  if (!setup || !frame) return null;
  const V = setup.labels.length;
  const K = setup.settings.context_length;
  const wide = V > MOST_TOKENS;
  const difference = frame.signed;
  const shown: number[] = [];
  for (let s = first; s < Math.min(n, first + Math.ceil(tall / ROW) + 10); s++) shown.push(s);
  const row = (s: number) => (rows && s >= rows.first && s < rows.first + rows.values.length ? s - rows.first : null);
  const move = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.floor(tall / ROW) - 2);
    const at = state ?? 0;
    const to = {
      ArrowDown: state === undefined ? 0 : at + 1,
      ArrowUp: at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: n - 1,
    }[event.key];
    const typed = tokenOfKey(setup.symbols, event.key);
    if (to !== undefined) screen.send({ command: "select", state: clamp(to, 0, n - 1) });
    else if (typed >= 0 && state !== undefined) screen.send({ command: "select", state: successor(state, typed, V, K) });
    else if (event.key === "Escape") screen.send({ command: "select", state: null });
    else return;
    event.preventDefault();
  };
  const said = (value: number, arrow: number) => {
    if (difference) return points(value);
    const [low, high] = [seeds?.low?.[arrow], seeds?.high?.[arrow]];
    return typeof low === "number" && typeof high === "number" ? range(low, high) : percent(value);
  };
  const bar = (s: number, token: number, value: number | null) => (
    <span class="cell" style={{ "--colour": difference ? `var(--${(value ?? 0) < 0 ? "less" : "more"})` : tokenColour(token), "--share": Math.abs(value ?? 0) }}>
      {value === null ? "–" : said(value, s * V + token)}
    </span>
  );
  const likeliest = (values: (number | null)[]) =>
    values
      .map((value, token) => ({ value: value ?? 0, token }))
      .sort((a, b) => Math.abs(b.value) - Math.abs(a.value))
      .slice(0, MOST_TOKENS);
  const inData = (counts: number[]) =>
    counts
      .map((times, token) => ({ times, token }))
      .filter(({ times }) => times > 0)
      .sort((a, b) => b.times - a.times)
      .slice(0, 4)
      .map(({ times, token }) => `${setup.labels[token]} ×${count(times)}`)
      .join(t("sentence.comma"));
  const columns = `minmax(5.5em, ${Math.max(6, 0.75 * K + 2)}em) repeat(${wide ? MOST_TOKENS : V}, minmax(4.5em, 1fr)) minmax(7em, 1.2fr)`;
  return (
    <div class="table" role="grid" aria-label={t("table.label")} aria-rowcount={n + 1} aria-colcount={(wide ? MOST_TOKENS : V) + 2} style={{ "--columns": columns }}>
      <div class="table-head" role="row" aria-rowindex={1}>
        <span role="columnheader">{t("table.context")}</span>
        {wide ? (
          <span role="columnheader" class="span" aria-colspan={MOST_TOKENS} style={{ gridColumn: `span ${MOST_TOKENS}` }}>
            {t(difference ? "table.largest" : "table.likeliest")}
          </span>
        ) : (
          setup.labels.map((label, token) => (
            <span role="columnheader" key={token}>
              {label}
            </span>
          ))
        )}
        <span role="columnheader">{t("table.data")}</span>
      </div>
      <div class="table-rows" role="rowgroup" tabIndex={0} aria-label={t("table.keys")} ref={box} onScroll={(event) => setTop(event.currentTarget.scrollTop)} onKeyDown={move}>
        <div role="presentation" style={{ height: `${height}px`, position: "relative" }}>
          {shown.map((s) => {
            const at = row(s);
            const values = at === null ? null : rows?.values[at];
            const counts = at === null ? null : rows?.counts[at];
            return (
              <div
                key={s}
                class="table-row"
                role="row"
                aria-rowindex={s + 2}
                aria-selected={s === state}
                data-unseen={!screen.seen.value(s)}
                style={{ top: `${top + s * ROW - above}px` }}
                onClick={() => screen.send({ command: "select", state: s === state ? null : s })}
                onPointerEnter={() => (screen.hovered.value = s)}
                onPointerLeave={() => (screen.hovered.value = null)}
              >
                <span role="rowheader">{screen.title.value(contextOf(s, V, K))}</span>
                {wide
                  ? Array.from({ length: MOST_TOKENS }, (_, i) => {
                      const entry = values ? likeliest(values)[i] : undefined;
                      return (
                        <span role="gridcell" key={i}>
                          {entry && values?.[entry.token] !== null ? (
                            <>
                              <b style={{ color: "var(--ink)" }}>{setup.labels[entry.token]}</b> {bar(s, entry.token, entry.value)}
                            </>
                          ) : (
                            "–"
                          )}
                        </span>
                      );
                    })
                  : setup.labels.map((_, token) => (
                      <span role="gridcell" key={token}>
                        {values ? bar(s, token, values[token] ?? null) : ""}
                      </span>
                    ))}
                <span role="gridcell" class="in-data">
                  {counts ? inData(counts) || t(screen.ended.value(s) ? "never_left" : "never_seen") : ""}
                </span>
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}
