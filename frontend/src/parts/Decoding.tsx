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
  const { temperature, top_k, top_p, min_p } = decoding;
  const plain = isPlain(decoding);
  const said = temperature === 0 ? t("decoding.greedy") : temperature.toFixed(2);
  return (
    <Fold title={t("decoding.title")} tour="decoding" note={plain ? undefined : t("decoding.on")}>
      <p class="hint">{t("decoding.hint")}</p>
      <Slider label={t("decoding.temperature")} said={said} min={0} max={HOTTEST} step={0.05} value={temperature} onInput={(value) => send({ command: "decode", temperature: value })} />
      <Slider
        label={t("decoding.top_k")}
        said={top_k === null ? t("decoding.off") : String(top_k)}
        min={1}
        max={V}
        step={1}
        value={top_k ?? V}
        onInput={(value) => send({ command: "decode", top_k: value >= V ? null : value })}
      />
      <Slider
        label={t("decoding.top_p")}
        said={top_p === null ? t("decoding.off") : top_p.toFixed(2)}
        min={0.05}
        max={1}
        step={0.05}
        value={top_p ?? 1}
        onInput={(value) => send({ command: "decode", top_p: value >= 1 ? null : value })}
      />
      <Slider
        label={t("decoding.min_p")}
        said={min_p === null ? t("decoding.off") : min_p.toFixed(2)}
        min={0}
        max={1}
        step={0.05}
        value={min_p ?? 0}
        onInput={(value) => send({ command: "decode", min_p: value <= 0 ? null : value })}
      />
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
