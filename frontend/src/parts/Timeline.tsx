import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { shorten, textWidth } from "../graph/layout";
import { argmax, clamp, count, decimal, percent, ticks } from "../numbers";
import { apart, lossScale, pathOf, plotIn, stepAt, xOf } from "../timeline";
import { type Screen, throttled, useScreen } from "../screen";
import { tokenColour } from "./common";

const MOST_TICKS = 9;
const MOST_FLIPS = 12; // more are not marked: they would be a fence

/** The loss at every step, with the lines it runs between and the selected state's arrow, and the playhead to scrub through it. */
export function Timeline() {
  const screen = useScreen();
  const t = screen.text.value;
  const curve = screen.views.curve.value;
  const player = screen.views.player.value;
  const setup = screen.views.setup.value;
  const numbers = screen.views.numbers.value;
  const box = useRef<HTMLDivElement>(null);
  const [{ width, height, em }, setSize] = useState({ width: 800, height: 120, em: 12.5 });
  const [held, setHeld] = useState(false);
  const send = useMemo(() => throttled((command) => screen.send(command)), [screen]);
  useEffect(() => {
    const watch = new ResizeObserver(([entry]) => {
      if (!entry) return;
      const { width, height } = entry.contentRect;
      setSize({ width: Math.max(200, width), height: Math.max(40, height), em: parseFloat(getComputedStyle(entry.target).fontSize) });
    });
    if (box.current) watch.observe(box.current);
    return () => watch.disconnect();
  }, []);
  const total = Math.max(player?.total ?? 1, player?.trained ?? 0, 1);
  const low = height < 90; // on a phone: no axis
  const arrow = arrowOf(screen);
  const lines = [
    { class: "bound", text: t("timeline.uniform", { nats: decimal(setup?.uniform ?? 0) }) },
    { class: "bound", text: t("timeline.floor", { nats: decimal(setup?.floor ?? 0) }) },
    ...(arrow ? [{ class: "arrow", text: arrow.name }] : []),
  ];
  const widest = Math.max(...lines.map(({ text }) => textWidth(text, em)));
  const margin = Math.min(Math.round(1.12 * widest) + 14, width / 2.5);
  const plot = useMemo(() => plotIn(width, height, margin, low ? 0 : 1.5 * em), [width, height, em, margin]);
  const scale = useMemo(() => lossScale(curve?.losses ?? [], setup?.floor ?? 0, setup?.uniform ?? 1, plot), [curve, setup, plot]);
  const path = useMemo(() => (curve ? pathOf(curve.steps.map((step, i) => [xOf(step, total, plot), scale.y(curve.losses[i] ?? 0)])) : ""), [curve, total, plot, scale]);
  if (!curve || !player || !setup) return null;
  const x = xOf(player.step, total, plot);
  const seek = (event: PointerEvent & { currentTarget: HTMLElement }) => {
    const left = event.currentTarget.getBoundingClientRect().left;
    send({ command: "seek", step: clamp(stepAt(event.clientX - left, total, plot), 0, player.trained) });
  };
  const press = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.round(player.trained / 10));
    const skip = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    const to = { PageUp: player.step + page, PageDown: player.step - page, Home: 0, End: player.trained }[event.key];
    if (skip !== undefined) screen.send({ command: "skip", by: skip });
    else if (to !== undefined) send({ command: "seek", step: clamp(to, 0, player.trained) });
    else return;
    event.preventDefault();
  };
  const loss = numbers?.loss;
  const y = loss === null || loss === undefined ? null : scale.y(loss);

  const share = (p: number) => plot.bottom - p * (plot.bottom - plot.top); // from 0 % at the bottom to 100 % at the top
  const wanted = [scale.y(setup.uniform), scale.y(setup.floor), ...(arrow ? [share(arrow.probs.at(-1)!)] : [])];
  const heights = apart(wanted, 1.15 * em, { ...plot, top: plot.top - 2, bottom: plot.bottom + 4 });
  return (
    <div
      class="timeline"
      data-tour="timeline"
      ref={box}
      role="slider"
      tabIndex={0}
      aria-label={t("timeline.label")}
      aria-valuemin={0}
      aria-valuemax={player.trained}
      aria-valuenow={player.step}
      aria-valuetext={t("timeline.value", { step: count(player.step), total: count(player.trained), loss: loss === null || loss === undefined ? "–" : decimal(loss) })}
      onKeyDown={press}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        setHeld(true);
        seek(event);
      }}
      onPointerMove={(event) => held && seek(event)}
      onPointerUp={() => setHeld(false)}
      onPointerCancel={() => setHeld(false)}
    >
      <svg width={width} height={height} aria-hidden="true" style={{ "--colour": arrow?.colour }}>
        {player.trained < total && (
          <rect class="untrained" x={xOf(player.trained, total, plot)} width={Math.max(0, plot.right - xOf(player.trained, total, plot))} y={plot.top} height={plot.bottom - plot.top} />
        )}
        {!low && (
          <g class="axis">
            {ticks(0, total, Math.min(MOST_TICKS, Math.floor(width / 70))).filter(Number.isInteger).map((step) => (
              <text key={step} x={xOf(step, total, plot)} y={height - 4} text-anchor={step === 0 ? "start" : step === total ? "end" : "middle"}>
                {count(step)}
              </text>
            ))}
            <text x={plot.right + 8} y={height - 4}>
              {t("timeline.axis")}
            </text>
          </g>
        )}
        <g class="bound">
          {[setup.uniform, setup.floor].map((nats) => (
            <line key={nats} x1={plot.left} x2={plot.right} y1={scale.y(nats)} y2={scale.y(nats)} />
          ))}
        </g>
        {lines.map((name, i) => (
          <text key={i} class={`margin ${name.class}`} x={plot.right + 8} y={heights[i]! + 4}>
            {name.text}
          </text>
        ))}
        {arrow && (
          <g class="of-arrow">
            <path d={pathOf(arrow.steps.map((step, i) => [xOf(step, total, plot), share(arrow.probs[i]!)]))} />
            {arrow.flips.map((step) => (
              <path key={step} class="flip" d={`M${xOf(step, total, plot)} ${plot.bottom + 7}l-4 -7h8z`}>
                <title>{t("timeline.flip", { step: count(step) })}</title>
              </path>
            ))}
          </g>
        )}
        <path class="loss" d={path} />
        <g class="playhead">
          <line x1={x} x2={x} y1="2" y2={plot.bottom + 6} />
          {y !== null && <circle cx={x} cy={y} r="5" />}
        </g>
      </svg>
    </div>
  );
}

/** The likeliest arrow of the selected state over the training, and the steps at which another became the likeliest. */
function arrowOf(screen: Screen): { name: string; colour: string; steps: number[]; probs: number[]; flips: number[] } | null {
  const trace = screen.views.trace.value;
  const selected = screen.views.selected.value;
  if (!trace || selected?.state !== trace.state || trace.steps.length < 2) return null;
  const best = argmax(selected.model);
  const column = trace.tokens.indexOf(best);
  if (column < 0) return null;
  const probs = trace.probs.map((row) => row[column]!);
  const symbol = screen.views.setup.value?.labels[best] ?? "";
  return {
    name: screen.text.value("timeline.arrow", { context: shorten(screen.title.value(selected.tokens)), symbol, percent: percent(probs.at(-1)!) }),
    colour: tokenColour(best),
    steps: trace.steps,
    probs,
    flips: trace.flips.length <= MOST_FLIPS ? trace.flips : [],
  };
}
