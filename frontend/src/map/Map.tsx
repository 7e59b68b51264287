import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { contextOf, successor, tokenOfKey } from "../contexts";
import { clamp, count, percent } from "../numbers";
import { bytes } from "../packed";
import { arrowStep, tokenColour } from "../parts/common";
import { useScreen } from "../screen";
import { colour, type Rgb, shades } from "./colours";
import { mapLength, mapSize, pixelOf, pixelsOf, suffixAt } from "./suffix";

const FEW = 8; // symbols whose strips are named in full
const MOST_NAMED = 40; // symbols whose strips are named at all
const FLATTEST = 2; // times as wide as high
const MOST_LABELLED = 32; // states whose pixels are large enough to be named
const FAINTEST = 0.12; // even a state that favours nothing shows which token it leans to

interface Pixel {
  suffix: number; // the number of the last tokens it stands for
  token: number;
  strength: number;
}

/** The chain as a picture, one pixel a state, those with the same last tokens side by side. */
export function SuffixMap() {
  const screen = useScreen();
  const t = screen.text.value;
  const setup = screen.views.setup.value;
  const frame = screen.views.frame.value;
  const selected = screen.views.selected.value;
  const tape = screen.views.tape.value;
  const canvas = useRef<HTMLCanvasElement>(null);
  const [pointed, setPointed] = useState<Pixel | null>(null);
  const V = setup?.labels.length ?? 2;
  const K = setup?.settings.context_length ?? 1;
  const [width, height] = setup?.map ?? mapSize(V, K);
  const length = mapLength(V, width, height);
  const difference = frame?.signed ?? false;
  const data = useMemo(() => {
    if (!frame) return null;
    if (frame.map) return bytes(frame.map);
    return frame.values && pixelsOf(frame.values, V, length, difference);
  }, [frame, V, length, difference]);

  // The palette is read when the theme may have changed, not at each frame.
  const dark = screen.dark.value;
  const palette = useRef<{ key: string; colours: Rgb[][]; unknown: Rgb } | null>(null);
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context || !canvas.current || !data || data.length !== 2 * width * height) return;
    const style = getComputedStyle(canvas.current);
    const key = `${dark} ${difference} ${V} ${style.getPropertyValue("--paper")}`;
    if (palette.current?.key !== key) {
      const paper = colour(style, "--paper");
      const ends = difference ? ["--less", "--more", "--accent"] : Array.from({ length: V }, (_, token) => `--token-${token % 8}`);
      const colours = ends.map((name) => shades(paper, colour(style, name), difference ? 0 : FAINTEST));
      palette.current = { key, colours, unknown: colour(style, "--unknown") };
    }
    const { colours, unknown } = palette.current;
    const image = context.createImageData(width, height);
    const out = image.data;
    for (let i = 0, o = 0; i < data.length; i += 2, o += 4) {
      const token = data[i] ?? 255;
      const rgb = token === 255 ? unknown : (colours[token]?.[data[i + 1] ?? 0] ?? unknown);
      out[o] = rgb[0];
      out[o + 1] = rgb[1];
      out[o + 2] = rgb[2];
      out[o + 3] = 255;
    }
    context.putImageData(image, 0, 0);
  }, [data, width, height, difference, V, dark]);

  if (!setup || !frame) return null;
  const shared = setup.n_states / V ** length; // states behind one pixel
  const stateAt = (event: MouseEvent & { currentTarget: HTMLElement }) => {
    const box = event.currentTarget.getBoundingClientRect();
    const x = Math.min(width - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * width)));
    const y = Math.min(height - 1, Math.max(0, Math.floor(((event.clientY - box.top) / box.height) * height)));
    const at = 2 * (y * width + x);
    return { suffix: suffixAt(x, y, V, length), token: data?.[at] ?? 255, strength: data?.[at + 1] ?? 0 };
  };
  const ratio = clamp(width / height, 1 / FLATTEST, FLATTEST); // pixels may be taller than wide, the map may not be a strip
  const marks: { state: number; kind: string; colour?: string }[] = [];
  if (tape) marks.push({ state: tape.state, kind: "ball" });
  if (selected) {
    for (let token = 0; token < Math.min(V, 32); token++)
      marks.push({ state: successor(selected.state, token, V, K), kind: "after", colour: tokenColour(token) });
    marks.push({ state: selected.state, kind: "selected" });
  }
  const where = (state: number) => {
    const [x, y] = pixelOf(state % V ** length, V, length);
    return { left: `${(100 * (x + 0.5)) / width}%`, top: `${(100 * (y + 0.5)) / height}%` };
  };
  const walk = (event: KeyboardEvent) => {
    const state = selected?.state ?? tape?.state ?? 0;
    const typed = tokenOfKey(setup.symbols, event.key);
    const [x, y] = pixelOf(state % V ** length, V, length);
    const by = arrowStep(event.key);
    if (typed >= 0) screen.send({ command: "select", state: successor(state, typed, V, K) });
    else if (by) {
      const [nx, ny] = [x + by[0], y + by[1]];
      if (nx < 0 || ny < 0 || nx >= width || ny >= height) return;
      screen.send({ command: "select", state: suffixAt(nx, ny, V, length) });
    } else if (event.key === "Escape") screen.send({ command: "select", state: null });
    else return;
    event.preventDefault();
  };
  const name = (suffix: number) => (shared > 1 ? "…" : "") + screen.title.value(contextOf(suffix, V, length));
  // Beside a map only the strength of a colour is known, one of 256; of few states the probabilities themselves.
  const probability = ({ suffix, token, strength }: Pixel) => {
    const exact = frame.values?.[suffix * V + token];
    return typeof exact === "number" ? percent(exact) : `≈ ${percent(1 / V + (strength / 255) * (1 - 1 / V))}`;
  };
  const newest = Array.from({ length: V }, (_, token) => token);
  return (
    <figure class="map">
      <div class="map-box" style={{ aspectRatio: ratio, "--ratio": ratio }}>
        {V <= MOST_NAMED && (
          <div class="map-newest" aria-hidden="true">
            {newest.map((token) => (
              <span key={token}>{V <= FEW ? t("map.ends", { symbol: setup.labels[token] ?? "" }) : setup.labels[token]}</span>
            ))}
          </div>
        )}
        <canvas
          ref={canvas}
          width={width}
          height={height}
          tabIndex={0}
          role="application"
          aria-label={t("map.label", { states: count(setup.n_states), width, height })}
          onKeyDown={walk}
          onPointerMove={(event) => setPointed(stateAt(event))}
          onPointerLeave={() => setPointed(null)}
          onClick={(event) => screen.send({ command: "select", state: stateAt(event).suffix })}
        />
        {setup.n_states <= MOST_LABELLED &&
          Array.from({ length: setup.n_states }, (_, state) => (
            <span key={state} class="map-name" aria-hidden="true" style={where(state)}>
              {screen.title.value(contextOf(state, V, K))}
            </span>
          ))}
        {marks.map(({ state, kind, colour: ring }, i) => (
          <span key={i} class={`map-mark ${kind}`} aria-hidden="true" style={{ ...where(state), ...(ring && { "--colour": ring }) }} />
        ))}
      </div>
      <figcaption>
        {pointed
          ? pointed.token === 255
            ? t("map.unknown", { context: name(pointed.suffix) })
            : difference
              ? t("map.differs", { context: name(pointed.suffix), points: Math.round((100 * pointed.strength) / 255) })
              : t("map.says", { context: name(pointed.suffix), symbol: setup.labels[pointed.token] ?? "", percent: probability(pointed) })
          : difference
            ? t(V === 2 ? "map.hint.difference" : "map.hint.distance")
            : shared > 1
              ? t("map.shared", { n: count(shared) })
            : t("map.hint")}
      </figcaption>
    </figure>
  );
}
