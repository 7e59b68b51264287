import { useMemo } from "preact/hooks";
import type { Decoding as DecodingView } from "../protocol";
import { throttled, useScreen } from "../screen";
import { Fold, Slider } from "./common";

const HOTTEST = 3;

export function isPlain({ temperature, top_k, top_p, min_p }: DecodingView): boolean {
  return temperature === 1 && top_k === null && top_p === null && min_p === null;
}

/** How the GPT's probabilities are bent before a token is drawn. */
export function DecodingPanel() {
  const screen = useScreen();
  const t = screen.text.value;
  const decoding = screen.views.decoding.value;
  const V = screen.views.setup.value?.labels.length ?? 2;
  const send = useMemo(() => throttled((command) => screen.send(command)), [screen]);
  if (!decoding) return null;
  const { temperature } = decoding;
  const plain = isPlain(decoding);
  // the cuts of the distribution: at `off` a cut leaves everything
  const cut = (name: "top_k" | "top_p" | "min_p", range: { min: number; max: number; step: number }, off: number) => {
    const value = decoding[name];
    return (
      <Slider
        label={t(`decoding.${name}`)}
        said={value === null ? t("decoding.off") : value.toFixed(name === "top_k" ? 0 : 2)}
        {...range}
        value={value ?? off}
        onInput={(chosen) => send({ command: "decode", [name]: chosen === off ? null : chosen })}
      />
    );
  };
  const said = temperature === 0 ? t("decoding.greedy") : temperature.toFixed(2);
  return (
    <Fold title={t("decoding.title")} tour="decoding" note={plain ? undefined : t("decoding.on")}>
      <p class="hint">{t("decoding.hint")}</p>
      <Slider label={t("decoding.temperature")} said={said} min={0} max={HOTTEST} step={0.05} value={temperature} onInput={(value) => send({ command: "decode", temperature: value })} />
      {cut("top_k", { min: 1, max: V, step: 1 }, V)}
      {cut("top_p", { min: 0.05, max: 1, step: 0.05 }, 1)}
      {cut("min_p", { min: 0, max: 1, step: 0.05 }, 0)}
      <div class="row">
        <button type="button" onClick={() => send({ command: "decode", temperature: 0 })}>
          {t("decoding.greedy")}
        </button>
        <button type="button" disabled={plain} onClick={() => send({ command: "decode", temperature: 1, top_k: null, top_p: null, min_p: null })}>
          {t("decoding.reset")}
        </button>
      </div>
    </Fold>
  );
}
