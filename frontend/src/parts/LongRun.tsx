import { decimal } from "../numbers";
import type { Standing } from "../protocol";
import { useScreen } from "../screen";
import type { Key } from "../texts";
import { Term } from "./common";
import { Help } from "./Tour";

/** What the shown chain amounts to. */
export function LongRun() {
  const screen = useScreen();
  const t = screen.text.value;
  const numbers = screen.views.numbers.value;
  const setup = screen.views.setup.value;
  if (!numbers || !setup) return null;
  const nats = (value: number) => (Number.isFinite(value) ? decimal(value) : "∞");
  const reasons = new Set([numbers.long_run, numbers.mixing].filter((s) => s === "large" || s === "moving" || s === "unknown"));
  // what is not known says why: in a word, and in a sentence for who points at it
  const word = (standing: Standing) => (standing === "computing" ? t("numbers.computing") : "–");
  const why = (standing: Standing | "infinite", hint: Key) =>
    standing === "exact" || standing === "infinite" ? t(hint) : `${t(`numbers.why.${standing}`)} ${t(hint)}`;
  const entropy = numbers.entropy_rate === null ? word(numbers.long_run) : decimal(numbers.entropy_rate);
  const mixing =
    numbers.mixing === "infinite"
      ? t("numbers.never")
      : numbers.mixing_time === null
        ? word(numbers.mixing)
        : t("numbers.tokens", { n: numbers.mixing_time });
  const rows: [string, string, string][] = [
    [t("numbers.gap"), nats(numbers.gap ?? Infinity), t("numbers.gap.hint")],
    [t("numbers.entropy_rate"), entropy, why(numbers.long_run, "numbers.entropy_rate.hint")],
    [t("numbers.mixing_time"), mixing, why(numbers.mixing, "numbers.mixing_time.hint")],
  ];
  return (
    <section class="longrun" data-tour="numbers">
      <h2>
        <span>
          {t("numbers.title")} <Help at="numbers" />
        </span>
      </h2>
      <dl>
        {rows.map(([name, value, hint]) => (
          <div key={name}>
            <dt>
              <Term name={name} why={hint} />
            </dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {[...reasons].map((reason) => (
        <p key={reason} class="hint">
          – {t(`numbers.why.${reason}`)}
        </p>
      ))}
      <p class="hint">
        <Term name={t("numbers.unit")} why={t("numbers.unit.hint")} /> {screen.host?.here && t("numbers.here")} {screen.views.frame.value?.source !== "model" && t("numbers.of_model")}
      </p>
    </section>
  );
}
