import { useState } from "preact/hooks";
import { isPlain } from "../decoding";
import { filmOf } from "../film";
import { GameButton } from "../game/PrintGame";
import { pictureOfScreen, pixelsOf } from "../graph/picture";
import { type Host, LostError } from "../protocol";
import { type Screen, useAsked, useScreen } from "../screen";
import type { Key } from "../texts";
import { Icon, Menu } from "./common";

const WHOLE = ["page.html", "run.zip"]; // what has all of it
const LONGEST_NAME = 40; // characters of a text that name its files
const FILES = ["chain.svg", "chain.png", "chain.dot", "chain.json", "chain.csv"];

export function Share() {
  const screen = useScreen();
  const t = screen.text.value;
  const [copied, setCopied] = useState<Key | null>(null);
  const [filming, setFilming] = useState("");
  const code = screen.views.code.value;
  const link = screen.views.link.value;
  const host = screen.host;
  const decoding = screen.views.decoding.value;
  const copy = async (name: Key, text: string) => {
    await copyText(text);
    setCopied(name);
    screen.announcement.value = t("share.copied");
    setTimeout(() => setCopied(null), 2000);
  };
  const button = (name: Key, text: string) => (
    <button type="button" onClick={() => void copy(name, text)}>
      {t(copied === name ? "share.copied" : name)}
    </button>
  );
  const file = (name: string) => (
    <button key={name} type="button" onClick={() => void keepFile(screen, host!, name)}>
      {t(`share.file.${name}` as Key)}
    </button>
  );
  const film = async () => {
    try {
      save(await filmOf(screen, (step, total) => setFilming(t("share.film.making", { step, total }))), nameOf(screen, "gif"));
    } catch (error) {
      screen.object("share.failed", { why: (error as Error).message });
    }
    setFilming("");
  };
  const trained = (screen.views.player.value?.trained ?? 0) > 0;
  const address = screen.address;
  return (
    <Menu name={t("share")} label={<Icon name="share" />} class="share">
      {(close) => (
        <>
          <AskForCode />
          {address !== null && button("share.link", address)}
          {address !== null && link?.too_long && <p class="hint">{t("share.too_long")}</p>}
          {!code && <p class="hint">{t("share.code.coming")}</p>}
          {code && button("share.python", code.python)}
          {code && button("share.command", code.command)}
          {code && decoding && !isPlain(decoding) && <p class="hint">{t("share.no_decoding")}</p>}
          {host && (
            <>
              {WHOLE.map(file)}
              <button type="button" disabled={!trained || filming !== "" || screen.shownView.value === "table"} onClick={() => void film()}>
                {filming || t("share.film")}
              </button>
              <p class="hint">{t("share.download")}</p>
              <div class="files">{FILES.map(file)}</div>
            </>
          )}
          <GameButton onOpen={close} />
        </>
      )}
    </Menu>
  );
}

/** While this is there, scripts travel: they may spell out the whole text. */
function AskForCode() {
  useAsked("code");
  return null;
}

/** Keep a file, or say why there is none: a picture is the graph or map on the screen, all else comes from the host. */
async function keepFile(screen: Screen, host: Host, file: string): Promise<void> {
  const picture = /svg|png/.test(file) ? pictureOfScreen(screen.root) : null;
  try {
    const kind = file.replace(/^.*\./, "");
    const made = picture === null ? host.download(file) : kind === "svg" ? new Blob([picture], { type: "image/svg+xml" }) : pixelsOf(picture);
    save(await made, nameOf(screen, kind));
  } catch (error) {
    const why = error instanceof LostError ? screen.text.value("lost") : (error as Error).message;
    screen.object("share.failed", { why });
  }
}

/** What a file is called: after the text that was learnt, and the step it is of. */
function nameOf(screen: Screen, kind: string): string {
  const { name, text } = screen.views.setup.value!;
  const learnt = (name || text || "").replace(/\.\w+$/, "").replace(/[^\p{L}\p{N}]+/gu, "-");
  const short = [...learnt].slice(0, LONGEST_NAME).join("").replace(/^-+|-+$/g, "");
  const step = kind === "gif" || kind === "html" || kind === "zip" ? "" : `-step${screen.views.frame.value?.step ?? 0}`;
  return `babygpt${short && `-${short}`}${step}.${kind}`;
}

function save(file: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // a page that did not come over https or from this machine has no clipboard: the old way
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}
