import { useEffect, useState } from "preact/hooks";
import { isPlain } from "../decoding";
import { pictureOfScreen, pixelsOf } from "../graph/picture";
import { type Host, LostError } from "../protocol";
import { type Screen, useScreen } from "../screen";
import type { Key } from "../texts";
import { Icon, Menu } from "./common";

const WHOLE = ["page.html", "run.zip"]; // what has all of it
const FILES = ["chain.svg", "chain.png", "chain.dot", "chain.json", "chain.csv"];

export function Share() {
  const screen = useScreen();
  const t = screen.text.value;
  const [copied, setCopied] = useState<Key | null>(null);
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
  const hasAddress = location.protocol.startsWith("http"); // that others can open
  return (
    <Menu name={t("share")} label={<Icon name="share" />} class="share">
      {() => (
        <>
          <AskForCode />
          {hasAddress && button("share.link", location.href)}
          {hasAddress && link?.too_long && <p class="hint">{t("share.too_long")}</p>}
          {!code && <p class="hint">{t("share.code.coming")}</p>}
          {code && button("share.python", code.python)}
          {code && button("share.command", code.command)}
          {code && decoding && !isPlain(decoding) && <p class="hint">{t("share.no_decoding")}</p>}
          {host && (
            <>
              {WHOLE.map(file)}
              <p class="hint">{t("share.download")}</p>
              <div class="files">{FILES.map(file)}</div>
            </>
          )}
        </>
      )}
    </Menu>
  );
}

/** While this is there, scripts travel: they may spell out the whole text. */
function AskForCode() {
  const screen = useScreen();
  const begun = screen.host?.begun.value;
  useEffect(() => screen.send({ command: "code", on: true }), [begun]);
  useEffect(() => () => screen.send({ command: "code", on: false }), []);
  return null;
}

/** Keep a file, or say why there is none: a picture is the graph or map on the screen, all else comes from the host. */
async function keepFile(screen: Screen, host: Host, file: string): Promise<void> {
  const picture = /svg|png/.test(file) ? pictureOfScreen() : null;
  try {
    if (picture === null) save(await host.download(file));
    else if (file.endsWith("svg")) save(new File([picture], file, { type: "image/svg+xml" }));
    else save(new File([await pixelsOf(picture)], file, { type: "image/png" }));
  } catch (error) {
    const why = error instanceof LostError ? screen.text.value("lost") : (error as Error).message;
    screen.object("share.failed", { why });
  }
}

function save(file: File): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = file.name;
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
