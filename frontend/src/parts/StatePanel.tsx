import { useState } from "preact/hooks";
import { contextOf } from "../contexts";
import { argmax, count, percent, range } from "../numbers";
import type { Selected } from "../protocol";
import { useScreen } from "../screen";
import type { Text } from "../texts";
import { Fold, Icon, Slider, tokenColour } from "./common";
import { Help } from "./Tour";

const MOST_BARS = 10;
const MOST_JOINED = 8;
const MOST_READ = 16; // tokens of context whose attention is drawn

/** One state: what the model says there, what the data says, and what happens inside the GPT when it reads it. */
export function StatePanel() {
  const screen = useScreen();
  const t = screen.text.value;
  const selected = screen.views.selected.value;
  const setup = screen.views.setup.value;
  if (!setup) return null;
  if (!selected)
    return (
      <section class="state" data-tour="state">
        <h2>{t("state.title")}</h2>
        <p class="hint">{t("state.none")}</p>
      </section>
    );
  const context = screen.title.value(selected.tokens);
  const ofSeeds = screen.views.seeds.value != null; // beside others it is one of many
  return (
    <section class="state" data-tour="state">
      <h2>
        <span>
          {t("state.title")} <Help at="state" />
        </span>
        <button type="button" class="quiet" aria-label={t("state.close")} title={t("state.close")} onClick={() => screen.send({ command: "select", state: null })}>
          <Icon name="close" />
        </button>
      </h2>
      <p class="context" aria-label={t("state.context", { context })}>
        {selected.tokens.slice(-24).map((token, i) => (
          <span key={i} class="drawn" style={{ "--colour": tokenColour(token) }}>
            {setup.labels[token]}
          </span>
        ))}
      </p>
      <p class="sentence">{sentence(t, selected, context, setup.labels, ofSeeds, screen.ended.value(selected.state))}</p>
      <Guessing selected={selected} labels={setup.labels} context={context} />
      <Bars selected={selected} labels={setup.labels} />
      <OfSeeds selected={selected} />
      <p class="hint">
        {selected.pi !== null && t("state.pi", { percent: percent(selected.pi) })}
        {selected.pi === null && screen.views.numbers.value?.long_run === "computing" && t("state.pi.computing")}{" "}
        <button type="button" class="link" onClick={() => screen.send({ command: "place", state: selected.state })}>
          {t("state.place")}
        </button>
      </p>
      <Joined selected={selected} />
      <Fold title={t("attention.title")} tour="attention">
        <Attention selected={selected} labels={setup.labels} />
      </Fold>
      <Fold title={t("layers.title")}>
        <Layers selected={selected} labels={setup.labels} />
      </Fold>
    </section>
  );
}

/** "After 101 the model says 1 with 79 %; the data always says 1." */
export function sentence(t: Text, selected: Selected, context: string, labels: string[], ofSeeds: boolean, ended: boolean): string {
  const best = argmax(selected.model);
  const values = { context, symbol: labels[best] ?? "", percent: percent(selected.model[best] ?? 0) };
  const said = t(ofSeeds ? "sentence.seed" : "sentence.model", values);
  if (selected.n === 0) return said + t(ended ? "sentence.ended" : "sentence.unseen", { context });
  const followed = selected.data.map((times, token) => ({ times, token })).filter(({ times }) => times > 0);
  followed.sort((a, b) => b.times - a.times);
  const first = followed[0];
  if (followed.length === 1 && first) return said + t("sentence.always", { symbol: labels[first.token] ?? "", n: selected.n });
  const shares = followed
    .slice(0, 3)
    .map(({ times, token }) => t("sentence.share", { symbol: labels[token] ?? "", percent: percent(times / selected.n) }))
    .join(t("sentence.comma"));
  return said + t(followed.length > 3 ? "sentence.many" : "sentence.shares", { shares });
}

/** Guess, then see: what someone thinks the GPT will say where the data says nothing, and beside it what it says. */
function Guessing(props: { selected: Selected; labels: string[]; context: string }) {
  const screen = useScreen();
  const t = screen.text.value;
  const { selected, labels, context } = props;
  const guess = screen.guessAfter(context);
  const trained = (screen.views.player.value?.trained ?? 0) > 0;
  if (selected.n > 0 || screen.ended.value(selected.state)) return null;
  if (!guess || guess.token >= labels.length)
    return trained ? null : (
      <button type="button" class="link" onClick={() => screen.beginGuess()}>
        {t("guess.begin", { context })}
      </button>
    );
  const put = (change: Partial<typeof guess>) => (screen.guess.value = { ...guess, ...change });
  const symbol = labels[guess.token] ?? "";
  const seeds = screen.views.seeds.value?.selected;
  const told = { symbol, guess: `${guess.percent} %`, percent: percent(selected.model[guess.token] ?? 0) };
  const median = seeds?.median[seeds.tokens.indexOf(guess.token)];
  return (
    <div class="guess">
      <h2>{t("guess.title", { context })}</h2>
      {labels.length > 2 && (
        <select aria-label={t("guess.symbol")} value={guess.token} onChange={(event) => put({ token: Number(event.currentTarget.value) })}>
          {labels.map((label, token) => (
            <option key={token} value={token}>
              {label}
            </option>
          ))}
        </select>
      )}
      <Slider label={t("guess.of", { symbol })} said={`${guess.percent} %`} min={0} max={100} step={1} value={guess.percent} onInput={(value) => put({ percent: value })} />
      {trained ? (
        <p role="status">
          {t("guess.told", told)}
          {median !== undefined && t("guess.seeds", { percent: percent(median), n: count(screen.views.seeds.value?.n ?? 0) })}
        </p>
      ) : (
        <p class="hint">{t("guess.train")}</p>
      )}
    </div>
  );
}

function Bars(props: { selected: Selected; labels: string[] }) {
  const screen = useScreen();
  const t = screen.text.value;
  const ofSeeds = screen.views.seeds.value != null;
  const { selected, labels } = props;
  const guess = screen.guessAfter(screen.title.value(selected.tokens));
  const rows = selected.model.map((p, token) => ({ token, p, share: selected.n ? (selected.data[token] ?? 0) / selected.n : null }));
  const shown =
    rows.length <= MOST_BARS ? rows : [...rows].sort((a, b) => Math.max(b.p, b.share ?? 0) - Math.max(a.p, a.share ?? 0)).slice(0, MOST_BARS);
  return (
    <table class="bars">
      <thead>
        <tr>
          <th>{t("bars.next")}</th>
          <th>{t(ofSeeds ? "seeds.model" : "bars.model")}</th>
          <th>{t("bars.data")}</th>
        </tr>
      </thead>
      <tbody>
        {shown.map(({ token, p, share }) => (
          <tr key={token} style={{ "--colour": tokenColour(token) }}>
            <th>{labels[token]}</th>
            <td>
              <span class="bar" style={{ "--share": p }}>
                {guess?.token === token && <span class="guessed" style={{ left: `${guess.percent}%` }} title={t("guess.mark", { percent: `${guess.percent} %` })} />}
              </span>
              {percent(p)}
            </td>
            <td>
              <span class="bar data" style={{ "--share": share ?? 0 }} />
              {share === null ? t("bars.none") : `${percent(share)}`}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** What many seeds say after a state: of each token how many give it which probability, and where this one is. */
function OfSeeds(props: { selected: Selected }) {
  const screen = useScreen();
  const t = screen.text.value;
  const setup = screen.views.setup.value;
  const seeds = screen.views.seeds.value;
  const told = seeds?.selected;
  if (!setup || !seeds || !told) return null;
  const { selected } = props;
  const context = screen.title.value(selected.tokens);
  const rows = told.tokens.map((token, i) => ({ token, i })).sort((a, b) => told.median[b.i]! - told.median[a.i]!);
  const shown = rows.slice(0, MOST_BARS).sort((a, b) => a.token - b.token);
  const first = argmax(told.likeliest);
  const between = (i: number) => range(told.low[i]!, told.high[i]!);
  const symbol = (i: number) => setup.labels[told.tokens[i]!] ?? "";
  const marked = told.below && {
    seed: setup.settings.seed, symbol: symbol(first), percent: percent(selected.model[told.tokens[first]!] ?? 0), below: percent(told.below[first]!),
  };
  return (
    <div class="of-seeds">
      <h2>{t("seeds.title", { n: count(seeds.n) })}</h2>
      <p>
        {t("seeds.likeliest", { percent: percent(told.likeliest[first]!), symbol: symbol(first), context, range: between(first) })}
        {marked && t("seeds.mark", marked)}
      </p>
      <table class="bars">
        <tbody>
          {shown.map(({ token, i }) => (
            <tr key={token} style={{ "--colour": tokenColour(token) }}>
              <th>{setup.labels[token]}</th>
              <td>
                <Hills counts={told.histogram[i]!} mark={told.below ? (selected.model[token] ?? 0) : null} />
              </td>
              <td>{between(i)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** How many seeds give a token which probability, from 0 to 1 in twentieths; and a line where this seed is. */
function Hills(props: { counts: number[]; mark: number | null }) {
  const n = props.counts.length;
  const most = Math.max(...props.counts);
  return (
    <svg class="hills" viewBox={`0 0 ${n} 10`} preserveAspectRatio="none" aria-hidden="true">
      {props.counts.map((times, i) => (
        <rect key={i} x={i + 0.05} y={10 - (9.5 * times) / most} width="0.9" height={(9.5 * times) / most} />
      ))}
      {props.mark !== null && <path d={`M${n * props.mark} 0V10`} />}
    </svg>
  );
}

function Joined(props: { selected: Selected }) {
  const screen = useScreen();
  const t = screen.text.value;
  const setup = screen.views.setup.value;
  if (!setup) return null;
  const V = setup.labels.length;
  const K = setup.settings.context_length;
  const { selected } = props;
  const after = selected.successors
    .map((state, token) => ({ state, token, p: selected.model[token] ?? 0 }))
    .sort((a, b) => b.p - a.p)
    .slice(0, MOST_JOINED);
  const before = [...selected.predecessors].sort((a, b) => b.p - a.p).slice(0, MOST_JOINED);
  const buttons = (states: { state: number; token: number; p: number }[]) =>
    states.map(({ state, token, p }) => (
      <button key={state} type="button" class="joined" style={{ "--colour": tokenColour(token), "--share": p }} onClick={() => screen.send({ command: "select", state })}>
        {screen.title.value(contextOf(state, V, K)).slice(-20)}
        <span>{percent(p)}</span>
      </button>
    ));
  return (
    <dl class="joins">
      <dt>{t("state.from")}</dt>
      <dd>{buttons(before)}</dd>
      <dt>{t("state.to")}</dt>
      <dd>{buttons(after)}</dd>
    </dl>
  );
}

/** Says so where weights of the shown step were not kept, and those of an earlier one stand in. */
function OfStep(props: { selected: Selected }) {
  const screen = useScreen();
  const step = props.selected.attention?.step;
  const shown = screen.views.frame.value?.step;
  return step === undefined || step === shown ? null : <b>{screen.text.value("attention.step", { step })}</b>;
}

/** Attention as one picture, the mean of all heads, in words, and every head for who asks. */
function Attention(props: { selected: Selected; labels: string[] }) {
  const screen = useScreen();
  const t = screen.text.value;
  const [all, setAll] = useState(false);
  const { selected, labels } = props;
  if (!selected.attention) return <p class="hint">{t("attention.none")}</p>;
  const from = Math.max(0, selected.tokens.length - MOST_READ);
  const tokens = selected.tokens.slice(from);
  const cut = (head: number[][]) => head.slice(from).map((row) => row.slice(from));
  const heads = selected.attention.weights.flat().map(cut);
  const over = (of: (values: number[]) => number) => tokens.map((_, i) => tokens.map((_, j) => of(heads.map((head) => head[i]?.[j] ?? 0))));
  const mean = over((values) => values.reduce((a, b) => a + b, 0) / values.length);
  const last = tokens.length - 1;
  const most = argmax(mean[last]!);
  const ofMost = heads.map((head) => head[last]?.[most] ?? 0);
  const told = {
    symbol: labels[tokens[most] ?? 0] ?? "",
    place: last - most,
    percent: percent(mean[last]![most] ?? 0),
    range: range(Math.min(...ofMost), Math.max(...ofMost)),
  };
  return (
    <>
      <p>{t(most === last ? "attention.self" : "attention.most", told)}</p>
      <p class="hint">
        {t("attention.hint")} <OfStep selected={selected} />
      </p>
      <div class="heads mean">
        <Head weights={mean} tokens={tokens} labels={labels} name={t("attention.mean")} />
      </div>
      <button type="button" class="link" aria-expanded={all} onClick={() => setAll(!all)}>
        {t("attention.all", { n: heads.length })}
      </button>
      {all &&
        selected.attention.weights.map((layer, l) => (
          <div class="heads" key={l}>
            <span>{t("attention.layer", { n: l + 1 })}</span>
            {layer.map((head, h) => (
              <Head key={h} weights={cut(head)} tokens={tokens} labels={labels} name={t("attention.head", { layer: l + 1, head: h + 1 })} />
            ))}
          </div>
        ))}
    </>
  );
}

/** What each token takes from each, as squares. */
function Head(props: { weights: number[][]; tokens: number[]; labels: string[]; name: string }) {
  const t = useScreen().text.value;
  const { weights, tokens, labels } = props;
  const T = tokens.length;
  const symbol = (i: number) => labels[tokens[i] ?? 0] ?? "";
  return (
    <svg viewBox={`-1 -1 ${T + 1} ${T + 1}`} role="img" aria-label={props.name}>
      {weights.map((row, i) =>
        row.slice(0, i + 1).map((weight, j) => (
          <rect key={`${i} ${j}`} x={j} y={i} width="1" height="1" fill-opacity={weight}>
            <title>{t("attention.weight", { reader: symbol(i), read: symbol(j), percent: percent(weight) })}</title>
          </rect>
        )),
      )}
      <path d={outline(T)} />
      {tokens.map((_, i) => (
        <g key={i} aria-hidden="true">
          <text x={i + 0.5} y="-0.25" text-anchor="middle">
            {symbol(i)}
          </text>
          <text x="-0.5" y={i + 0.75} text-anchor="middle">
            {symbol(i)}
          </text>
        </g>
      ))}
    </svg>
  );
}

/** The edge of the squares that causal attention leaves. */
function outline(T: number): string {
  let path = "M0 0";
  for (let i = 0; i < T; i++) path += `H${i + 1}V${i + 1}`;
  return `${path}H0Z`;
}

function Layers(props: { selected: Selected; labels: string[] }) {
  const t = useScreen().text.value;
  const { selected, labels } = props;
  if (!selected.layers) return <p class="hint">{t("attention.none")}</p>;
  const likely = selected.model.map((p, token) => ({ p, token })).sort((a, b) => b.p - a.p).slice(0, 8);
  const best = likely[0]!.token;
  const at = (layer: number) => percent(selected.layers?.at(layer)?.[best] ?? 0);
  return (
    <>
      <p>{t("layers.sentence", { symbol: labels[best] ?? "", before: at(0), after: at(-1) })}</p>
      <p class="hint">
        {t("layers.hint")} <OfStep selected={selected} />
      </p>
      <ol class="layers" start={0}>
        {selected.layers.map((probs, l) => (
          <li key={l}>
            <span>{l === 0 ? t("layers.before") : t("layers.after", { n: l })}</span>
            <span class="stack" role="img" aria-label={likely.map(({ token }) => `${labels[token]} ${percent(probs[token] ?? 0)}`).join(t("sentence.comma"))}>
              {likely.map(({ token }) => (
                <span key={token} style={{ "--colour": tokenColour(token), flexGrow: probs[token] ?? 0 }} title={`${labels[token]} ${percent(probs[token] ?? 0)}`}>
                  {(probs[token] ?? 0) > 0.2 ? `${labels[token]} ${percent(probs[token] ?? 0)}` : ""}
                </span>
              ))}
            </span>
          </li>
        ))}
      </ol>
    </>
  );
}
