import { useState } from "preact/hooks";
import type { Panel } from "../hash";
import { useScreen } from "../screen";
import { isKey, LANGUAGES, languageAfter } from "../texts";
import { Icon, IconButton, Menu } from "./common";
import { MoreButton } from "./More";
import { Sequence } from "./Sequence";
import { Share } from "./Share";

export function TopBar() {
  const screen = useScreen();
  const t = screen.text.value;
  const setup = screen.views.setup.value;
  const dark = screen.dark.value;
  const known = (key: string) => (isKey(key) ? t(key) : "");
  const other = languageAfter(screen.language.value);
  const [open, setOpen] = useState(false); // where there is no room for them, the tools lie behind a button
  const panels: Panel[] = ["settings", "state", "tape"];
  return (
    <header class="top">
      <h1 class="brand">
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <circle cx="9" cy="16" r="6" />
          <circle cx="23" cy="16" r="6" />
          <path d="M12 10.5C14 7 18 7 20 10.5M20 21.5c-2 3.5-6 3.5-8 0" />
        </svg>
        <span>BabyGPT</span>
      </h1>
      <Sequence />
      <button type="button" class="quiet opens-tools" aria-label={t("tools")} aria-expanded={open} onClick={() => setOpen(!open)}>
        <Icon name={open ? "close" : "menu"} />
      </button>
      <nav class="tools" aria-label={t("tools")} data-open={open}>
        <Menu name={t("presets")} label={t("presets")} class="presets">
          {(close) =>
            setup?.presets.map((preset) => (
              <button
                key={preset}
                type="button"
                class="preset"
                aria-current={setup.name === preset}
                onClick={() => {
                  screen.send({ command: "preset", name: preset });
                  close();
                }}
              >
                <b>{known(`preset.${preset}`) || preset}</b>
                <span>{known(`preset.${preset}.about`)}</span>
              </button>
            ))
          }
        </Menu>
        <button type="button" class="quiet" data-opens-tour onClick={() => (screen.touring.value = 0)}>
          {t("tour.open")}
        </button>
        <MoreButton />
        {screen.host?.guides && (
          <a class="quiet" href={`${screen.host.guides}${screen.language.value}/`}>
            {t("guides")}
          </a>
        )}
        <Share />
        <Menu name={t("panels")} label={<Icon name="panels" />}>
          {() =>
            panels.map((panel) => (
              <label key={panel} class="check">
                <input type="checkbox" checked={!screen.hidden.value.includes(panel)} onChange={() => screen.toggle(panel)} />
                {t(`panels.${panel}`)}
              </label>
            ))
          }
        </Menu>
        <IconButton icon="present" name={t("present")} onClick={() => screen.present(true)} />
        <IconButton icon="light" name={t("dark")} pressed={dark} onClick={() => (screen.chosenDark.value = !dark)} />
        <button type="button" class="quiet" lang={LANGUAGES[other].tag} onClick={() => screen.speak(other)}>
          {LANGUAGES[other].name}
        </button>
      </nav>
    </header>
  );
}
