import { useEffect, useRef, useState } from "preact/hooks";
import { certainContext } from "../contexts";
import { isPlain } from "../decoding";
import { Graph } from "../graph/Graph";
import type { ViewKind } from "../hash";
import { SuffixMap } from "../map/Map";
import { count } from "../numbers";
import type { Source } from "../protocol";
import { MOST_DRAWN, useScreen } from "../screen";
import { Caption } from "./Caption";
import { Choice } from "./common";
import { Neighbourhood } from "./Neighbourhood";
import { ChainTable } from "./Table";
import { Help } from "./Tour";

const FAINT = 0.05; // arrows below are not drawn where there are many
const VIEWS: readonly ViewKind[] = ["graph", "table", "map"];
const SOURCES: readonly Source[] = ["model", "data", "difference", "seeds"];

/** The chain, as graph, table or map, of the model, of the data, the difference between two, or of many seeds. */
export function Stage() {
  const screen = useScreen();
  const t = screen.text.value;
  const setup = screen.views.setup.value;
  const frame = screen.views.frame.value;
  const player = screen.views.player.value;
  const decoding = screen.views.decoding.value;
  const seeds = screen.views.seeds.value;
  const still = useReducedMotion();
  useFirstSentence();
  const begun = screen.host?.begun.value;
  useEffect(() => {
    if (still) screen.send({ command: "wander", on: false }); // until someone asks it to move
  }, [still, begun]);
  if (!setup || !frame) return null;
  const view = screen.shownView.value;
  return (
    <section class="stage" aria-label={t("stage.label")}>
      <div class="bar">
        <Choice
          label={t("view.label")}
          value={view}
          options={VIEWS.map((value) => ({ value, label: t(`view.${value}`), icon: value }))}
          onChange={(value) => (screen.view.value = value)}
        />
        <Choice
          label={t("source.label")}
          value={frame.source}
          options={SOURCES.map((value) => ({ value, label: t(`source.${value}`), ...(value === "seeds" && { short: t("source.seeds.short") }), title: t(`source.${value}.hint`) }))}
          onChange={(source) => screen.send({ command: "show", source })}
        />
        <span class="when">
          {seeds && seeds.lost > 0 && <b>{t("seeds.lost", { n: count(seeds.lost) })}</b>}
          {seeds && seeds.step !== frame.step && <b>{t("seeds.step", { step: count(seeds.step) })}</b>}
          {frame.turned && <b>{t("stage.turned")}</b>}
          {decoding && !isPlain(decoding) && frame.source !== "data" && <b>{t("stage.decoded")}</b>}
          {screen.busy.value && <b role="status">{t("busy")}</b>}
          <Help at="chain" />
          <span class="which">{frame.source === "data" && !frame.signed ? t("stage.data") : t("stage.step", { step: count(frame.step) })}</span>
        </span>
      </div>
      <Caption />
      <div class="drawing" data-view={view} data-tour="chain" data-step={frame.step} data-seeds={seeds?.n} data-playing={player?.playing}>
        {view === "graph" && (setup.n_states <= MOST_DRAWN ? <LiveGraph still={still} /> : <Neighbourhood />)}
        {view === "table" && <ChainTable />}
        {view === "map" && <SuffixMap />}
      </div>
    </section>
  );
}

function LiveGraph(props: { still: boolean }) {
  const screen = useScreen();
  const t = screen.text.value;
  const setup = screen.views.setup.value;
  const frame = screen.views.frame.value;
  const tape = screen.views.tape.value;
  const seeds = screen.views.seeds.value;
  // the ball walks the model, and the long run is the model's: beside the data's arrows neither belongs
  const model = frame?.source === "model";
  if (!setup || !frame?.values || frame.version !== setup.version) return null;
  return (
    <Graph
      nSymbols={setup.labels.length}
      contextLength={setup.settings.context_length}
      symbols={setup.symbols}
      labels={setup.labels}
      separator={setup.separator}
      values={frame.values}
      presenting={screen.presenting.value}
      bands={frame.source === "seeds" && !frame.signed && seeds?.low && seeds.high ? { low: seeds.low, high: seeds.high } : null}
      difference={frame.signed}
      pi={model || frame.source === "difference" ? frame.pi : null}
      seen={screen.seen.value}
      ended={screen.ended.value}
      selected={frame.token?.known ? null : (screen.views.selected.value?.state ?? null)}
      ball={(model && !frame.signed && tape) || null}
      moving={screen.views.player.value?.playing ?? false}
      reducedMotion={props.still}
      threshold={FAINT}
      onSelect={(state) => screen.send({ command: "select", state })}
      onWalk={(token) => screen.send({ command: "walk", token })}
      onPlace={(state) => screen.send({ command: "place", state })}
      text={t}
    />
  );
}

/** When the first film has been played and nobody has selected anything, begin with one sentence. */
function useFirstSentence(): void {
  const screen = useScreen();
  const setup = screen.views.setup.value;
  const player = screen.views.player.value;
  const selected = screen.views.selected.value;
  const playing = player?.playing ?? false;
  const played = useRef(false);
  const done = useRef(false);
  useEffect(() => {
    if (selected) done.current = true;
  }, [selected?.state]);
  useEffect(() => {
    if (playing) played.current = true;
    if (playing || !played.current || done.current || !setup || !player || player.step < player.trained) return;
    done.current = true;
    const state = certainContext(setup.tokens, setup.labels.length, setup.settings.context_length);
    if (state !== null) screen.send({ command: "select", state });
  }, [playing]);
}

function useReducedMotion(): boolean {
  const [still, setStill] = useState(() => matchMedia("(prefers-reduced-motion: reduce)").matches);
  useEffect(() => {
    const query = matchMedia("(prefers-reduced-motion: reduce)");
    const take = () => setStill(query.matches);
    query.addEventListener("change", take);
    return () => query.removeEventListener("change", take);
  }, []);
  return still;
}
