import { useEffect, useRef, useState } from "preact/hooks";
import { certainContext, contextOf, occurrences } from "../contexts";
import { isPlain } from "../decoding";
import { Graph } from "../graph/Graph";
import type { ViewKind } from "../hash";
import { SuffixMap } from "../map/Map";
import { count } from "../numbers";
import type { Frame, Subject } from "../protocol";
import { MOST_DRAWN, useScreen } from "../screen";
import { Choice, Icon } from "./common";
import { Neighbourhood } from "./Neighbourhood";
import { sentence } from "./StatePanel";
import { ChainTable } from "./Table";

const MOST_TRIED = 1000; // states, to find one for the hint
const SEEDS = [50, 200, 1000]; // how many there may be
const FAINT = 0.05; // arrows below are not drawn where there are many

/** The chain, as graph, table or map, of the model, of many seeds, of the data, or the difference between two. */
export function Stage() {
  const screen = useScreen();
  const t = screen.text.value;
  const setup = screen.views.setup.value;
  const frame = screen.views.frame.value;
  const pins = screen.views.pins.value;
  const player = screen.views.player.value;
  const selected = screen.views.selected.value;
  const decoding = screen.views.decoding.value;
  const still = useReducedMotion();
  useFirstSentence();
  if (!setup || !frame) return null;
  const view = screen.shownView.value;
  const show = (source: Frame["source"], compare?: [Subject, Subject]) => screen.send({ command: "show", source, compare });
  const subjects: Subject[] = ["model", "seeds", "data", "A", "B"];
  const seeds = screen.views.seeds.value;
  const bands = frame.source === "seeds" && seeds?.low && view !== "map";
  const held = frame.token != null && (frame.token.silence === "" || frame.token.silence === "large");
  const ofModel = frame.source === "model" || frame.source === "seeds";
  const pick = (place: 0 | 1) => (
    <select
      aria-label={t(place === 0 ? "compare.first" : "compare.second")}
      value={frame.compare[place]}
      onChange={(event) => {
        const chosen = event.currentTarget.value as Subject;
        const other = frame.compare[place === 0 ? 1 : 0];
        show("difference", place === 0 ? [chosen, other] : [other, chosen]);
      }}
    >
      {subjects.map((subject) => (
        <option key={subject} value={subject} disabled={(subject === "A" || subject === "B") && !pins?.[subject]?.fits}>
          {t(`subject.${subject}`)}
        </option>
      ))}
    </select>
  );
  return (
    <section class="stage" aria-label={t("stage.label")}>
      <div class="bar">
        <Choice
          label={t("view.label")}
          value={view}
          options={(["graph", "table", "map"] as ViewKind[]).map((value) => ({ value, label: t(`view.${value}`) }))}
          onChange={(value) => (screen.view.value = value)}
        />
        <Choice
          label={t("source.label")}
          value={ofModel ? "model" : frame.source}
          options={(["model", "data", "difference"] as const).map((value) => ({ value, label: t(`source.${value}`), title: t(`source.${value}.hint`) }))}
          onChange={(source) => show(source)}
        />
        {ofModel && (
          <Choice
            label={t("seeds.label")}
            value={frame.source}
            options={(["model", "seeds"] as const).map((value) => ({ value, label: t(`seeds.${value}`), title: t(`seeds.${value}.hint`) }))}
            onChange={(source) => show(source)}
          />
        )}
        {seeds && (
          <select aria-label={t("seeds.how_many")} value={seeds.asked} onChange={(event) => screen.send({ command: "seeds", n: Number(event.currentTarget.value) })}>
            {[...new Set([...SEEDS, seeds.asked])].map((n) => (
              <option key={n} value={n}>
                {t("seeds.n", { n: count(n) })}
              </option>
            ))}
          </select>
        )}
        {frame.source === "difference" && (
          <span class="compare">
            {pick(0)} − {pick(1)}
          </span>
        )}
        <span class="pins" data-tour="pins">
          {(["A", "B"] as const).map((slot) => {
            const pin = pins?.[slot];
            return pin ? (
              <span key={slot} class="pin" data-fits={pin.fits} title={pin.fits ? t("pin.held", { slot, step: pin.step, seed: pin.seed }) : t("notice.unlike", { slot })}>
                {t("pin.short", { slot, step: pin.step })}
                <button type="button" class="quiet" aria-label={t("pin.remove", { slot })} onClick={() => screen.send({ command: "unpin", slot })}>
                  <Icon name="close" />
                </button>
              </span>
            ) : (
              <button key={slot} type="button" title={t("pin.hint")} onClick={() => screen.send({ command: "pin", slot })}>
                {t("pin", { slot })}
              </button>
            );
          })}
        </span>
        <span class="when">
          {frame.source === "data" && !frame.signed ? t("stage.data") : t("stage.step", { step: count(frame.step) })}
          {seeds && seeds.n + seeds.lost < seeds.asked && <span>{t("seeds.known", { n: count(seeds.n), asked: count(seeds.asked) })}</span>}
          {seeds && seeds.lost > 0 && <b>{t("seeds.lost", { n: count(seeds.lost) })}</b>}
          {seeds && seeds.step !== frame.step && <b>{t("seeds.step", { step: count(seeds.step) })}</b>}
          {frame.turned && <b>{t("stage.turned")}</b>}
          {decoding && !isPlain(decoding) && frame.source !== "data" && <b>{t("stage.decoded")}</b>}
          {screen.busy.value && <b role="status">{t("busy")}</b>}
        </span>
      </div>
      <div class="drawing" data-view={view} data-tour="chain" data-step={frame.step} data-seeds={seeds?.n} data-playing={player?.playing}>
        {view === "graph" && (setup.n_states <= MOST_DRAWN ? <LiveGraph still={still} /> : <Neighbourhood />)}
        {view === "table" && <ChainTable />}
        {view === "map" && <SuffixMap />}
      </div>
      {selected && <p class="caption">{sentence(t, selected, screen.title.value(selected.tokens), setup.labels, seeds != null, screen.ended.value(selected.state))}</p>}
      <div class="notes" data-held={held}>
        {frame.source === "difference" && (
          <p class="legend">
            <span class="more-of">{t("legend.more")}</span> <span class="less-of">{t("legend.less")}</span> {t("legend.unit")}
          </p>
        )}
        {bands && <p class="legend">{t(view === "graph" ? "legend.bands" : "legend.between")}</p>}
        <Hint />
        {held && <Held />}
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

/** The effect of the token that someone points at, in a sentence below the drawing. */
function Held() {
  const screen = useScreen();
  const t = screen.text.value;
  const setup = screen.views.setup.value;
  const frame = screen.views.frame.value;
  const token = frame?.token;
  if (!setup || !token) return null;
  const was = setup.tokens[token.position] ?? 0;
  const others = setup.labels.filter((_, other) => other !== was);
  const values = {
    at: token.position + 1,
    symbol: setup.labels[was] ?? "",
    other: others.length === 1 ? (others[0] ?? "") : t("held.another"),
    step: count(frame.step),
  };
  return (
    <p class="held" role="status">
      {token.silence ? (
        t("held.large")
      ) : token.known ? (
        <span>
          {t("held.gives", values)}
          <span class="more-of">{t("held.more")}</span>
          {t("held.takes")}
          <span class="less-of">{t("held.less")}</span>
          {t("held.how", values)}
        </span>
      ) : (
        t("held.working", values)
      )}
    </p>
  );
}

/** One quiet sentence about what to try next, on the way from the untrained chain to the first surprise. */
function Hint() {
  const screen = useScreen();
  const t = screen.text.value;
  const setup = screen.views.setup.value;
  const player = screen.views.player.value;
  const selected = screen.views.selected.value;
  const [done, setDone] = useState(false);
  const surprised = selected !== null && selected !== undefined && selected.n === 0 && (player?.trained ?? 0) > 0;
  useEffect(() => {
    if (surprised) setDone(true);
  }, [surprised]);
  if (!setup || !player || done) return null;
  let text = "";
  if (player.trained === 0) text = t("hint.train");
  else if (player.playing || player.training) text = t(screen.shownView.value === "graph" ? "hint.watch" : "hint.watch.other");
  else if (setup.n_seen < setup.n_states) {
    const context = (state: number) => contextOf(state, setup.labels.length, setup.settings.context_length);
    // never seen, not even as the last of the sequence, after which nothing follows
    const fits = (state: number) => !screen.seen.value(state) && occurrences(setup.tokens, context(state)).length === 0;
    let unseen = 0;
    while (unseen < Math.min(setup.n_states, MOST_TRIED) && !fits(unseen)) unseen++;
    if (unseen < setup.n_states && fits(unseen)) text = t("hint.unseen", { context: screen.title.value(context(unseen)) });
  }
  return text ? <p class="nudge">{text}</p> : null;
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
