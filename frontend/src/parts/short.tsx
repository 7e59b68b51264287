import { stateOf } from "../contexts";
import { count, percent } from "../numbers";
import { useAsked, useScreen } from "../screen";
import { MAX_VALUES } from "../session/facts.generated";
import { tokenColour } from "./common";

const MOST_LEAVES = 6; // full contexts that are drawn after each context; of more the likeliest
const MOST_TERMS = 6; // of a sum that is written out

/** The contexts that a text begins with, from one token on until they are full, with the arrows between them. */
export function ShortPage() {
  const screen = useScreen();
  const t = screen.text.value;
  const setup = screen.views.setup.value;
  const short = screen.views.short.value;
  useAsked("short");
  if (!setup || !short) return null;
  const [V, K] = [setup.labels.length, setup.settings.context_length];
  const states = count(setup.n_states);
  if (K === 1) return <p>{t("short.none", { states })}</p>;
  const terms = Array.from({ length: K }, (_, i) => count(V ** (i + 1)));
  if (K > MOST_TERMS) terms.splice(2, K - 3, "…");
  const { n, values } = short;
  return (
    <>
      <p class="sum">{t("short.sum", { sum: terms.join(" + "), total: count(n + setup.n_states) })}</p>
      <p>{t("short.intro", { states, n: count(n) })}</p>
      <p>{t(`short.${setup.settings.positions}`)}</p>
      {values === null ? (
        <p>{t("short.many", { n: count(n), most: MAX_VALUES })}</p>
      ) : (
        values.length === n * V && (
          <div class="grown" role="group" tabIndex={0} aria-label={t("short.label")}>
            <ul>
              {setup.labels.map((_, token) => (
                <Context key={token} tokens={[token]} p={null} values={values} K={K} />
              ))}
            </ul>
          </div>
        )
      )}
    </>
  );
}

/** A context, the arrow that leads to it, and all that it may grow to. */
function Context(props: { tokens: number[]; p: number | null; values: readonly number[]; K: number }) {
  const screen = useScreen();
  const { tokens, p, values, K } = props;
  const setup = screen.views.setup.value!;
  const V = setup.labels.length;
  const length = tokens.length;
  const token = tokens[length - 1]!;
  const state = stateOf(tokens, V);
  const name = screen.title.value(tokens);
  const row = (V ** length - V) / (V - 1) + state; // after all that are shorter
  let next = Array.from({ length: length < K ? V : 0 }, (_, token) => ({ token, p: values[row * V + token]! }));
  const left = length === K - 1 ? V - MOST_LEAVES : 0;
  if (left > 0) next = next.sort((a, b) => b.p - a.p || a.token - b.token).slice(0, MOST_LEAVES);
  return (
    <li>
      {p !== null && (
        <span class="grows" style={{ "--colour": tokenColour(token), "--share": p }}>
          <b>{setup.labels[token]}</b> {percent(p)}
        </span>
      )}
      {length < K ? (
        <span class="begun">{name}</span>
      ) : (
        <button
          type="button"
          class="begun"
          data-unseen={!screen.seen.value(state)}
          aria-pressed={screen.views.selected.value?.state === state}
          onClick={() => screen.send({ command: "select", state })}
          onPointerEnter={() => (screen.hovered.value = state)}
          onPointerLeave={() => (screen.hovered.value = null)}
        >
          {name}
        </button>
      )}
      {next.length > 0 && (
        <ul>
          {next.map(({ token, p }) => (
            <Context key={token} tokens={[...tokens, token]} p={p} values={values} K={K} />
          ))}
          {left > 0 && <li class="note others">{screen.text.value("short.others", { n: left })}</li>}
        </ul>
      )}
    </li>
  );
}
