import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { argmax, count, decimal, percent } from "../numbers";
import type { Setup, Subject } from "../protocol";
import { useScreen } from "../screen";
import { isKey } from "../texts";
import { IconButton } from "./common";
import { NameField } from "./Sequence";
import { sentence } from "./StatePanel";

const SEEDS = [50, 200, 1000]; // how many there may be

/** The one place for what there is to say of what is shown. It keeps its height, so that nothing below it ever moves. */
export function Caption() {
  const screen = useScreen();
  const frame = screen.views.frame.value;
  const player = screen.views.player.value;
  const held = frame?.token != null && (frame.token.silence === "" || frame.token.silence === "large");
  const said = held ? (
    <Held />
  ) : frame?.source === "difference" ? (
    <OfDifference />
  ) : frame?.source === "seeds" ? (
    <OfSeeds />
  ) : screen.scene.value !== null ? (
    <SceneLine />
  ) : (
    <Hint key={`${player?.trained === 0} ${frame?.source}`} />
  );
  return (
    <div class="caption" data-tour="caption">
      {said}
      <Sentence />
    </div>
  );
}

/** Where there is no room for the panel beside the graph: what it says of the selected state. */
function Sentence() {
  const screen = useScreen();
  const t = screen.text.value;
  const setup = screen.views.setup.value;
  const selected = screen.views.selected.value;
  if (!setup || !selected) return null;
  const context = screen.title.value(selected.tokens);
  return <p class="short">{sentence(t, selected, context, setup.labels, screen.views.seeds.value != null, screen.ended.value(selected.state))}</p>;
}

/** The effect of the token that someone points at. */
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

/** What is subtracted from what, where chains are kept to be compared with, and what the colours say. */
function OfDifference() {
  const screen = useScreen();
  const t = screen.text.value;
  const frame = screen.views.frame.value;
  const pins = screen.views.pins.value;
  if (!frame) return null;
  const subjects: Subject[] = ["model", "seeds", "data", "A", "B"];
  const named = (subject: Subject) => t(`subject.${subject}`);
  const [first, second] = frame.compare;
  const pick = (place: 0 | 1) => (
    <select
      aria-label={t(place === 0 ? "compare.first" : "compare.second")}
      value={frame.compare[place]}
      onChange={(event) => {
        const chosen = event.currentTarget.value as Subject;
        screen.send({ command: "show", source: "difference", compare: place === 0 ? [chosen, second] : [first, chosen] });
      }}
    >
      {subjects.map((subject) => (
        <option key={subject} value={subject} disabled={(subject === "A" || subject === "B") && !pins?.[subject]?.fits}>
          {named(subject)}
        </option>
      ))}
    </select>
  );
  return (
    <>
      <div class="compare">
        {pick(0)} − {pick(1)}
        {(["A", "B"] as const).map((slot) => {
          const pin = pins?.[slot];
          return pin ? (
            <span
              key={slot}
              class="pin"
              data-fits={pin.fits}
              title={pin.fits ? t(pin.ready ? "pin.held" : "pin.coming", { slot, step: pin.step, seed: pin.seed }) : t("notice.unlike", { slot })}
            >
              {t("pin.short", { slot, step: pin.step })}
              <IconButton icon="close" name={t("pin.remove", { slot })} onClick={() => screen.send({ command: "unpin", slot })} />
            </span>
          ) : (
            <button key={slot} type="button" title={t("pin.hint")} onClick={() => screen.send({ command: "pin", slot })}>
              {t("pin", { slot })}
            </button>
          );
        })}
      </div>
      <p class="legend">
        <span class="more-of">{t("legend.more", { subject: named(first) })}</span> · <span class="less-of">{t("legend.more", { subject: named(second) })}</span>
        <small> {t("legend.unit")}</small>
      </p>
    </>
  );
}

/** How many seeds there are, how far they are, and how to read what they draw. */
function OfSeeds() {
  const screen = useScreen();
  const t = screen.text.value;
  const seeds = screen.views.seeds.value;
  if (!seeds) return null;
  return (
    <>
      <select aria-label={t("seeds.how_many")} value={seeds.asked} onChange={(event) => screen.send({ command: "seeds", n: Number(event.currentTarget.value) })}>
        {[...new Set([...SEEDS, seeds.asked])].map((n) => (
          <option key={n} value={n}>
            {t("seeds.n", { n: count(n) })}
          </option>
        ))}
      </select>
      <p class="legend">
        {seeds.n + seeds.lost < seeds.asked
          ? t("seeds.known", { n: count(seeds.n), asked: count(seeds.asked) })
          : seeds.low && screen.shownView.value !== "map" && t(screen.shownView.value === "graph" ? "legend.bands" : "legend.between")}
      </p>
    </>
  );
}

/** A line about what to do next, which goes when it is sent away. */
function Line(props: { children: ComponentChildren; beside?: ComponentChildren; onClose(): void; close: string }) {
  return (
    <div class="line-of">
      <span>{props.children}</span>
      {props.beside}
      <IconButton icon="close" name={props.close} onClick={props.onClose} />
    </div>
  );
}

/** One of the three scenes that a first visit goes through: train; a state that it never saw; many seeds. */
function SceneLine() {
  const screen = useScreen();
  const t = screen.text.value;
  const setup = screen.views.setup.value;
  const selected = screen.views.selected.value;
  const scene = screen.scene.value;
  const unseen = screen.unseen.value;
  const first = setup && t(setup.n_states <= 8 ? "scene.0" : "scene.0.many", { states: count(setup.n_states) });
  useEffect(() => {
    if (first && scene === 0) screen.announcement.value = first;
  }, [first]);
  if (!setup || scene === null) return null;
  const context = unseen === null ? "" : screen.title.value(screen.contextOf(unseen));
  const best = selected?.n === 0 ? argmax(selected.model) : -1;
  const said = best < 0 ? null : { symbol: setup.labels[best] ?? "", percent: percent(selected!.model[best]!), context: screen.title.value(selected!.tokens) };
  const go = (to: number, name: "scene.0.go" | "scene.1.go" | "scene.2.go") => (
    <button type="button" class="link" onClick={() => screen.play(to)}>
      {t(name, { context })}
    </button>
  );
  return (
    <Line close={t("scene.skip")} onClose={() => screen.endScenes()} beside={scene === 0 && <NameField />}>
      {scene === 0 && (
        <>
          {first} {go(1, "scene.0.go")}{" "}
          {unseen !== null && (
            <button type="button" class="link" onClick={() => screen.beginGuess()}>
              {t("scene.guess")}
            </button>
          )}
        </>
      )}
      {scene === 1 && unseen !== null && (
        <>
          {t("scene.1", { context })} {go(2, "scene.1.go")}
        </>
      )}
      {(scene === 2 || (scene === 1 && unseen === null)) && (
        <>
          {said ? t("scene.2", said) : t("scene.2.any")} {go(3, "scene.2.go")}
        </>
      )}
    </Line>
  );
}

/** What an example was there to teach, once it is trained; else what to try next. */
function Hint() {
  const screen = useScreen();
  const t = screen.text.value;
  const setup = screen.views.setup.value;
  const player = screen.views.player.value;
  const frame = screen.views.frame.value;
  if (!setup || !player || !frame) return null;
  const { key, text } = hint();
  if (!text || screen.dismissed.value.includes(key)) return null;
  return (
    <Line close={t("close")} onClose={() => (screen.dismissed.value = [...screen.dismissed.value, key])}>
      {text}
    </Line>
  );

  function hint(): { key: string; text: string } {
    const { trained, step, playing, training } = player!;
    if (frame!.source === "data") return { key: "data", text: t("hint.data", { seen: count(setup!.n_seen), states: count(setup!.n_states) }) };
    if (trained === 0) return { key: "train", text: t("hint.train") };
    if (playing || training) return { key: "watch", text: t(screen.shownView.value === "graph" ? "hint.watch" : "hint.watch.other") };
    const lesson = `preset.${setup!.name}.lesson`;
    if (isKey(lesson) && step === trained && trained >= setup!.settings.steps) return { key: lesson, text: t(lesson, figures(setup!)) };
    const unseen = screen.unseen.value;
    return unseen === null ? { key: "", text: "" } : { key: "unseen", text: t("hint.unseen", { context: screen.title.value(screen.contextOf(unseen)) }) };
  }

  function figures(setup: Setup): Record<string, string> {
    const numbers = screen.views.numbers.value;
    return { loss: decimal(numbers?.loss ?? NaN), floor: decimal(setup.floor), uniform: decimal(setup.uniform), steps: count(player!.trained) };
  }
}

