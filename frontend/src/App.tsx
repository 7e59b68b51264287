import { PrintGame } from "./game/PrintGame";
import { Dock } from "./parts/Dock";
import type { Panel } from "./hash";
import { DecodingPanel } from "./parts/Decoding";
import { KnobsPanel } from "./parts/Knobs";
import { LongRun } from "./parts/LongRun";
import { Presenting } from "./parts/Presenting";
import { Messages } from "./parts/Messages";
import { More } from "./parts/More";
import { SettingsPanel } from "./parts/Settings";
import { Stage } from "./parts/Stage";
import { StatePanel } from "./parts/StatePanel";
import { Tape } from "./parts/Tape";
import { TopBar } from "./parts/TopBar";
import { Tour } from "./parts/Tour";
import { useShortcuts } from "./parts/shortcuts";
import { useScreen } from "./screen";

export function App() {
  const screen = useScreen();
  const t = screen.text.value;
  const hidden = screen.hidden.value;
  const status = screen.host?.status.value ?? "open";
  const presenting = screen.presenting.value;
  const shows = (panel: Panel) => !presenting && !hidden.includes(panel);
  const begin = useShortcuts();
  if (!screen.views.setup.value) {
    return (
      <div class="opening" role="status">
        <p>{status === "refused" ? screen.refusal(screen.host?.reason.value ?? "") : t("opening")}</p>
      </div>
    );
  }
  return (
    <>
      <div class="frame" data-presenting={presenting}>
        <div class="app">
          <button type="button" class="skip" onClick={begin}>
            {t("skip")}
          </button>
          <TopBar />
          {shows("settings") && (
            <aside class="side left" aria-label={t("settings.title")}>
              <SettingsPanel />
              <DecodingPanel />
              <KnobsPanel />
            </aside>
          )}
          <main class="middle">
            <Stage />
            {shows("tape") && <Tape />}
          </main>
          {shows("state") && (
            <aside class="side right" aria-label={t("state.title")}>
              <StatePanel />
              <LongRun />
            </aside>
          )}
          <Dock />
          {presenting && <Presenting />}
        </div>
      </div>
      <More />
      <Messages />
      <Tour />
      <PrintGame />
      <div class="unseen" aria-live="polite" role="status">
        {screen.announcement.value}
      </div>
    </>
  );
}
