import { useEffect, useMemo } from "preact/hooks";
import { encode } from "uqr";
import { LAST_SCENE, useScreen } from "../screen";
import { IconButton } from "./common";

const LONGEST = 1200; // characters of an address: a code of more is too fine to be read across a room
const LOCAL = /^(localhost|127\.|\[?::1)/;

/** For a projector: the scenes by keyboard or clicker, and a code by which others come along. */
export function Presenting() {
  const screen = useScreen();
  const t = screen.text.value;
  const scene = screen.scene.value ?? 0;
  useEffect(() => void screen.widest.requestFullscreen?.().catch(() => {}), []); // then in the window
  return (
    <div class="presenting" role="group" aria-label={t("present")}>
      <JoinCode />
      <div class="row">
        <button type="button" disabled={scene <= 0} onClick={() => screen.play(scene - 1)}>
          {t("tour.back")}
        </button>
        <button type="button" disabled={scene >= LAST_SCENE} onClick={() => screen.play(scene + 1)}>
          {t("tour.next")}
        </button>
        <IconButton icon="close" name={t("present.end")} onClick={() => screen.present(false)} />
      </div>
    </div>
  );
}

/** The address as a code, where others can come to it. */
function JoinCode() {
  const screen = useScreen();
  const t = screen.text.value;
  void screen.views.link.value; // the address follows it
  const address = joinable(screen.address);
  const code = useMemo(() => address && encode(address, { border: 2 }), [address]);
  if (!code) return null;
  const path = code.data.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : ""))).join("");
  return (
    <figure class="join">
      <svg viewBox={`0 0 ${code.size} ${code.size}`} role="img" aria-label={t("present.join", { address: address! })}>
        <path d={path} />
      </svg>
      <figcaption>{t("present.scan")}</figcaption>
    </figure>
  );
}

function joinable(shown: string | null): string | null {
  if (shown === null || LOCAL.test(location.hostname)) return null;
  const address = new URL(shown);
  const params = new URLSearchParams(address.hash.slice(1));
  params.delete("present");
  address.hash = params.toString();
  return address.href.length <= LONGEST ? address.href : address.origin + address.pathname;
}
