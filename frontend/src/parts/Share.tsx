import { useEffect, useState } from "preact/hooks";
import { isPlain } from "../decoding";
import { pictureOfScreen, pixelsOf } from "../graph/picture";
import { type Screen, useScreen } from "../screen";
import type { Key } from "../texts";
import { Icon, Menu } from "./common";

const FILES = ["run.zip", "chain.svg", "chain.png", "chain.dot", "chain.json", "chain.csv"];

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
  return (
    <Menu name={t("share")} label={<Icon name="share" />} class="share">
      {() => (
        <>
          <AskForCode />
          {button("share.link", location.href)}
          {link?.too_long && <p class="hint">{t("share.too_long")}</p>}
          {!code && <p class="hint">{t("share.code.coming")}</p>}
          {code && button("share.python", code.python)}
          {code && button("share.command", code.command)}
          {code && decoding && !isPlain(decoding) && <p class="hint">{t("share.no_decoding")}</p>}
          {host && (
            <>
              <p class="hint">{t("share.download")}</p>
              <div class="files">
                {FILES.map((file) => (
                  <a
                    key={file}
                    href={host.download(file)}
                    download={file}
                    onClick={(event) => {
                      event.preventDefault();
                      void keepFile(screen, file, host.download(file));
                    }}
                  >
                    {t(`share.file.${file}` as "share.file.run.zip")}
                  </a>
                ))}
              </div>
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

/** Keep a file, or say why there is none: a picture is the graph on the screen, all else comes from the host. */
async function keepFile(screen: Screen, file: string, address: string): Promise<void> {
  const picture = /svg|png/.test(file) ? pictureOfScreen() : null;
  try {
    if (picture !== null) {
      return save(file.endsWith("svg") ? new Blob([picture], { type: "image/svg+xml" }) : await pixelsOf(picture), file);
    }
    const answer = await fetch(address);
    if (!answer.ok) return screen.object("share.failed", { why: (await answer.text()).trim() });
    const name = /filename="?([^";]+)/.exec(answer.headers.get("Content-Disposition") ?? "")?.[1];
    save(await answer.blob(), name ?? "chain");
  } catch {
    screen.object("share.failed", { why: screen.text.value("lost") });
  }
}

function save(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
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
