import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { contextOf, successor, tokenOfKey } from "../contexts";
import { clamp, count, percent } from "../numbers";
import { bytes } from "../packed";
import { Neighbourhood } from "../parts/Neighbourhood";
import { arrowStep } from "../parts/common";
import type { Frame, Setup } from "../protocol";
import { useScreen } from "../screen";
import { colour, colourStates, mix, type Palette, paletteOf } from "./colours";
import { cellOf, labelled, type Pair } from "./layout";
import { FAINTEST, MapLegend, tintsOf, UNKNOWN } from "./Legend";
import { DOTTED, drawDots, drawLetters, drawStates, type Look } from "./paint";
import { mapLength, mapSize, pixelOf, pixelsOf, suffixAt } from "./suffix";

const MOST_NAMED = 32; // states that are large enough to be named
const MOST_MARKED = 32; // states after the selected one that are marked
const LONGEST = 8; // letters of a label on an axis
const LETTERED = 12; // CSS pixels that a state needs for a letter
const FEW_DOTS = 0.12; // of the map, which dots may hide where states are smaller
const DOT = 36; // square pixels that such a dot hides
const ZOOMED = 48; // CSS pixels of a state that need no closer look
const BAR = 10; // pixels of a scroll bar
const AXIS = 14; // pixels of its letters

interface Room {
  width: number;
  height: number;
  left: number;
  top: number;
  ratio: number; // device pixels each
}

/** The chain as a picture, a cell a state, those with the same last tokens side by side; beside it what it means. */
export function SuffixMap() {
  const screen = useScreen();
  const setup = screen.views.setup.value;
  const frame = screen.views.frame.value;
  return setup && frame ? <MapOf setup={setup} frame={frame} /> : null;
}

function MapOf({ setup, frame }: { setup: Setup; frame: Frame }) {
  const screen = useScreen();
  const t = screen.text.value;
  const selected = screen.views.selected.value ?? null;
  const tape = screen.views.tape.value;
  const player = screen.views.player.value;
  const seen = screen.seen.value;
  const canvas = useRef<HTMLCanvasElement>(null);
  const view = useRef<HTMLDivElement>(null);
  const [roomRef, room] = useRoom();
  const [pointed, setPointed] = useState<Pair | null>(null);
  const [showsSeen, setShowsSeen] = useState<boolean | null>(null); // null: if they are dots
  const [picked, setPicked] = useState<readonly number[] | null>(null);
  const [zoom, setZoom] = useState(1);
  const [from, setFrom] = useState<Pair>([0, 0]);

  const { labels } = setup;
  const V = labels.length;
  const K = setup.settings.context_length;
  const [width, height] = setup.map ?? mapSize(V, K);
  const length = mapLength(V, width, height);
  const many = V ** length;
  const difference = frame.signed;
  const data = useMemo(
    () => (frame.map ? bytes(frame.map) : frame.values && pixelsOf(frame.values, V, length, difference)),
    [frame, V, length, difference],
  );
  const unknown = useMemo(() => {
    for (let i = 0; data && i < data.length; i += 2) if (data[i] === 255) return true;
    return false;
  }, [data]);
  // where the data was, and all else
  const { marked, faded } = useMemo(() => {
    const faded = new Uint8Array(width * height).fill(1);
    for (let state = 0; state < setup.n_states; state++) {
      if (!seen(state)) continue;
      const [x, y] = pixelOf(state % many, V, length);
      faded[y * width + x] = 0;
    }
    return { faded, marked: Array.from(faded.keys()).filter((at) => !faded[at]) };
  }, [seen, width, height]);

  // -- where everything is, in device pixels for the canvas, in CSS pixels around it

  const ratio = room?.ratio ?? 1;
  const short = labels.map((label) => ([...label].length > LONGEST ? `${[...label].slice(0, LONGEST - 1).join("")}…` : label));
  const widest = Math.max(...short.map((label) => widthOf(label) * AXIS));
  const margin = { left: height > 1 ? Math.ceil(widest) + 32 : 4, top: 42 };
  const space: Pair = room ? [Math.floor((room.width - margin.left - 4) * ratio), Math.floor((room.height - margin.top - 4) * ratio)] : [1, 1];
  const whole = cellOf(space, [width, height]);
  const cell: Pair = [whole[0] * zoom, whole[1] * zoom];
  const over = [0, 1].map((i) => cell[i]! * (i ? height : width) > space[i]!); // what is scrolled
  const size = [0, 1].map((i) => Math.min(cell[i]! * (i ? height : width), space[i]! - (over[1 - i] ? BAR * ratio : 0))) as unknown as Pair;
  // the canvas begins on a pixel of the screen, wherever the room does
  const onPixel = (x: number, origin: number) => Math.round((origin + x) * ratio) / ratio - origin;
  const left = onPixel(margin.left + Math.max(0, (space[0] - size[0]) / ratio / 2), room?.left ?? 0);
  const top = onPixel(margin.top, room?.top ?? 0);
  const cellCss = Math.min(...cell) / ratio;
  const closer = zoom * whole[0] * whole[1] < (ZOOMED * ratio) ** 2 && 2 * cellCss <= ZOOMED;

  const look: Look = { states: [width, height], cell, from, pixelRatio: ratio };
  const letterSize = Math.min(22, 0.72 * (cell[1] / ratio), (0.9 * (cell[0] / ratio)) / Math.max(...labels.map(widthOf)));
  const roomy = V <= 254 && cellCss >= LETTERED && letterSize >= 8;
  const lettered = roomy && !difference;
  const tints = tintsOf(setup, frame, picked, lettered);
  const dots = cellCss >= DOTTED || setup.n_seen * DOT < FEW_DOTS * (size[0] / ratio) * (size[1] / ratio);
  const shows = showsSeen ?? dots;

  const dark = screen.dark.value;
  const palette = useRef<{ key: string; palette: Palette; ends: string[]; font: string } | null>(null);
  const image = useRef<ImageData | null>(null);
  useLayoutEffect(() => {
    if (!canvas.current || !room || !data || data.length !== 2 * width * height) return;
    // styles are read when the theme may have changed, not at each frame
    const key = [dark, difference, V, ...tints.names].join();
    if (palette.current?.key !== key) {
      const style = getComputedStyle(canvas.current);
      const colours = tints.names.map((name) => colour(style, name));
      const [paper, ink] = [colour(style, "--paper"), colour(style, "--ink")];
      const made = paletteOf(paper, colours, difference ? 0 : FAINTEST, mix(paper, ink, UNKNOWN), tints.of);
      palette.current = { key, palette: made, ends: ["--ink", "--paper"].map((name) => style.getPropertyValue(name)), font: style.fontFamily };
    }
    const { ends, font } = palette.current;
    if (image.current?.width !== width || image.current.height !== height) image.current = new ImageData(width, height);
    const colours = new Uint32Array(image.current.data.buffer);
    colourStates(colours, data, palette.current.palette, shows && !dots ? faded : null);
    const { current } = canvas;
    if (current.width !== size[0] || current.height !== size[1]) [current.width, current.height] = [size[0], size[1]];
    drawStates(current, image.current, look);
    const letter = (at: number) => (data[2 * at] === 255 ? "–" : (lettered && labels[data[2 * at]!]) || "");
    if (roomy) drawLetters(current, colours, letter, letterSize * ratio, font, look);
    if (shows && dots) drawDots(current, marked, ends, lettered, look);
  }, [data, marked, shows, dots, roomy, lettered, tints.names.join(), String(tints.picked), dark, difference, ...cell, ...size, ...from, left, top, room]);

  // -- a closer look

  const anchor = useRef<Pair>([0.5, 0.5]); // what stays in its place while the map grows, as a share of it
  const nearer = (factor: number, at: Pair = anchor.current) => {
    if (factor > 1 ? !closer : zoom === 1) return;
    anchor.current = at;
    setZoom(zoom * factor);
  };
  const centre = (x: number, y: number) => view.current?.scrollTo((x * width * cell[0] - size[0] / 2) / ratio, (y * height * cell[1] - size[1] / 2) / ratio);
  useLayoutEffect(() => centre(...anchor.current), [zoom]);
  useEffect(() => setZoom(1), [width, height]);
  useEffect(() => {
    if (!selected) return;
    const [x, y] = pixelOf(selected.state % many, V, length);
    const at = [x * cell[0] - from[0], y * cell[1] - from[1]];
    anchor.current = [(x + 0.5) / width, (y + 0.5) / height];
    if (at.some((begin, i) => begin < 0 || begin + cell[i]! > size[i]!)) centre(...anchor.current);
  }, [selected?.state]);
  const pinch = useRef(0);
  const spread = ({ touches: [a, b] }: TouchEvent) => (a && b ? Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY) : 0);
  const pinched = (event: TouchEvent) => {
    const now = spread(event);
    if (!now || !pinch.current) return;
    const factor = now / pinch.current;
    if (factor < 1.6 && factor > 0.6) return;
    pinch.current = now;
    nearer(factor > 1 ? 2 : 0.5);
  };

  // -- what is pointed at, and where one goes

  const pixelAt = (event: MouseEvent): Pair => {
    const box = canvas.current!.getBoundingClientRect();
    const at = (client: number, begin: number, i: number) => Math.floor(((client - begin) * ratio + from[i]!) / cell[i]!);
    return [clamp(at(event.clientX, box.left, 0), 0, width - 1), clamp(at(event.clientY, box.top, 1), 0, height - 1)];
  };
  const select = (state: number | null) => screen.send({ command: "select", state });
  const walk = (event: KeyboardEvent) => {
    const state = selected?.state ?? tape?.state ?? 0;
    const typed = tokenOfKey(setup.symbols, event.key);
    const by = arrowStep(event.key);
    if (typed >= 0) select(successor(state, typed, V, K));
    else if (by) {
      const [x, y] = pixelOf(state % many, V, length);
      const [nx, ny] = [x + by[0], y + by[1]];
      if (nx < 0 || ny < 0 || nx >= width || ny >= height) return;
      select(suffixAt(nx, ny, V, length));
    } else if (event.key === "Enter") {
      if (selected) roomRef.current?.closest(".map")?.querySelector<SVGElement>(".n-node")?.focus();
      else select(state);
    } else if (event.key === "Escape") select(null);
    else return;
    event.preventDefault();
  };

  const shared = setup.n_states / many; // states behind one pixel
  const sentenceOf = ([x, y]: Pair) => {
    const suffix = suffixAt(x, y, V, length);
    const context = (shared > 1 ? "…" : "") + screen.title.value(contextOf(suffix, V, length));
    const [token, depth] = [data?.[2 * (y * width + x)] ?? 255, data?.[2 * (y * width + x) + 1] ?? 0];
    if (token === 255) return t("map.unknown", { context });
    if (difference) return t("map.differs", { context, points: Math.round((100 * depth) / 255) });
    // beside a map only the depth of a colour is known, one of 256; of few states the probabilities themselves
    const exact = frame.values?.[suffix * V + token];
    const own = frame.source === "model" && shared === 1 && selected?.state === suffix ? selected.model[token] : undefined;
    const known = typeof exact === "number" ? exact : own;
    const share = known === undefined ? `≈ ${percent(1 / V + (depth / 255) * (1 - 1 / V))}` : percent(known);
    // one byte names the token: those from the 255th on share one
    return t("map.says", { context, symbol: token === 254 && V > 255 ? "…" : (labels[token] ?? ""), percent: share });
  };
  const told = pointed ?? (selected && pixelOf(selected.state % many, V, length));

  // -- around the canvas

  const cellAt = (state: number) => {
    const [x, y] = pixelOf(state % many, V, length);
    const box = [cell[0] / ratio, cell[1] / ratio] as const;
    return { x: x * box[0] - from[0] / ratio, y: y * box[1] - from[1] / ratio, width: box[0], height: box[1] };
  };
  const mark = (state: number, kind: string, tint?: string) => {
    const box = cellAt(state);
    const [w, h] = [Math.max(box.width, 9), Math.max(box.height, 9)];
    const place = { x: box.x + (box.width - w) / 2, y: box.y + (box.height - h) / 2, width: w, height: h };
    return (
      <g class={`map-mark ${kind}`} style={tint && { "--tint": tint }}>
        <rect class="under" {...place} />
        <rect {...place} />
      </g>
    );
  };
  const aside: Pair = lettered ? [0.2, 0.8] : [0.5, 0.5]; // of the letter
  const ballAt = tape && cellAt(tape.state);
  const after = selected && V <= MOST_MARKED ? labels.map((_, token) => token) : [];
  // what does not change with a frame is not drawn again
  const legend = useMemo(
    () => (
      <MapLegend
        setup={setup}
        frame={frame}
        tints={tints}
        letters={lettered}
        unknown={unknown}
        seen={shows}
        dots={dots}
        onSeen={() => setShowsSeen(!shows)}
        onPick={setPicked}
        zoom={zoom > 1 || closer ? nearer : null}
        zoomed={zoom > 1}
        closer={closer}
      />
    ),
    [setup, frame.source, frame.signed, String(frame.token?.known), String(frame.compare), tints.names.join(), String(tints.picked), lettered, unknown, shows, dots, zoom, closer],
  );
  const css = { width: size[0] / ratio, height: size[1] / ratio };
  const across = labelled(V, (cell[0] * width) / V / ratio, widest + 3, from[0] / ratio, from[0] / ratio + css.width);
  const down = labelled(V, (cell[1] * height) / V / ratio, AXIS - 2, from[1] / ratio, from[1] / ratio + css.height);
  return (
    <figure class="map">
      <div class="map-parts">
        <div class="map-main">
          <div class="map-room" ref={roomRef}>
            {room && (
              <>
                <div
                  class="map-view"
                  ref={view}
                  style={{ left: `${left}px`, top: `${top}px`, ...sized(css.width + (over[1] ? BAR : 0), css.height + (over[0] ? BAR : 0)) }}
                  onScroll={({ currentTarget: { scrollLeft, scrollTop } }) => setFrom([Math.round(scrollLeft * ratio), Math.round(scrollTop * ratio)])}
                  onWheel={(event) => {
                    if (!event.ctrlKey) return;
                    event.preventDefault();
                    const [x, y] = pixelAt(event);
                    nearer(event.deltaY < 0 ? 2 : 0.5, [(x + 0.5) / width, (y + 0.5) / height]);
                  }}
                  onTouchStart={(event) => (pinch.current = spread(event))}
                  onTouchMove={pinched}
                >
                  <div style={sized((cell[0] * width) / ratio, (cell[1] * height) / ratio)}>
                    <canvas
                      ref={canvas}
                      style={sized(css.width, css.height)}
                      tabIndex={0}
                      role="application"
                      aria-label={t("map.label", { states: count(setup.n_states), width, height })}
                      onKeyDown={walk}
                      onPointerMove={(event) => setPointed(pixelAt(event))}
                      onPointerLeave={() => setPointed(null)}
                      onClick={(event) => select(suffixAt(...pixelAt(event), V, length))}
                    />
                  </div>
                </div>
                <svg class="map-around" width={room.width} height={room.height} aria-hidden="true">
                  <text class="map-axis" x={left} y="14">
                    {t("map.axis.newest")}
                  </text>
                  {across.map(({ strip, at }) => (
                    <text key={strip} class="map-token" x={left + at} y={top - 7} text-anchor="middle">
                      {short[strip]}
                    </text>
                  ))}
                  {height > 1 && (
                    <text class="map-axis" transform={`translate(${left - widest - 24} ${top}) rotate(90)`}>
                      {t("map.axis.before")}
                    </text>
                  )}
                  {height > 1 &&
                    down.map(({ strip, at }) => (
                      <text key={strip} class="map-token" x={left - 7} y={top + at + 5} text-anchor="end">
                        {short[strip]}
                      </text>
                    ))}
                  <svg x={left - 3} y={top - 3} width={css.width + 6} height={css.height + 6} viewBox={`-3 -3 ${css.width + 6} ${css.height + 6}`}>
                    {setup.n_states <= MOST_NAMED &&
                      Array.from({ length: setup.n_states }, (_, state) => {
                        const box = cellAt(state);
                        return (
                          <text key={state} class="map-name" x={box.x + box.width / 2} y={box.y + 20} text-anchor="middle">
                            {screen.title.value(contextOf(state, V, K))}
                          </text>
                        );
                      })}
                    {after.map((token) => mark(successor(selected!.state, token, V, K), "after", tints.tokenTint(token)))}
                    {selected && mark(selected.state, "selected")}
                    {ballAt && <circle class="map-ball" cx={ballAt.x + aside[0] * ballAt.width} cy={ballAt.y + aside[1] * ballAt.height} r="5" />}
                  </svg>
                </svg>
              </>
            )}
          </div>
          <figcaption aria-live={player?.playing ? "off" : "polite"}>
            {told ? sentenceOf(told) : shared > 1 ? t("map.shared", { n: count(shared) }) : t("map.hint")}
          </figcaption>
        </div>
        <div class="map-side">
          {legend}
          {selected && <Neighbourhood narrow onLeave={() => canvas.current?.focus()} />}
        </div>
      </div>
    </figure>
  );
}

function sized(width: number, height: number) {
  return { width: `${width}px`, height: `${height}px` };
}

/** About how wide a text is, in ems. */
function widthOf(text: string): number {
  return [...text].reduce((sum, letter) => sum + (letter > "\u2e7f" ? 1 : 0.61), 0);
}

/** An element and the room it has. */
function useRoom() {
  const ref = useRef<HTMLDivElement>(null);
  const [room, setRoom] = useState<Room | null>(null);
  useLayoutEffect(() => {
    const look = () => {
      const box = ref.current!.getBoundingClientRect();
      setRoom({ width: box.width, height: box.height, left: box.left, top: box.top, ratio: devicePixelRatio });
    };
    look();
    const observer = new ResizeObserver(look);
    observer.observe(ref.current!);
    addEventListener("resize", look); // the browser's own zoom changes how many pixels there are
    return () => {
      observer.disconnect();
      removeEventListener("resize", look);
    };
  }, []);
  return [ref, room] as const;
}
