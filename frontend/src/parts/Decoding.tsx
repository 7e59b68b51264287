import { useMemo } from "preact/hooks";
import { isPlain, PLAIN, RULE_NAMES, RULES, type RuleName } from "../decoding";
import { throttled, useScreen } from "../screen";
import { Fold, Slider } from "./common";

/** How the GPT's probabilities are decoded before a token is drawn. */
export function DecodingPanel() {
  const screen = useScreen();
  const t = screen.text.value;
  const decoding = screen.views.decoding.value;
  const V = screen.views.setup.value?.labels.length ?? 2;
  const send = useMemo(() => throttled((command) => screen.send(command)), [screen]);
  if (!decoding) return null;
  const plain = isPlain(decoding);
  const slider = (name: RuleName) => {
    const { reach, off, step, digits } = RULES[name];
    const [min, max] = reach(V);
    const everything = off === null ? null : [min, max][off];
    const value = decoding[name];
    const said = value === null ? t("decoding.off") : value === 0 && off === null ? t("decoding.greedy") : value.toFixed(digits);
    return (
      <Slider
        key={name}
        label={t(`decoding.${name}`)}
        said={said}
        min={min}
        max={max}
        step={step}
        value={value ?? everything ?? min}
        onInput={(chosen) => send({ command: "decode", [name]: chosen === everything ? null : chosen })}
      />
    );
  };
  return (
    <Fold title={t("decoding.title")} tour="decoding" note={plain ? undefined : t("decoding.on")}>
      <p class="hint">{t("decoding.hint")}</p>
      {RULE_NAMES.map(slider)}
      <div class="row">
        <button type="button" onClick={() => send({ command: "decode", temperature: 0 })}>
          {t("decoding.greedy")}
        </button>
        <button type="button" disabled={plain} onClick={() => send({ command: "decode", ...PLAIN })}>
          {t("decoding.reset")}
        </button>
      </div>
    </Fold>
  );
}
