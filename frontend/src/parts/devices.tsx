import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { commonestContext, contextOf } from "../contexts";
import { clock, counter, type Device, drawsOf, jointStates, lookup, type Moment, timesOf, walk } from "../devices";
import { count } from "../numbers";
import type { Setup } from "../protocol";
import { useScreen } from "../screen";
import { WALK } from "../session/facts.generated";
import { Choice, tokenColour } from "./common";

const MOST_STATES = 64; // of a chain that is walked here
const SHOWN = 24; // of the newest tokens
const BEFORE = 4; // tokens of a history before the context in question
const MOST_PAIRS = 64; // rows
const PERIODS = [2, 3, 4, 5, 6, 7, 8, 9];
const PACE = 150; // ms between two steps of a walk that goes by itself; its steps grow with it
const GROWTH = 15;

const KINDS = ["none", "lookup", "clock", "counter"] as const;
type Kind = (typeof KINDS)[number];

/** The chain on the screen joined to something outside the GPT: where context and token no longer tell what follows. */
export function DevicesPage() {
  const screen = useScreen();
  const t = screen.text.value;
  const setup = screen.views.setup.value;
  const frame = screen.views.frame.value;
  if (!setup || !frame) return null;
  const { n_states: N, labels } = setup;
  const ready = frame.version === setup.version && frame.values?.length === N * labels.length;
  return (
    <>
      <p>{t("devices.intro")}</p>
      {N > MOST_STATES ? (
        <p>{t("devices.large", { states: count(N), most: MOST_STATES })}</p>
      ) : frame.source !== "model" || frame.signed ? (
        <>
          <p>{t("devices.model")}</p>
          <div class="row">
            <button type="button" onClick={() => screen.send({ command: "show", source: "model" })}>
              {t("devices.show_model")}
            </button>
          </div>
        </>
      ) : (
        ready && <Joined key={labels.join(" ")} setup={setup} values={frame.values as number[]} />
      )}
    </>
  );
}

function Joined({ setup, values }: { setup: Setup; values: readonly number[] }) {
  const screen = useScreen();
  const t = screen.text.value;
  const { labels } = setup;
  const [V, K] = [labels.length, setup.settings.context_length];
  const [kind, setKind] = useState<Kind>("lookup");
  const [pair, setPair] = useState<readonly [number, number]>([V - 1, V - 1]);
  const [answer, setAnswer] = useState(0);
  const [period, setPeriod] = useState(3);
  const [seed, setSeed] = useState(0);
  const [n, setN] = useState(0);
  const [running, setRunning] = useState(false);
  const device = useMemo<Device | null>(
    () => ({ none: () => null, lookup: () => lookup(...pair, answer), clock: () => clock(period, answer), counter: () => counter(answer) })[kind](),
    [kind, pair, answer, period],
  );
  const draw = useMemo(() => drawsOf(seed), [seed]);
  const start = useMemo(() => contextOf(commonestContext(setup.tokens, V, K), V, K), [setup]);
  const walked = useMemo(() => {
    const rows = Array.from({ length: V ** K }, (_, state) => values.slice(state * V, (state + 1) * V));
    return walk(rows, K, device, start, draw, n);
  }, [values, device, start, draw, n]);
  const states = useMemo(() => jointStates(V, K, device), [V, K, device]);
  const goes = running && n < WALK;
  useEffect(() => {
    if (!goes) return;
    const timer = setTimeout(() => setN(Math.min(WALK, n + Math.ceil((n + 1) / GROWTH))), PACE);
    return () => clearTimeout(timer);
  }, [goes, n]);
  const again = (what: () => void) => {
    what();
    setN(0);
  };
  const symbol = (name: string, value: number, choose: (token: number) => void) => (
    <select aria-label={name} value={value} onChange={(event) => again(() => choose(Number(event.currentTarget.value)))}>
      {labels.map((label, token) => (
        <option key={token} value={token}>
          {label}
        </option>
      ))}
    </select>
  );
  const { tape, pairs, questions, ambiguous, conflict } = walked;
  const shown = [...pairs].sort((a, b) => Number(b.outcomes.size > 1) - Number(a.outcomes.size > 1)).slice(0, MOST_PAIRS);
  const settled = n === WALK && states !== null;
  const verdict = n === 0 ? "begin" : ambiguous > 0 ? (states === null ? "endless" : "finite") : kind === "none" ? "alone" : settled ? "function" : "so_far";
  return (
    <>
      <Choice
        label={t("more.devices")}
        value={kind}
        options={KINDS.map((value) => ({ value, label: t(`devices.${value}`) }))}
        onChange={(value) => again(() => setKind(value))}
      />
      <p class="rule">
        {filled(t(`devices.${kind}.rule`), {
          text: [symbol(t("devices.first"), pair[0], (token) => setPair([token, pair[1]])), symbol(t("devices.second"), pair[1], (token) => setPair([pair[0], token]))],
          answer: symbol(t("devices.answer"), answer, setAnswer),
          period: (
            <select aria-label={t("devices.period")} value={period} onChange={(event) => again(() => setPeriod(Number(event.currentTarget.value)))}>
              {PERIODS.map((each) => (
                <option key={each}>{each}</option>
              ))}
            </select>
          ),
        })}
      </p>
      <div class="row">
        <button type="button" class="primary small" disabled={n >= WALK} onClick={() => setRunning(!goes)}>
          {t(goes ? "dock.pause" : "devices.run")}
        </button>
        <button
          type="button"
          disabled={n >= WALK}
          onClick={() => {
            setRunning(false);
            setN(n + 1);
          }}
        >
          {t("devices.step")}
        </button>
        <button type="button" disabled={n >= WALK} onClick={() => setN(WALK)}>
          {t("devices.all", { n: count(WALK) })}
        </button>
        <button type="button" onClick={() => again(() => setSeed(seed + 1))}>
          {t("devices.another")}
        </button>
      </div>
      <div class="joint">
        <p class="line">
          {tape.length > SHOWN && "… "}
          {tape.slice(-SHOWN).map(({ token, added }, i, all) => (
            <Token key={i} token={token} added={added} read={i >= all.length - K} />
          ))}
        </p>
        <p class="hint">
          {t("devices.walked", { n: count(n) })} {device && t("devices.outlined")}
        </p>
      </div>
      <dl class="told">
        <div>
          <dt>{t("devices.ambiguous")}</dt>
          <dd data-told="ambiguous">{t("devices.of", { ambiguous, questions })}</dd>
        </div>
        <div>
          <dt>{t(device ? "devices.states" : "devices.states.alone")}</dt>
          <dd data-told="states">{states === null ? t("devices.not_finite") : count(states)}</dd>
        </div>
      </dl>
      <p class="verdict" role="status" data-verdict={verdict}>
        {t(`devices.verdict.${verdict}`, { states: states === null ? "" : count(states) })}
      </p>
      {conflict && (
        <section class="conflict" aria-label={t("devices.conflict")}>
          <h3>{t("devices.conflict", { context: screen.title.value(contextOf(conflict.pair.context, V, K)), token: labels[conflict.pair.token]! })}</h3>
          <div>
            {[conflict.before, conflict.after].map((moment) => (
              <History key={moment.at} moment={moment} tape={tape} K={K} V={V} kind={kind} period={period} />
            ))}
          </div>
        </section>
      )}
      {shown.length > 0 && (
        <table class="pairs">
          <thead>
            <tr>
              <th scope="col">{t("table.context")}</th>
              <th scope="col">{t("devices.says")}</th>
              <th scope="col">{t("devices.next")}</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((pair) => (
              <tr key={pair.context * V + pair.token} data-ambiguous={pair.outcomes.size > 1}>
                <th scope="row">{screen.title.value(contextOf(pair.context, V, K))}</th>
                <td>
                  <Token token={pair.token} />
                </td>
                <td>
                  {[...pair.outcomes]
                    .sort(([a], [b]) => a - b)
                    .map(([next, { times }]) => (
                      <span key={next} class="outcome" style={{ "--share": times / timesOf(pair) }}>
                        {screen.title.value(contextOf(next, V, K))} <small>×{count(times)}</small>
                      </span>
                    ))}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {pairs.length > shown.length && <p class="hint">{t("sequence.more", { n: count(pairs.length - shown.length) })}</p>}
    </>
  );
}

/** How a context came about, the token said in it, what the device did, and where that led. */
function History(props: { moment: Moment; tape: readonly { token: number; added: boolean }[]; K: number; V: number; kind: Kind; period: number }) {
  const screen = useScreen();
  const t = screen.text.value;
  const labels = screen.views.setup.value!.labels;
  const { moment, tape, K, V, kind, period } = props;
  const { at, device, next } = moment;
  const from = Math.max(0, at - K - BEFORE);
  const added = tape[at + 1]?.added === true;
  const state = kind === "lookup" && device < 0 ? t("devices.state.nothing") : t(`devices.state.${kind}` as "devices.state.clock", { state: kind === "lookup" ? labels[device]! : count(device), period });
  return (
    <div class="history">
      <p class="line">
        {from > 0 && "… "}
        {tape.slice(from, at).map((one, i) => (
          <Token key={i} {...one} read={from + i >= at - K} />
        ))}
      </p>
      <p>{state}</p>
      <p class="line">
        <Token token={tape[at]!.token} read />
        {added && <Token {...tape[at + 1]!} />}
        {" → "}
        <b>{screen.title.value(contextOf(next, V, K))}</b>
      </p>
    </div>
  );
}

/** A token on a tape: underlined where it is read, outlined where the device put it in. */
function Token(props: { token: number; added?: boolean; read?: boolean }) {
  const screen = useScreen();
  const label = screen.views.setup.value!.labels[props.token];
  return (
    <span class="drawn" data-read={props.read ?? false} data-added={props.added ?? false} style={{ "--colour": tokenColour(props.token) }}>
      {label}
    </span>
  );
}

/** A text with parts of the screen in the places of its values. */
function filled(text: string, parts: Record<string, ComponentChildren>): ComponentChildren {
  return text.split(/\{(\w+)\}/).map((piece, i) => (i % 2 ? parts[piece] : piece));
}
