import { Dock } from "./parts/Dock";
import { DecodingPanel } from "./parts/Decoding";
import { KnobsPanel } from "./parts/Knobs";
import { LongRun } from "./parts/LongRun";
import { Messages } from "./parts/Messages";
import { More } from "./parts/More";
import { SettingsPanel } from "./parts/Settings";
import { Stage } from "./parts/Stage";
import { StatePanel } from "./parts/StatePanel";
import { Tape } from "./parts/Tape";
import { TopBar } from "./parts/TopBar";
import { Tour } from "./parts/Tour";
import { useScreen } from "./screen";

export function App() {
  const screen = useScreen();
  const t = screen.text.value;
  const hidden = screen.hidden.value;
  const status = screen.host?.status.value ?? "open";
  if (!screen.views.setup.value) {
    return (
      <div class="opening" role="status">
        <p>{status === "refused" ? screen.refusal(screen.host?.reason.value ?? "") : t("opening")}</p>
      </div>
    );
  }
  return (
    <>
      <div class="frame">
        <div class="app">
          <TopBar />
          {!hidden.includes("settings") && (
            <aside class="side left" aria-label={t("settings.title")}>
              <SettingsPanel />
              <DecodingPanel />
              <KnobsPanel />
            </aside>
          )}
          <main class="middle">
            <Stage />
            {!hidden.includes("tape") && <Tape />}
          </main>
          {!hidden.includes("state") && (
            <aside class="side right" aria-label={t("state.title")}>
              <StatePanel />
              <LongRun />
            </aside>
          )}
          <Dock />
        </div>
      </div>
      <More />
      <Messages />
      <Tour />
      <div class="unseen" aria-live="polite" role="status">
        {screen.announcement.value}
      </div>
    </>
  );
}
