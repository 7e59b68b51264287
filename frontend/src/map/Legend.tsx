import { useMemo } from "preact/hooks";
import { count, percent } from "../numbers";
import type { Frame, Setup } from "../protocol";
import { useScreen } from "../screen";

export const FAINTEST = 0.12; // even a state that favours nothing shows which token it leans to
export const UNKNOWN = 0.16; // of the colour of what is not known, what is ink
const FEW = 8; // symbols that have a colour of their own each
const MOST_PICKED = 7; // of more symbols: the eighth colour is grey, and all others share it
const MOST_OFFERED = 48; // symbols that may be picked
const STEPS = 14; // of a scale
const OTHERS = `--token-${FEW - 1}`;
const SURENESS = "--accent";

/** Which colours a map has, and of what. */
export interface Tints {
  readonly names: readonly string[]; // custom properties
  of(byte: number): number; // the place among them of a state's first byte
  tokenTint(token: number): string | undefined; // as a CSS value; those of the others share none
  readonly picked: readonly number[]; // the symbols that have a colour of their own
}

/** The colours of a map: a token's each, of many symbols those that were picked, of a difference its two directions. */
export function tintsOf({ labels, tokens }: Setup, frame: Frame, picked: readonly number[] | null, lettered: boolean): Tints {
  const V = labels.length;
  const of = (names: readonly string[], own: readonly number[], place: (byte: number) => number): Tints => ({
    names,
    of: place,
    tokenTint: (token) => (own.includes(token) ? `var(${frame.signed ? `--token-${token}` : names[place(token)]})` : undefined),
    picked: own,
  });
  const all = labels.map((_, token) => token);
  if (frame.signed) return of(["--less", "--more", SURENESS], V <= FEW ? all : [], (byte) => Math.min(byte, 2));
  if (V <= FEW) return of(all.map((token) => `--token-${token}`), all, (byte) => Math.min(byte, V - 1)); // prettier-ignore
  const own = picked ?? (lettered ? [] : mostFrequent(tokens, V).slice(0, MOST_PICKED));
  const names = [...own.map((_, i) => `--token-${i}`), own.length ? OTHERS : SURENESS];
  return of(names, own, (byte) => (own.includes(byte) ? own.indexOf(byte) : own.length));
}

/** The tokens, those first that the data has most often. */
function mostFrequent(tokens: readonly number[], V: number): number[] {
  const counts = new Array<number>(V).fill(0);
  for (const token of tokens) if (token >= 0) counts[token]!++;
  return counts.map((_, token) => token).sort((a, b) => counts[b]! - counts[a]!);
}

/** What the map's colours, depths, letters and dots mean; there the reader picks which symbols have a colour. */
export function MapLegend(props: {
  setup: Setup;
  frame: Frame;
  tints: Tints;
  letters: boolean;
  unknown: boolean; // whether of any state nothing is known
  seen: boolean; // whether it is shown where the data was
  dots: boolean; // as dots, else what was never seen is faded
  onSeen(): void;
  onPick(tokens: readonly number[]): void;
  zoom: ((factor: number) => void) | null;
  zoomed: boolean;
  closer: boolean;
}) {
  const screen = useScreen();
  const t = screen.text.value;
  const { setup, frame, tints } = props;
  const { labels, n_seen } = setup;
  const V = labels.length;
  const offered = useMemo(() => mostFrequent(setup.tokens, V).slice(0, MOST_OFFERED), [setup.tokens, V]);
  const ramp = (name: string, least: number) => (
    <span class="map-ramp">
      {Array.from({ length: STEPS }, (_, i) => (
        <i key={i} style={{ background: `color-mix(in srgb, var(${name}) ${100 * (least + ((1 - least) * i) / (STEPS - 1))}%, var(--paper))` }} />
      ))}
    </span>
  );
  const row = (name: string, least: number, label: string) => (
    <p class="map-row" key={name}>
      {ramp(name, least)}
      <span>{label}</span>
    </p>
  );
  const toggle = (token: number) => {
    const { picked } = tints;
    props.onPick(picked.includes(token) ? picked.filter((one) => one !== token) : [...picked, token].slice(-MOST_PICKED));
  };
  const subject = (place: 0 | 1) => t(`subject.${frame.compare[place]}`);
  const values = { first: subject(0), second: subject(1), symbol: labels[1] ?? "", other: labels[0] ?? "" };
  const ends = frame.signed ? ["0", t("map.points")] : [percent(1 / V), percent(1)];
  return (
    <div class="map-legend" role="group" aria-label={t("map.legend")}>
      <b>{t(frame.token?.known ? "map.effect" : frame.signed ? "map.between" : "map.colour", values)}</b>
      <div class="map-scales">
        {frame.signed && V === 2 && row("--more", 0, t(frame.token ? "map.gains" : "map.more", values))}
        {frame.signed && V === 2 && row("--less", 0, t(frame.token ? "map.loses" : "map.less", values))}
        {frame.signed && V > 2 && row("--accent", 0, t("map.apart"))}
        {!frame.signed && V <= FEW && labels.map((label, token) => row(`--token-${token}`, FAINTEST, label))}
        {!frame.signed && V > FEW && row(tints.names.at(-1)!, FAINTEST, t(props.letters && !tints.picked.length ? "map.letters" : tints.picked.length ? "map.others" : "map.any"))}
        <p class="map-row">
          <span class="map-ends">
            <span>{ends[0]}</span>
            <span>{ends[1]}</span>
          </span>
          {!frame.signed && <span>{t("map.sure")}</span>}
        </p>
      </div>
      {!frame.signed && V > FEW && (
        <div class="map-picks" role="group" aria-label={t("map.pick", { n: MOST_PICKED })}>
          <p>{t("map.pick", { n: MOST_PICKED })}</p>
          {offered.map((token) => (
            <button key={token} type="button" aria-pressed={tints.picked.includes(token)} onClick={() => toggle(token)}>
              {tints.picked.includes(token) && <i style={{ background: tints.tokenTint(token) }} />}
              <span>{labels[token]}</span>
            </button>
          ))}
        </div>
      )}
      {props.unknown && (
        <p class="map-row">
          <i class="map-swatch" style={{ background: `color-mix(in srgb, var(--ink) ${100 * UNKNOWN}%, var(--paper))` }} />
          <span>{t("map.nothing")}</span>
        </p>
      )}
      <button type="button" class="map-seen" aria-pressed={props.seen} onClick={props.onSeen}>
        <i class={props.dots ? "map-dot" : "map-swatch"} style={props.dots ? undefined : { background: "color-mix(in srgb, var(--token-0) 30%, var(--paper))" }} />
        <span>{t(props.dots ? "map.seen" : "map.faded", { n: count(n_seen), states: count(setup.n_states) })}</span>
      </button>
      {props.zoom && (
        <div class="map-zoom" role="group" aria-label={t("map.zoom")}>
          <button type="button" aria-label={t("map.closer")} title={t("map.closer")} disabled={!props.closer} onClick={() => props.zoom!(2)}>
            +
          </button>
          <button type="button" aria-label={t("map.farther")} title={t("map.farther")} disabled={!props.zoomed} onClick={() => props.zoom!(0.5)}>
            −
          </button>
        </div>
      )}
    </div>
  );
}
