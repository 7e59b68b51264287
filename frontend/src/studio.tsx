// The entry of the bundle. A notebook calls `render({model, el})` with a model of its own; the studio's page has an
// element #studio, where the screen mounts itself and joins the session of this browser tab.

import { render as draw } from "preact";
import { App } from "./App";
import { SocketModel } from "./hosts/socket";
import { parseHash } from "./hash";
import type { Model } from "./protocol";
import { Screen, ScreenContext } from "./screen";
import graphStyle from "./graph/graph.css";
import style from "./style.css";

const SESSION = "babygpt.session";
const A_WHILE = 300; // ms
const WRITTEN = "babygpt.hash"; // the hash this tab wrote last: if it is still there, the page was only loaded again

export function render({ model, el }: { model: Model; el: HTMLElement }): () => void {
  return mount(new Screen(model), el);
}

function mount(screen: Screen, el: HTMLElement): () => void {
  const sheet = document.createElement("style");
  sheet.textContent = style + graphStyle;
  const root = document.createElement("div");
  root.className = "studio";
  el.replaceChildren(sheet, root);
  screen.start(root);
  draw(
    <ScreenContext.Provider value={screen}>
      <App />
    </ScreenContext.Provider>,
    root,
  );
  return () => {
    screen.stop();
    draw(null, root);
  };
}

function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
}

function openPage(el: HTMLElement): void {
  const id = sessionStorage.getItem(SESSION) ?? newId();
  sessionStorage.setItem(SESSION, id);
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const base = location.pathname.replace(/[^/]*$/, "");
  let screen: Screen | null = null;
  const model = new SocketModel(`${scheme}//${location.host}${base}ws`, id, (fresh) => {
    const asked = parseHash(location.hash).session;
    const reloaded = location.hash === sessionStorage.getItem(WRITTEN);
    if (fresh ? Object.keys(asked).length > 0 : !reloaded && location.hash !== "") model.send({ command: "open", link: asked });
  });
  screen = new Screen(model, {
    read: () => location.hash,
    write: keepInAddress(),
  });
  window.addEventListener("hashchange", () => {
    if (location.hash === sessionStorage.getItem(WRITTEN)) return;
    const { session } = parseHash(location.hash);
    screen?.adopt(location.hash);
    model.send({ command: "open", link: session });
  });
  mount(screen, el);
}

/** A writer of links into the address bar. Browsers limit how often that may be done, so the last of a while is. */
function keepInAddress(): (hash: string) => void {
  let latest: string | null = null;
  const write = () => {
    if (latest === null) return;
    const hash = latest;
    latest = null;
    try {
      if (hash !== location.hash) history.replaceState(null, "", hash || location.pathname + location.search);
      sessionStorage.setItem(WRITTEN, hash);
    } catch {
      // refused for now: the next link is written again
    }
  };
  return (hash) => {
    if (latest === null) setTimeout(write, A_WHILE);
    latest = hash;
  };
}

const page = typeof document === "undefined" ? null : document.getElementById("studio");
if (page) openPage(page);

export default { render };
