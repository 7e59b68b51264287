import { useId, useState } from "preact/hooks";
import { clamp, count } from "../numbers";
import { useScreen } from "../screen";
import { COMPUTERS, KNOWN_MODELS } from "../session/facts.generated";
import { bitsOf, bytesOf, placeOnScale, statesOf } from "../sizes";

const MOST = 1e6; // tokens that can be tried, and bits that the scale shows at least
const FEW_BITS = 80; // of so few one says that something fits in them
const [VOCABULARY, CONTEXT] = [27, 8]; // where one's own begin: letters and a blank, eight of them
const STOPS = 1000; // of a slider that goes from 1 to MOST

const kilobytes = (n: string | number) => `${n}\u00a0kB`;

/** How many bits name a state: of this GPT, of those that the article speaks of, and of any one likes. */
export function SizesPage() {
  const screen = useScreen();
  const t = screen.text.value;
  const setup = screen.views.setup.value;
  const [own, setOwn] = useState<readonly [V: number, K: number]>([VOCABULARY, CONTEXT]);
  if (!setup) return null;
  const most = Math.max(MOST, bitsOf(...own));
  const computers = Object.entries(COMPUTERS).map(([name, memory]) => ({ name, memory, style: { left: `${100 * placeOnScale(8 * memory, most)}%` } }));
  const bytes = (bits: number) => {
    const [n, unit] = bytesOf(bits);
    return unit === "kB" ? kilobytes(n) : t("sizes.bytes", { n });
  };
  const bar = ([V, K]: readonly [number, number], which = "") => {
    const bits = bitsOf(V, K);
    const few = Math.ceil(bits - 1e-9);
    return (
      <div class="size-bar" data-which={which}>
        <div class="lane">
          <span style={{ width: `${100 * placeOnScale(bits, most)}%` }} />
          {computers.map(({ name, style }) => (
            <i key={name} style={style} />
          ))}
        </div>
        <p>
          <b>{bits < FEW_BITS ? t("sizes.fits", { bits: few }) : t("sizes.bits", { bits: count(Math.round(bits)), bytes: bytes(bits) })}</b>{" "}
          {which && t(`sizes.${which as "article" | "actual"}`)} <span class="note">{t("sizes.of", { vocab: count(V), context: count(K), states: statesOf(V, K) })}</span>
        </p>
      </div>
    );
  };
  return (
    <>
      <p>{t("sizes.intro")}</p>
      <div class="row own">
        <LogField label={t("sizes.vocabulary")} least={2} value={own[0]} onChange={(V) => setOwn([V, own[1]])} />
        <LogField label={t("settings.context_length")} least={1} value={own[1]} onChange={(K) => setOwn([own[0], K])} />
      </div>
      <div class="sizes">
        <div class="computers">
          {computers.map(({ name, memory, style }) => (
            <span key={name} style={style}>{`${name}: ${kilobytes(memory / 1024)}`}</span>
          ))}
        </div>
        <ul>
          <li data-model="own">
            <h3>{t("sizes.own")}</h3>
            {bar(own)}
          </li>
          <li data-model="this">
            <h3>{t("sizes.this")}</h3>
            {bar([setup.labels.length, setup.settings.context_length])}
          </li>
          {KNOWN_MODELS.map(({ name, article, says, actual }) => {
            const right = String(article) === String(actual);
            return (
              <li key={name} data-model={name}>
                <h3>{right ? t("preset.article") : name.toUpperCase()}</h3>
                {right ? bar(actual) : [bar(article, "article"), bar(actual, "actual")]}
                {!right && (
                  <p class="hint">
                    {t(`sizes.remark.${name as "gpt-2" | "gpt-3" | "gpt-4"}`, { says, vocab: count(actual[0]), context: count(actual[1]) })}
                  </p>
                )}
              </li>
            );
          })}
        </ul>
        <p class="hint">{t("sizes.scale")}</p>
      </div>
    </>
  );
}

/** A whole number from `least` to MOST: typed, or chosen on a slider whose steps are factors. */
function LogField(props: { label: string; least: number; value: number; onChange(value: number): void }) {
  const id = useId();
  const { least, value } = props;
  const factor = MOST / least;
  const choose = (chosen: number) => Number.isFinite(chosen) && props.onChange(clamp(Math.round(chosen), least, MOST));
  return (
    <div class="slider">
      <label for={id}>{props.label}</label>
      <input id={id} type="number" min={least} max={MOST} value={value} onChange={(event) => choose(event.currentTarget.valueAsNumber)} />
      <input
        type="range"
        min={0}
        max={STOPS}
        value={Math.round((STOPS * Math.log(value / least)) / Math.log(factor))}
        aria-label={props.label}
        aria-valuetext={count(value)}
        onInput={(event) => choose(least * factor ** (event.currentTarget.valueAsNumber / STOPS))}
      />
    </div>
  );
}
