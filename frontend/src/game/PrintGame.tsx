// The chain on the screen as a game to print: a preview of its pages, over everything, and what can be chosen.

import { useEffect, useId, useMemo, useRef, useState } from "preact/hooks";
import { contextOf } from "../contexts";
import { PLAIN, RULE_NAMES } from "../decoding";
import { shorten } from "../graph/layout";
import { count } from "../numbers";
import { type Screen, useScreen } from "../screen";
import { Choice } from "../parts/common";
import { LANGUAGES } from "../texts";
import { answer, beginning, MOST_STATES, namesOf, play } from "./game";
import { Pages, type Paper } from "./Sheet";

const LONGEST_TEXT = 48; // characters of it in the foot of a page
const LONGEST_LINK = 110; // characters

/** Opens the game; where there can be none, says why. */
export function GameButton(props: { onOpen(): void }) {
  const screen = useScreen();
  const t = screen.text.value;
  const why = useId();
  const setup = screen.views.setup.value;
  const objection = !setup || setup.n_states > MOST_STATES ? t("game.too_many", { most: MOST_STATES, n: count(setup?.n_states ?? 0) }) : valuesShown(screen) ? null : t("game.no_chain");
  return (
    <>
      <button
        type="button"
        disabled={objection !== null}
        aria-describedby={objection === null ? undefined : why}
        onClick={() => {
          props.onOpen();
          screen.printing.value = true;
        }}
      >
        {t("game")}
      </button>
      {objection !== null && (
        <p class="hint" id={why}>
          {objection}
        </p>
      )}
    </>
  );
}

/** The probabilities on the screen; null if those are none that one can walk by. */
function valuesShown(screen: Screen): (number | null)[] | null {
  const setup = screen.views.setup.value;
  const frame = screen.views.frame.value;
  if (!setup || frame?.version !== setup.version || frame.signed) return null;
  return frame.source === "model" || frame.source === "data" ? frame.values : null;
}

/** The preview, while it is asked for. */
export function PrintGame() {
  const screen = useScreen();
  return screen.printing.value ? <Preview /> : null;
}

function Preview() {
  const screen = useScreen();
  const t = screen.text.value;
  const dialog = useRef<HTMLDivElement>(null);
  const title = useId();
  const [paper, setPaper] = useState<Paper>(/-(US|CA|MX|PH)$/.test(navigator.language) ? "letter" : "a4");
  const [drawn, setDrawn] = useState<"dice" | "cards">("dice");
  const [withAnswers, setWithAnswers] = useState(true);
  const [shown] = useState(() => snapshot(screen)); // the game does not change while it is looked at
  const [start, setStart] = useState(shown?.start ?? 0);
  const game = useMemo(() => shown && play(shown.values, shown.V, shown.K, start), [start]);
  const answers = useMemo(() => game && answer(game), [game]);
  useEffect(() => {
    const root = dialog.current!.getRootNode() as Document | ShadowRoot;
    const before = root.activeElement as HTMLElement | null;
    const others = [...dialog.current!.parentElement!.children].filter((one) => one !== dialog.current) as HTMLElement[];
    for (const other of others) other.inert = true;
    dialog.current!.focus();
    screen.send({ command: "rows", first: 0 }); // how often each state is in the text
    return () => {
      for (const other of others) other.inert = false;
      before?.focus();
      if (screen.shownView.value !== "table") screen.send({ command: "rows", first: null });
    };
  }, []);
  const close = () => (screen.printing.value = false);
  const counts = screen.views.rows.value?.counts;
  const n = game?.squares.length ?? 0;
  return (
    <div
      class="game"
      ref={dialog}
      role="dialog"
      aria-modal="true"
      aria-labelledby={title}
      tabIndex={-1}
      data-paper={paper}
      onKeyDown={(event) => {
        event.stopPropagation(); // no key is meant for what lies below
        if (event.key === "Escape") close();
      }}
    >
      <div class="game-choices">
        <h2 id={title}>{t("game")}</h2>
        <Choice
          label={t("game.paper")}
          value={paper}
          options={[
            { value: "a4", label: "A4" },
            { value: "letter", label: "Letter" },
          ]}
          onChange={(chosen) => setPaper(chosen)}
        />
        <Choice label={t("game.draw")} value={drawn} options={(["dice", "cards"] as const).map((value) => ({ value, label: t(`game.draw.${value}`) }))} onChange={(chosen) => setDrawn(chosen)} />
        {shown && (
          <label>
            {t("game.start")}{" "}
            <select value={start} onChange={(event) => setStart(Number(event.currentTarget.value))}>
              {shown.full.map((name, state) => (
                <option key={state} value={state} disabled={game!.squares[state]!.moves.length === 0}>
                  {name}
                </option>
              ))}
            </select>
          </label>
        )}
        <label>
          <input type="checkbox" checked={withAnswers} onChange={(event) => setWithAnswers(event.currentTarget.checked)} /> {t("game.key")}
        </label>
        <span class="game-actions">
          <button type="button" onClick={close}>
            {t("close")}
          </button>
          <button type="button" class="primary small" disabled={!shown} onClick={() => print()}>
            {t("game.print")}
          </button>
        </span>
      </div>
      <div class="studio game-pages" data-theme="light">
        {shown && game && answers ? (
          <Pages
            sheet={{
              ...shown,
              game,
              answers,
              names: namesOf(shown.full, (name) => shorten(name)),
              inText: counts?.length === n ? counts.map((row) => row.reduce((a, b) => a + b, 0)) : null,
              seen: screen.seen.value,
              about: `BabyGPT · ${aboutOf(screen, shown)}`,
              date: new Date().toLocaleDateString(LANGUAGES[screen.language.value].tag, { dateStyle: "long" }),
            }}
            paper={paper}
            cards={drawn === "cards"}
            withAnswers={withAnswers}
            text={t}
          />
        ) : (
          <p>{t("game.no_chain")}</p>
        )}
      </div>
    </div>
  );
}

/** What the screen shows now, kept. */
function snapshot(screen: Screen) {
  const setup = screen.views.setup.value;
  const frame = screen.views.frame.value;
  const values = valuesShown(screen);
  if (!setup || !frame || !values || setup.n_states > MOST_STATES) return null;
  const [V, K] = [setup.labels.length, setup.settings.context_length];
  const title = screen.title.value;
  const words = setup.tokens.map((token) => (token < 0 ? " / " : (setup.labels[token] ?? "?")));
  const opens = screen.address !== null && !/^(localhost|127\.)/.test(location.hostname); // elsewhere too
  const link = opens && screen.address!.length <= LONGEST_LINK ? screen.address : null;
  return {
    V,
    K,
    values,
    link,
    labels: setup.labels.map((label) => shorten(label)),
    separator: setup.separator,
    full: Array.from({ length: setup.n_states }, (_, state) => title(contextOf(state, V, K))),
    start: beginning(values, setup.tokens, V, K),
    learnt: shorten(words.join(setup.separator), LONGEST_TEXT),
    ofData: frame.source === "data",
    step: frame.step,
    seed: setup.settings.seed,
    turned: frame.turned,
    decoding: screen.views.decoding.value ?? PLAIN,
  };
}

/** Which chain it is, in a line. */
function aboutOf(screen: Screen, shown: NonNullable<ReturnType<typeof snapshot>>): string {
  const t = screen.text.value;
  const said = [shown.learnt, `K = ${shown.K}`];
  if (shown.ofData) return [...said, t("source.data")].join(" · ");
  said.push(t("stage.step", { step: count(shown.step) }), t("game.seed", { seed: shown.seed }));
  if (shown.turned) said.push(t("stage.turned"));
  for (const name of RULE_NAMES) if (shown.decoding[name] !== PLAIN[name]) said.push(`${t(`decoding.${name}`)} ${shown.decoding[name]}`);
  return said.join(" · ");
}
