// The chain as a graph: states, and between them arrows as thick as they are probable.
//
// While training plays, the numbers change sixty times a second and the geometry never: it is worked out once for a
// vocabulary and a context length, and a new frame changes widths, opacities, heads and the texts at arrows.

import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { type Arrows, type Label, countArrows, placeLabels, route } from "./arrows";
import { type Point, type Stadium, distance, pathOf, trace } from "./curve";
import { successor, tokenOfKey } from "../contexts";
import { points, range } from "../numbers";
import type { Text } from "../texts";
import { headPath, isOpen } from "./heads";
import { type Layout, layOut, nameOf, type Sheet, sheetFor, shorten, spread, WIDE } from "./layout";
import { LONGEST_AMOUNT, LONGEST_RANGE, bandOf, haloOf, headBreadth, inkOf, percent, strongInkOf } from "./strength";
import { BALL, ease, follow, restingDirection, restingPlace, track } from "./travel";

export interface Ball {
  state: number;
  from: number | null;
  token: number | null;
  fresh: number;
  wandering: boolean;
}

/** Between which probabilities an arrow lies, of each arrow. */
export interface Bands {
  low: (number | null)[];
  high: (number | null)[];
}

export interface GraphProps {
  nSymbols: number;
  contextLength: number;
  symbols: string[]; // as they are typed
  labels: string[]; // as they are shown
  separator: string;
  values: (number | null)[];
  bands: Bands | null; // then `values` are somewhere in them
  difference: boolean;
  pi: number[] | null;
  seen: (state: number) => boolean;
  ended: (state: number) => boolean;
  selected: number | null;
  ball: Ball | null;
  moving: boolean; // frames are passing by
  reducedMotion: boolean;
  threshold: number;
  presenting: boolean; // it is seen from afar
  onSelect(state: number | null): void;
  onWalk(token: number): void;
  onPlace(state: number): void;
  text: Text;
}

const ALL_LABELLED = 16; // arrows; with more, only those of the states looked at have labels
const ALL_DRAWN = 64; // states; with more, arrows below the threshold are left out
const MOST_DRAWN = 1024; // arrows: the strongest
const MOST_LABELS = 6; // of one state, if not all are labelled
const MANY = 160; // arrows; with more, weak ones have no head, or states would bristle with them
const TRAVEL = 520; // milliseconds along an arrow
const HURRY = 120; // milliseconds between tokens below which the ball jumps
const TOKENS = 8; // colours
const NEAR = 9; // units from an arrow at which the pointer is at it

/** What follows from vocabulary and context length alone. */
interface Scene {
  layout: Layout;
  arrows: Arrows;
  lines: Map<number, string>; // paths, written once
  poses: Map<number, string>; // of the heads
  traces: Map<number, Point[]>; // where the pointer may be at an arrow
  marks: Map<number, { look: string; mark: JSX.Element }>; // as last drawn: preact passes over what is the same
  labels: Label[] | null; // of all arrows, if all have one
  rest(state: number): number;
}

function makeScene(layout: Layout, labels: readonly string[], longest: string): Scene {
  const arrows = route(layout);
  const all = Array.from({ length: Math.min(countArrows(layout), ALL_LABELLED + 1) }, (_, i) => i);
  const placed = all.length <= ALL_LABELLED ? placeFor(layout, arrows, all, labels, all, longest) : null;
  const rests = new Map<number, number>();
  const rest = (state: number): number => {
    const known = rests.get(state) ?? restingDirection(layout, state, arrows, placed ?? []);
    rests.set(state, known);
    return known;
  };
  return { layout, arrows, lines: new Map(), poses: new Map(), traces: new Map(), marks: new Map(), labels: placed, rest };
}

const tokenName = (labels: readonly string[], token: number): string => shorten(labels[token] ?? "?", 8);

function placeFor(
  layout: Layout,
  arrows: Arrows,
  wanted: number[],
  labels: readonly string[],
  around: number[],
  longest: string,
): Label[] {
  const texts = wanted.map((i) => `${tokenName(labels, i % layout.nSymbols)} ${longest}`);
  return placeLabels(layout, arrows, wanted, texts, around);
}

function remembered<K, V>(memory: Map<K, V>, key: K, make: () => V): V {
  const known = memory.get(key);
  if (known !== undefined) return known;
  const made = make();
  memory.set(key, made);
  return made;
}

const round = (value: number): number => Math.round(value * 100) / 100;
const grade = (value: number, step: number): number => round(Math.max(1, Math.round(value / step)) * step);

/** The graph; it fills what contains it. */
export function Graph(props: GraphProps): JSX.Element {
  const { nSymbols, contextLength, labels, separator, values, bands, difference, pi, selected, ball, text } = props;
  const svg = useRef<SVGSVGElement>(null);
  const sheet = useSheet(svg, props.presenting ? nSymbols ** contextLength : undefined);
  const labelKey = labels.join("\n");
  const longest = bands ? LONGEST_RANGE : LONGEST_AMOUNT;
  const scene = useMemo(
    () => makeScene(layOut(nSymbols, contextLength, labels, separator, sheet), labels, longest),
    [nSymbols, contextLength, labelKey, separator, sheet, longest],
  );
  const { layout, arrows } = scene;
  const { n } = layout;
  const [hovered, setHovered] = useState<number | null>(null);
  const [touched, setTouched] = useState<number | null>(null); // the arrow that the pointer is at
  const [focused, setFocused] = useState<number | null>(null);
  const [last, setLast] = useState<number | null>(null); // the last one focused, where Tab comes back to
  const within = (state: number | null | undefined): number | null =>
    state === null || state === undefined || state >= n ? null : state;
  const tabStop = within(focused) ?? within(last) ?? within(selected) ?? within(ball?.state) ?? 0;
  const active = [...new Set([within(selected), within(hovered), within(focused)])].filter((s) => s !== null);
  const name = (state: number): string => nameOf(state, nSymbols, contextLength, labels, separator);
  const edges = (i: number): [number, number] | null => {
    const [low, high] = [bands?.low[i], bands?.high[i]];
    return typeof low === "number" && typeof high === "number" ? [low, high] : null;
  };
  const amount = (i: number): string => {
    const [value, band] = [current[i]!, edges(i)];
    return difference ? points(value) : band ? range(...band, percent) : percent(value);
  };
  // a frame of another vocabulary or context length may still be on its way
  const current = values.length === countArrows(layout) ? values : [];

  const drawn = arrowsDrawn(current, layout, props.threshold, active);
  const foreground = active.length === 0 ? drawn : drawn.filter((i) => active.includes(Math.floor(i / nSymbols)));
  const background = active.length === 0 ? [] : drawn.filter((i) => !active.includes(Math.floor(i / nSymbols)));

  const near = touched !== null && touched < countArrows(layout) && typeof current[touched] === "number" ? touched : null;
  const asked = scene.labels !== null ? [] : difference && active.length === 0 && !props.moving ? largest(current) : labelled(active, current, nSymbols);
  const shown = near === null || scene.labels !== null || asked.includes(near) ? asked : [near, ...asked];
  const placed = useMemo(() => scene.labels ?? placeFor(layout, arrows, shown, labels, shown, longest), [scene, shown.join()]);

  const many = countArrows(layout) > MANY;
  const arrow = (i: number, kind: "strong" | "plain" | "faint"): JSX.Element => {
    const value = current[i]!;
    const band = edges(i);
    const { token, line, tip, angle } = arrows(i);
    const ink = (kind === "strong" ? strongInkOf : inkOf)(Math.abs(value), layout);
    const opacity = kind === "faint" ? (n > ALL_DRAWN ? 0.3 : 0.75) * ink.opacity : ink.opacity;
    const headless = kind !== "strong" && many && Math.abs(value) < 0.05;
    const colour = !difference ? `g-token-${token % TOKENS}` : value < 0 ? "g-less" : "g-more";
    const length = layout.arrowHead;
    // with many arrows, ink in coarser grades, so that a frame changes only some of them
    const [width, strength] = many ? [grade(ink.width, 0.1), grade(opacity, 0.04)] : [round(ink.width), round(opacity)];
    const broad = band && round(width + bandOf(...band, layout));
    const look = `${width} ${broad} ${strength} ${headless} ${colour}`;
    const known = scene.marks.get(i);
    if (known?.look === look) return known.mark;
    const mark = (
      <g key={i} class={`g-arrow ${colour}`} stroke-width={width} stroke-opacity={strength} fill-opacity={strength}>
        {broad && <path class="g-band" d={remembered(scene.lines, i, () => pathOf(line))} stroke-width={broad} />}
        <path class="g-line" d={remembered(scene.lines, i, () => pathOf(line))} />
        {!headless && (
          <path
            class={isOpen(token) ? "g-head g-open" : "g-head"}
            d={headPath(token, length, headBreadth(length, width))}
            transform={remembered(scene.poses, i, () => pose(tip, angle))}
          />
        )}
      </g>
    );
    scene.marks.set(i, { look, mark });
    return mark;
  };

  const unseen = Array.from({ length: n }, (_, state) => (props.seen(state) ? "" : "u")).join();
  const describe = (state: number): string => {
    const row = current.slice(state * nSymbols, (state + 1) * nSymbols);
    const seen = text(props.seen(state) ? "graph.seen" : props.ended(state) ? "graph.ended" : "graph.unseen");
    const said = row
      .map((value, token) => ({ value, token }))
      .filter((arrow): arrow is { value: number; token: number } => arrow.value !== null && arrow.value !== 0)
      .sort((a, b) => Math.abs(b.value) - Math.abs(a.value) || a.token - b.token)
      .slice(0, MOST_LABELS)
      .map(({ value, token }) =>
        difference
          ? text("graph.arrow.difference", { token: labels[token] ?? "?", points: points(value) })
          : text("graph.arrow", { token: labels[token] ?? "?", percent: amount(state * nSymbols + token) }),
      );
    if (said.length === 0) return text("graph.node.nothing", { context: name(state), seen });
    return text("graph.node", { context: name(state), arrows: said.join(text("sentence.comma")), seen });
  };
  // with many states their descriptions are too many to be written while frames pass by
  const language = text("graph.seen"); // `text` may be another function each time
  const described = n > ALL_DRAWN && props.moving ? n : values;
  // at the states themselves: an svg that listens for focus is a tab stop of its own in Chromium
  const onFocus = (event: FocusEvent): void => {
    const state = stateOf(event.target);
    setFocused(isKeyboardFocus(event.target) ? state : null);
    if (state !== null) setLast(state);
  };
  const onBlur = (): void => setFocused(null);
  const nodes = useMemo(
    () =>
      layout.states.map((shape, state) => (
        <g
          key={state}
          class={["g-node", props.seen(state) ? "" : "g-unseen", state === selected ? "g-selected" : ""].join(" ")}
          data-state={state}
          transform={`translate(${round(shape.x)} ${round(shape.y)})`}
          role="button"
          aria-roledescription={text("graph.role")}
          tabindex={state === tabStop ? 0 : -1}
          aria-pressed={state === selected}
          onFocus={onFocus}
          onBlur={onBlur}
          aria-label={describe(state)}
        >
          {state === hovered && pi !== null && pi.length === n && (
            <title>{text("graph.share", { context: name(state), percent: percent(pi[state]!) })}</title>
          )}
          {outline("g-hit", shape, layout.naming === "inside" ? 0 : layout.n <= 64 ? 8 : 2)}
          {outline("g-focus", shape, layout.naming === "inside" ? 7 : 6)}
          {state === selected && outline("g-ring", shape, layout.naming === "inside" ? 3.5 : 3)}
          {outline("g-disc", shape, 0)}
          {layout.naming === "inside" && (
            <text class="g-name" font-size={layout.fontSize} dy="0.35em">
              {layout.names[state]}
            </text>
          )}
          {layout.naming === "outside" && <OuterName layout={layout} state={state} />}
        </g>
      )),
    [scene, selected, hovered, tabStop, unseen, language, described, longest, pi, difference],
  );

  const named =
    layout.naming === "asked"
      ? spread(layout, neighbourhood(active, within(ball?.state), current, layout, arrows))
      : [];
  const focus = (state: number): void => {
    svg.current?.querySelector<SVGGElement>(`[data-state="${state}"]`)?.focus();
  };
  const select = (state: number): void => props.onSelect(state === selected ? null : state);

  const onKeyDown = (event: KeyboardEvent): void => {
    const state = stateOf(event.target);
    if (state === null || event.ctrlKey || event.metaKey || event.altKey) return;
    const way = DIRECTIONS[event.key];
    const token = tokenOfKey(props.symbols, event.key);
    if (way !== undefined) {
      const next = nearest(layout, state, way);
      if (next !== null) focus(next);
    } else if (token >= 0) {
      focus(successor(state, token, nSymbols, contextLength));
      if (ball?.state === state) props.onWalk(token); // the ball comes along
    } else if (event.key === "Enter" || event.key === " ") {
      if (event.shiftKey) props.onPlace(state);
      else select(state);
    } else if (event.key === "Escape" && selected !== null) {
      props.onSelect(null);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };

  const at = within(ball?.state);
  const walks = at === null || difference ? [] : drawn.filter((i) => Math.floor(i / nSymbols) === at);

  return (
    <svg
      ref={svg}
      class="g-graph"
      viewBox={`0 0 ${layout.width} ${layout.height}`}
      preserveAspectRatio="xMidYMid meet"
      role="group"
      aria-label={text("graph.label", { n })}
      onClick={(event) => {
        if (event.detail > 1) return; // the second of a double click
        const state = stateOf(event.target);
        const token = attributeOf(event.target, "data-token");
        if (state !== null) select(state);
        else if (token !== null) props.onWalk(token);
        else if (selected !== null) props.onSelect(null);
      }}
      onDblClick={(event) => {
        const state = stateOf(event.target);
        if (state !== null) props.onPlace(state);
      }}
      onPointerOver={(event) => setHovered(event.pointerType === "touch" ? null : stateOf(event.target))}
      onPointerMove={(event) => {
        if (event.pointerType !== "mouse") return;
        const matrix = event.currentTarget.getScreenCTM();
        const at = matrix && new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
        setTouched(at && stateOf(event.target) === null ? nearestArrow(at, drawn, scene) : null);
      }}
      onPointerLeave={() => {
        setHovered(null);
        setTouched(null);
      }}
      onKeyDown={onKeyDown}
    >
      <g class="g-halos">
        {pi !== null &&
          pi.length === n &&
          layout.states.map((shape, state) => outline("g-halo", shape, haloOf(pi[state]!, shape, n), shape, state))}
      </g>
      <g class="g-arrows">{background.map((i) => arrow(i, "faint"))}</g>
      <g class="g-arrows">{foreground.map((i) => arrow(i, active.length > 0 ? "strong" : "plain"))}</g>
      {near !== null && <path class="g-near" d={pathOf(arrows(near).whole)} />}
      <g class="g-walks">
        {walks.map((i) => {
          const { token, head, whole } = arrows(i);
          return (
            <path key={token} class="g-walk" data-token={token} d={pathOf(whole)}>
              <title>
                {text("graph.walk", {
                  context: name(at!),
                  token: labels[token] ?? "?",
                  next: name(head),
                  percent: percent(current[i]!),
                })}
              </title>
            </path>
          );
        })}
      </g>
      <g class="g-nodes">{nodes}</g>
      <g class="g-names" aria-hidden="true">
        {named.map(({ state, at: spot, angle }) => (
          <g key={state} data-state={state} transform={`translate(${round(spot.x)} ${round(spot.y)})`}>
            <OuterName layout={layout} state={state} angle={angle} class={active.includes(state) ? "g-strong" : ""} />
          </g>
        ))}
      </g>
      <g class="g-labels" font-size={layout.labelSize} aria-hidden="true">
        {placed.map((label) => {
          const value = current[label.arrow];
          if (value === null || value === undefined || (!difference && value === 0)) return null;
          const { tail, token } = arrows(label.arrow);
          const faint = active.length > 0 && !active.includes(tail) && label.arrow !== near;
          return (
            <text
              key={label.arrow}
              class={faint ? "g-label g-faint" : "g-label"}
              x={round(label.x)}
              y={round(label.y)}
              dy="0.35em"
            >
              <tspan class="g-symbol">{tokenName(labels, token)}</tspan> {amount(label.arrow)}
            </text>
          );
        })}
      </g>
      {at !== null && <RollingBall scene={scene} ball={ball!} still={props.reducedMotion} />}
    </svg>
  );
}

/** The arrow that a point is at, or null. */
function nearestArrow(at: Point, drawn: readonly number[], { arrows, traces }: Scene): number | null {
  let [best, least]: [number | null, number] = [null, NEAR];
  for (const i of drawn) {
    for (const point of remembered(traces, i, () => trace(arrows(i).whole, 24))) {
      const apart = distance(point, at);
      if (apart < least) [best, least] = [i, apart];
    }
  }
  return best;
}

/** The numbers of the arrows to be drawn, the weakest ones of too many left out. */
function arrowsDrawn(values: (number | null)[], layout: Layout, threshold: number, active: number[]): number[] {
  const least = layout.n > ALL_DRAWN ? threshold : 0;
  const drawn: number[] = [];
  values.forEach((value, i) => {
    if (value === null || value === 0) return;
    if (Math.abs(value) >= least || active.includes(Math.floor(i / layout.nSymbols))) drawn.push(i);
  });
  if (drawn.length <= MOST_DRAWN) return drawn;
  const strength = (i: number): number => Math.abs(values[i]!);
  return drawn
    .sort((a, b) => strength(b) - strength(a))
    .slice(0, MOST_DRAWN)
    .sort((a, b) => a - b);
}

/** The arrows of the states looked at that get a label: the strongest of each. */
function labelled(active: number[], values: (number | null)[], nSymbols: number): number[] {
  const strength = (i: number): number => Math.abs(values[i] ?? 0);
  return active.flatMap((state) =>
    Array.from({ length: nSymbols }, (_, token) => state * nSymbols + token)
      .filter((i) => values[i] !== null && values[i] !== undefined)
      .sort((a, b) => strength(b) - strength(a))
      .slice(0, MOST_LABELS)
      .sort((a, b) => a - b),
  );
}

/** The arrows that differ most. */
function largest(values: (number | null)[]): number[] {
  const strength = (i: number): number => Math.abs(values[i] ?? 0);
  return [...values.keys()]
    .filter((i) => strength(i) >= 0.005)
    .sort((a, b) => strength(b) - strength(a))
    .slice(0, MOST_LABELS)
    .sort((a, b) => a - b);
}

/** The states whose names are shown where there is no room for all. */
function neighbourhood(
  active: number[],
  ball: number | null,
  values: (number | null)[],
  layout: Layout,
  arrows: Arrows,
): number[] {
  const after = labelled(active, values, layout.nSymbols).map((i) => arrows(i).head);
  return [...new Set([...active, ...after, ...(ball === null ? [] : [ball])])];
}

const DIRECTIONS: Record<string, Point> = {
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 },
};

/** The state next to another in a direction. */
function nearest(layout: Layout, from: number, way: Point): number | null {
  const here = layout.states[from]!;
  let best: number | null = null;
  let least = Infinity;
  layout.states.forEach((there, state) => {
    const [dx, dy] = [there.x - here.x, there.y - here.y];
    const ahead = dx * way.x + dy * way.y;
    const aside = Math.abs(dx * way.y) + Math.abs(dy * way.x);
    if (state === from || ahead <= 0.35 * aside || ahead < 1) return;
    const price = ahead + 2 * aside;
    if (price < least) [best, least] = [state, price];
  });
  return best;
}

const pose = (tip: Point, angle: number): string =>
  `translate(${round(tip.x)} ${round(tip.y)}) rotate(${round((angle * 180) / Math.PI)})`;

function attributeOf(target: EventTarget | null, attribute: string): number | null {
  const value = target instanceof Element ? target.closest(`[${attribute}]`)?.getAttribute(attribute) : null;
  return value === null || value === undefined ? null : Number(value);
}

const stateOf = (target: EventTarget | null): number | null => attributeOf(target, "data-state");

const isKeyboardFocus = (target: EventTarget | null): boolean =>
  target instanceof Element && target.matches(":focus-visible");

/** The sheet for what contains the drawing; of so many states, if it is presented. */
function useSheet(svg: { current: SVGSVGElement | null }, presentedStates?: number): Sheet {
  const [sheet, setSheet] = useState<Sheet>(WIDE);
  useLayoutEffect(() => {
    const container = svg.current?.parentElement;
    if (!container) return;
    const look = (): void => {
      const style = getComputedStyle(container);
      if (!container.isConnected) return; // a notebook draws first, and puts it in its place then
      const width = container.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
      const height = container.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom);
      if (width <= 0 || height <= 0) return;
      const next = sheetFor(width, height, presentedStates);
      setSheet((old) => (old.width === next.width && old.height === next.height ? old : next));
    };
    look();
    const observer = new ResizeObserver(look);
    observer.observe(container);
    return () => observer.disconnect();
  }, [presentedStates]);
  return sheet;
}

/** The outline of a state, `by` wider, around a centre; without one around that of the group. */
function outline(name: string, shape: Stadium, by: number, centre: Point = { x: 0, y: 0 }, key?: number): JSX.Element {
  const [w, r] = [shape.halfWidth + by, shape.radius + by];
  if (shape.halfWidth === shape.radius) {
    return <circle key={key} class={name} cx={round(centre.x)} cy={round(centre.y)} r={round(r)} />;
  }
  const [x, y] = [round(centre.x - w), round(centre.y - r)];
  return <rect key={key} class={name} x={x} y={y} width={round(2 * w)} height={round(2 * r)} rx={round(r)} />;
}

/** The name of a small state, written outward from it. */
function OuterName(props: { layout: Layout; state: number; angle?: number; class?: string }): JSX.Element {
  const { layout, state } = props;
  const angle = props.angle ?? layout.outward[state]!;
  const degrees = (angle * 180) / Math.PI;
  const left = Math.cos(angle) < -1e-9;
  const from = layout.states[state]!.radius + 7;
  return (
    <text
      class={`g-name g-outer ${props.class ?? ""}`}
      font-size={layout.fontSize}
      dy="0.35em"
      text-anchor={left ? "end" : "start"}
      transform={`rotate(${round(left ? degrees + 180 : degrees)}) translate(${left ? -from : from} 0)`}
    >
      {layout.names[state]}
    </text>
  );
}

/** The ball: at rest where it is, and rolling there along the arrow when a token was drawn. */
function RollingBall({ scene, ball, still }: { scene: Scene; ball: Ball; still: boolean }): JSX.Element {
  const element = useRef<SVGGElement>(null);
  const before = useRef({ fresh: ball.fresh, at: 0 });
  const pending = useRef(0);
  useLayoutEffect(() => {
    const { layout, arrows, rest } = scene;
    const put = ({ x, y }: Point): void =>
      element.current?.setAttribute("transform", `translate(${round(x)} ${round(y)})`);
    const now = performance.now();
    const gap = now - before.current.at;
    const drawn = ball.fresh !== before.current.fresh;
    before.current = { fresh: ball.fresh, at: drawn ? now : before.current.at };
    cancelAnimationFrame(pending.current);
    const { from, token } = ball;
    const arrow = from === null || token === null || from >= layout.n ? null : arrows(from * layout.nSymbols + token);
    if (!drawn || still || gap < HURRY || arrow === null || arrow.head !== ball.state) {
      put(restingPlace(layout, ball.state, rest(ball.state)));
      return;
    }
    const way = follow(track(layout, arrow, rest));
    const duration = Math.min(TRAVEL, 0.9 * gap);
    const roll = (time: number): void => {
      const share = Math.min(1, Math.max(0, (time - now) / duration));
      put(way(ease(share)));
      if (share < 1) pending.current = requestAnimationFrame(roll);
    };
    put(way(0));
    pending.current = requestAnimationFrame(roll);
  }, [scene, ball.state, ball.fresh, still]);
  useEffect(() => () => cancelAnimationFrame(pending.current), []);
  return (
    <g ref={element} class="g-ball" aria-hidden="true">
      <circle r={BALL} />
    </g>
  );
}
