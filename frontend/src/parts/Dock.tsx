import { useEffect, useState } from "preact/hooks";
import { count, decimal } from "../numbers";
import type { Numbers } from "../protocol";
import { useScreen } from "../screen";
import { IconButton, Menu, Term } from "./common";
import { Timeline } from "./Timeline";
import { Help } from "./Tour";

const SPEEDS: (number | null)[] = [2, 5, 12.5, 25, 100, 400, null]; // steps per second; null: as fast as it trains
const MORE = [10, 50, 200, 1000, 5000]; // steps
const A_WHILE = 500; // ms of training after which it can be stopped: what is over sooner needs no such button

function lossText(numbers: Numbers | undefined): string {
  return numbers === undefined ? "–" : numbers.loss === null ? "∞" : decimal(numbers.loss);
}

/** Training, playing, and the timeline of all steps. */
export function Dock() {
  const screen = useScreen();
  const t = screen.text.value;
  const player = screen.views.player.value;
  const setup = screen.views.setup.value;
  const numbers = screen.views.numbers.value;
  const frame = screen.views.frame.value;
  const [long, setLong] = useState(false);
  const training = player?.training ?? false;
  useEffect(() => {
    setLong(false);
    if (!training) return;
    const timer = setTimeout(() => setLong(true), A_WHILE);
    return () => clearTimeout(timer);
  }, [training]);
  useAnnouncements();
  if (!player || !setup) return null;
  const fresh = player.trained === 0;
  const done = player.trained >= setup.settings.steps || player.stopped !== "";
  const speed = player.speed;
  const speeds = SPEEDS.includes(speed) ? SPEEDS : [...SPEEDS.slice(0, -1), speed, null].sort((a, b) => (a ?? Infinity) - (b ?? Infinity));
  return (
    <footer class="dock" aria-label={t("dock.label")}>
      <div class="controls" data-tour="train">
        {long ? (
          <button type="button" class="primary" onClick={() => screen.send({ command: "stop" })}>
            {t("dock.stop")}
          </button>
        ) : (
          <button type="button" class={done && !fresh ? "primary again" : "primary"} onClick={() => screen.send({ command: "train" })}>
            {t(fresh ? "dock.train" : !done ? "dock.continue" : player.step < player.trained && player.step > 0 ? "dock.watch" : "dock.again")}
          </button>
        )}
        <IconButton class="round" icon="rewind" name={t("dock.rewind")} onClick={() => screen.send({ command: "rewind" })} />
        <IconButton
          class="round"
          icon={player.playing ? "pause" : "play"}
          name={t(player.playing ? "dock.pause" : "dock.play")}
          disabled={fresh && !training}
          onClick={() => screen.send({ command: player.playing ? "pause" : "play" })}
        />
        <IconButton class="round" icon="step" name={t("dock.step")} onClick={() => screen.send({ command: "step" })} />
        <Menu name={t("dock.more.title")} label={t("dock.more.title")} class="up">
          {(close) =>
            MORE.map((steps) => (
              <button
                key={steps}
                type="button"
                onClick={() => {
                  screen.send({ command: "more", steps });
                  close();
                }}
              >
                {t("dock.more", { steps: count(steps) })}
              </button>
            ))
          }
        </Menu>
        <label class="speed">
          <span class="unseen">{t("dock.speed")}</span>
          <select
            title={t("dock.speed")}
            value={String(speed)}
            onChange={(event) => {
              const chosen = event.currentTarget.value;
              screen.send({ command: "speed", speed: chosen === "null" ? null : Number(chosen) });
            }}
          >
            {speeds.map((value) => (
              <option key={String(value)} value={String(value)}>
                {value === null ? t("dock.speed.max") : t("dock.speed.steps", { n: Number(value.toFixed(1)) })}
              </option>
            ))}
          </select>
        </label>
      </div>
      <p class="now">
        <span>{t("dock.step_of", { step: count(player.step), total: count(Math.max(player.total, player.trained)) })}</span>
        <span class="loss">
          <Term name={t("numbers.loss")} why={t(numbers?.loss === null ? "numbers.infinite" : "numbers.loss.hint")} /> <b>{lossText(numbers)}</b>
        </span>
        <span class="wide">
          <Term name={t("numbers.gap")} why={`${t("numbers.gap.hint")} ${t("numbers.floor.hint")}`} /> <b>{numbers?.gap == null ? "–" : decimal(numbers.gap)}</b>
        </span>
        {player.stopped === "gap" && <span class="ended">{t("dock.stopped.gap")}</span>}
        {player.stopped === "diverged" && <span class="ended wrong">{t("dock.stopped.diverged")}</span>}
        {frame?.turned && <span>{t("stage.turned")}</span>}
        <Help at="timeline" />
      </p>
      <Timeline />
    </footer>
  );
}

/** Say aloud, to those who listen instead of looking, where the playhead rests. */
function useAnnouncements(): void {
  const screen = useScreen();
  const player = screen.views.player.value;
  const playing = player?.playing ?? false;
  const [was, setWas] = useState(playing);
  useEffect(() => {
    if (was && !playing && player) {
      const numbers = screen.views.numbers.value;
      const loss = lossText(numbers);
      screen.announcement.value = screen.text.value("dock.announce", { step: player.step, total: player.trained, loss });
    }
    setWas(playing);
  }, [playing]);
}
