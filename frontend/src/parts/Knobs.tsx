import { useEffect, useId, useMemo, useRef, useState } from "preact/hooks";
import { decimal } from "../numbers";
import { floats } from "../packed";
import { throttled, useScreen } from "../screen";
import { colour } from "../map/colours";
import { arrowStep, Fold, Slider } from "./common";

const TURN = 3; // how far a single number can be turned, either way

/** The chain is a smooth function of the GPT's numbers: turn them and see. Let go, and it is as it was. */
export function KnobsPanel() {
  const screen = useScreen();
  const t = screen.text.value;
  const knobs = screen.views.knobs.value;
  const [stay, setStay] = useState(false);
  const id = useId();
  const send = useMemo(() => throttled((command) => screen.send(command)), [screen]);
  if (!knobs) return null;
  const turned = screen.views.frame.value?.turned ?? false;
  const release = () => {
    const { place } = knobs;
    screen.send({ command: "release" });
    if (place !== null) screen.send({ command: "nudge", place, by: 0 }); // the number stays in hand
  };
  const letGo = () => {
    if (!stay && turned) release();
  };
  const tensor = knobs.tensors.find(({ name }) => name === knobs.tensor);
  return (
    <Fold title={t("knobs.title")} tour="knobs" note={turned ? t("knobs.turned") : undefined}>
      <p class="hint">{t("knobs.hint")}</p>
      <Slider
        label={t("knobs.position")}
        said={`${Math.round(100 * knobs.position)} %`}
        min={knobs.reach[0]}
        max={knobs.reach[1]}
        step={0.01}
        value={knobs.position}
        disabled={!knobs.ready}
        onInput={(position) => send({ command: "turn", position })}
        onRelease={letGo}
      />
      {!knobs.ready && <p class="hint">{t("knobs.not_ready")}</p>}
      <div class="field stacked">
        <label for={id}>{t("knobs.tensor")}</label>
        <select id={id} value={knobs.tensor ?? ""} onChange={(event) => event.currentTarget.value && send({ command: "tensor", name: event.currentTarget.value })}>
          <option value="">{t("knobs.choose")}</option>
          {knobs.tensors.map(({ name, shape }) => (
            <option key={name} value={name}>
              {`${name}  ${shape.join("×")}`}
            </option>
          ))}
        </select>
      </div>
      {tensor && <TensorPicture shape={tensor.shape} values={knobs.values} place={knobs.place} onPick={(place) => send({ command: "nudge", place, by: 0 })} />}
      {tensor && knobs.place !== null && knobs.value !== null && (
        <>
          <p class="number">
            {`[${indices(knobs.place, tensor.shape).join(", ")}] = ${decimal(knobs.value)}`}
            {knobs.by !== 0 && <b>{` ${knobs.by < 0 ? "−" : "+"} ${Math.abs(knobs.by).toFixed(2)}`}</b>}
          </p>
          <Slider
            label={t("knobs.turn")}
            said={decimal(knobs.by, 2)}
            min={-TURN}
            max={TURN}
            step={0.01}
            value={knobs.by}
            onInput={(by) => send({ command: "nudge", place: knobs.place ?? 0, by })}
            onRelease={letGo}
          />
        </>
      )}
      <div class="row">
        <label class="check">
          <input
            type="checkbox"
            checked={stay}
            onChange={() => {
              if (stay) release();
              setStay(!stay);
            }}
          />
          {t("knobs.stay")}
        </label>
        <button type="button" disabled={!turned} onClick={release}>
          {t("knobs.release")}
        </button>
      </div>
    </Fold>
  );
}

function indices(place: number, shape: number[]): number[] {
  return shape.length === 1 ? [place] : [Math.floor(place / (shape[1] ?? 1)), place % (shape[1] ?? 1)];
}

/** Every number of a tensor as one square, in which one can be picked. */
function TensorPicture(props: { shape: number[]; values: string | null; place: number | null; onPick(place: number): void }) {
  const t = useScreen().text.value;
  const canvas = useRef<HTMLCanvasElement>(null);
  const tall = (props.shape[0] ?? 1) > (props.shape[1] ?? 1) && props.shape.length === 2;
  const rows = props.shape.length === 1 ? 1 : (props.shape[0] ?? 1);
  const columns = props.shape.length === 1 ? (props.shape[0] ?? 1) : (props.shape[1] ?? 1);
  const [width, height] = tall ? [rows, columns] : [columns, rows]; // the long side lies across
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context || !props.values || !canvas.current) return;
    const values = floats(props.values);
    const largest = values.reduce((most, x) => Math.max(most, Math.abs(x)), 1e-6);
    const image = context.createImageData(width, height);
    const style = getComputedStyle(canvas.current);
    const [more, less, paper] = [colour(style, "--more"), colour(style, "--less"), colour(style, "--paper")];
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const value = values[tall ? x * columns + y : y * columns + x] ?? 0;
        const strength = Math.min(1, Math.abs(value) / largest);
        const end = value < 0 ? less : more;
        for (let c = 0; c < 3; c++)
          image.data[4 * (y * width + x) + c] = (paper[c] ?? 0) + strength * ((end[c] ?? 0) - (paper[c] ?? 0));
        image.data[4 * (y * width + x) + 3] = 255;
      }
    context.putImageData(image, 0, 0);
  }, [props.values, width, height]);
  if (props.values === null) return <p class="hint">{t("knobs.too_large")}</p>;
  const at = (x: number, y: number) => (tall ? x * columns + y : y * columns + x);
  const place = props.place ?? 0;
  const [px, py] = tall ? [Math.floor(place / columns), place % columns] : [place % columns, Math.floor(place / columns)];
  const move = (event: KeyboardEvent) => {
    const by = arrowStep(event.key);
    if (!by) return;
    event.preventDefault();
    const x = Math.min(width - 1, Math.max(0, px + by[0]));
    const y = Math.min(height - 1, Math.max(0, py + by[1]));
    props.onPick(at(x, y));
  };
  return (
    <div class="tensor" style={{ aspectRatio: `${width} / ${Math.max(height, width / 16)}` }}>
      <canvas
        ref={canvas}
        width={width}
        height={height}
        tabIndex={0}
        role="application"
        aria-label={t("knobs.picture", { rows, columns })}
        onKeyDown={move}
        onClick={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          const x = Math.min(width - 1, Math.floor(((event.clientX - box.left) / box.width) * width));
          const y = Math.min(height - 1, Math.floor(((event.clientY - box.top) / box.height) * height));
          props.onPick(at(x, y));
        }}
      />
      {props.place !== null && (
        <span
          class="pick"
          aria-hidden="true"
          style={{ left: `${(100 * px) / width}%`, top: `${(100 * py) / height}%`, width: `${100 / width}%`, height: `${100 / height}%` }}
        />
      )}
    </div>
  );
}
