import { decimal } from "../numbers";
import { useScreen } from "../screen";

/** What the shown chain amounts to. */
export function LongRun() {
  const screen = useScreen();
  const t = screen.text.value;
  const numbers = screen.views.numbers.value;
  const setup = screen.views.setup.value;
  if (!numbers || !setup) return null;
  const nats = (value: number | null) => (value === null ? "–" : Number.isFinite(value) ? decimal(value) : "∞");
  const mixing =
    numbers.mixing === "infinite"
      ? t("numbers.never")
      : numbers.mixing_time === null
        ? "–"
        : t("numbers.tokens", { n: numbers.mixing_time });
  const rows: [string, string, string][] = [
    [t("numbers.loss"), nats(numbers.loss ?? Infinity), numbers.loss === null ? t("numbers.infinite") : t("numbers.loss.hint")],
    [t("numbers.floor"), decimal(setup.floor), t("numbers.floor.hint")],
    [t("numbers.gap"), nats(numbers.gap ?? Infinity), t("numbers.gap.hint")],
    [t("numbers.entropy_rate"), nats(numbers.entropy_rate), t("numbers.entropy_rate.hint")],
    [t("numbers.mixing_time"), mixing, t("numbers.mixing_time.hint")],
  ];
  return (
    <section class="longrun" data-tour="numbers">
      <h2>{t("numbers.title")}</h2>
      <dl>
        {rows.map(([name, value, hint]) => (
          <div key={name} title={hint}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <p class="hint">
        {t("numbers.unit")} {screen.views.frame.value?.source !== "model" && t("numbers.of_model")}
      </p>
    </section>
  );
}
