import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { clamp, count, decimal } from "../numbers";
import { lossScale, pathOf, stepAt, xOf } from "../timeline";
import { throttled, useScreen } from "../screen";

const HEIGHT = 84; // px, until the page says how high it is

/** The loss at every step, with the lines it runs between, and the playhead that scrubs through it. */
export function Timeline() {
  const screen = useScreen();
  const t = screen.text.value;
  const curve = screen.views.curve.value;
  const player = screen.views.player.value;
  const setup = screen.views.setup.value;
  const numbers = screen.views.numbers.value;
  const box = useRef<HTMLDivElement>(null);
  const [[width, height], setSize] = useState<[number, number]>([800, HEIGHT]);
  const [held, setHeld] = useState(false);
  const send = useMemo(() => throttled((command) => screen.send(command)), [screen]);
  useEffect(() => {
    const watch = new ResizeObserver(([entry]) => entry && setSize([Math.max(200, entry.contentRect.width), Math.max(40, entry.contentRect.height)]));
    if (box.current) watch.observe(box.current);
    return () => watch.disconnect();
  }, []);
  const total = Math.max(player?.total ?? 1, player?.trained ?? 0, 1);
  const scale = useMemo(() => lossScale(curve?.losses ?? [], setup?.floor ?? 0, setup?.uniform ?? 1, height), [curve, setup, height]);
  const path = useMemo(() => (curve ? pathOf(curve.steps, curve.losses, total, width, scale) : ""), [curve, total, width, scale]);
  if (!curve || !player || !setup) return null;
  const x = xOf(player.step, total, width);
  const seek = (event: PointerEvent & { currentTarget: HTMLElement }) => {
    const left = event.currentTarget.getBoundingClientRect().left;
    send({ command: "seek", step: clamp(stepAt(event.clientX - left, total, width), 0, player.trained) });
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
      <svg width={width} height={height} aria-hidden="true">
        {player.trained < total && <rect class="untrained" x={xOf(player.trained, total, width)} width={Math.max(0, width - xOf(player.trained, total, width))} y="0" height={height} />}
        <g class="bound">
          <line x1="0" x2={width} y1={scale.y(setup.uniform)} y2={scale.y(setup.uniform)} />
          <text x={width - 16} y={scale.y(setup.uniform) - 4} text-anchor="end">
            {t("timeline.uniform", { nats: decimal(setup.uniform) })}
          </text>
          <line x1="0" x2={width} y1={scale.y(setup.floor)} y2={scale.y(setup.floor)} />
          <text x="16" y={scale.y(setup.floor) - 4}>
            {t("timeline.floor", { nats: decimal(setup.floor) })}
          </text>
        </g>
        <path class="loss" d={path} />
        <g class="playhead">
          <line x1={x} x2={x} y1="0" y2={height} />
          {y !== null && <circle cx={x} cy={y} r="5" />}
        </g>
      </svg>
    </div>
  );
}
