// The entry of the one script that every host loads. A notebook calls `render({model, el})` with its kernel's model. A page
// has an element #studio, where the screen mounts itself: it thinks by itself, in a worker that is this script again, if
// it says what it begins with; else it joins the session of this browser tab in the studio that it is from.

import { render as draw } from "preact";
import { App } from "./App";
import { PageModel, work } from "./hosts/page";
import { SocketModel } from "./hosts/socket";
import { showChain } from "./hosts/chain";
import { type Kernel, inACell, WidgetModel } from "./hosts/widget";
import type { Beginning } from "./hosts/runner";
import { parseHash } from "./hash";
import { keepText, withKeptText } from "./longtext";
import type { Model } from "./protocol";
import { Screen, ScreenContext } from "./screen";
import { recall, remember } from "./stored";
import gameStyle from "./game/game.css";
import graphStyle from "./graph/graph.css";
import mapStyle from "./map/map.css";
import moreStyle from "./parts/more.css";
import style from "./style.css";

const SESSION = "babygpt.session";
const A_WHILE = 300; // ms
const NO_ANSWER = 60; // ms after which no other tab will answer
const WRITTEN = "babygpt.hash"; // the hash this tab wrote last: if it is still there, the page was only loaded again

/** What a notebook calls to show a widget in its output: the interface of anywidget. */
export function render({ model: kernel, el }: { model: Kernel; el: HTMLElement }): () => void {
  const cell = inACell(el, Number(kernel.get("height")));
  if (kernel.get("facts")) {
    const [root, tidy] = styled(cell);
    const leave = showChain(kernel, root);
    return () => {
      leave();
      tidy();
    };
  }
  const model = new WidgetModel(kernel);
  const leave = mount(new Screen(model, null, kernel.get("lang") as string | null), cell);
  return () => {
    leave();
    model.close();
  };
}

/** An element with the screen's styles, and what takes them away. */
function styled(el: HTMLElement): [HTMLElement, () => void] {
  const root = document.createElement("div");
  root.className = "studio";
  el.replaceChildren(root);
  // not as an element: a page may forbid those that stand in it, and a notebook's output may lie in a tree of its own
  const sheet = new CSSStyleSheet();
  sheet.replaceSync([style, graphStyle, mapStyle, gameStyle, moreStyle].join(""));
  const tree = root.getRootNode() as Document | ShadowRoot;
  tree.adoptedStyleSheets = [...tree.adoptedStyleSheets, sheet];
  return [root, () => (tree.adoptedStyleSheets = tree.adoptedStyleSheets.filter((one) => one !== sheet))];
}

function mount(screen: Screen, el: HTMLElement): () => void {
  const [root, tidy] = styled(el);
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
    tidy();
  };
}

function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
}

/** Join the session of this browser tab in the studio that the page is from. */
async function join(el: HTMLElement): Promise<void> {
  const kept = recall("sessionStorage", SESSION);
  const id = kept !== null && !(await isShown(kept)) ? kept : newId();
  remember("sessionStorage", SESSION, id);
  answerFor(id);
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const base = location.pathname.replace(/[^/]*$/, "");
  const model = new SocketModel(`${scheme}//${location.host}${base}ws`, id, (fresh) => {
    const asked = withKeptText(parseHash(location.hash).session);
    const [loading] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
    // the address of a page that is loaded again is the one it had when that began, and may have been written since
    const reloaded = loading?.type === "reload" || location.hash === recall("sessionStorage", WRITTEN);
    if (fresh ? Object.keys(asked).length > 0 : !reloaded && location.hash !== "") model.send({ command: "open", link: asked });
  });
  model.sent = keepText;
  show(model, el);
}

/** Whether another tab shows a session: one that is opened from another tab begins with a copy of what that one keeps. */
function isShown(id: string): Promise<boolean> {
  const channel = new BroadcastChannel(SESSION);
  return new Promise((answer) => {
    const settle = (shown: boolean) => {
      channel.close();
      answer(shown);
    };
    setTimeout(() => settle(false), NO_ANSWER);
    channel.onmessage = ({ data }) => data === `here: ${id}` && settle(true);
    channel.postMessage(`who: ${id}`);
  });
}

/** Tell other tabs that this one shows a session. */
function answerFor(id: string): void {
  const channel = new BroadcastChannel(SESSION);
  channel.onmessage = ({ data }) => data === `who: ${id}` && channel.postMessage(`here: ${id}`);
}

/** Let the page think by itself: what its address says, else what it brings. */
function think(el: HTMLElement, script: string | null, source: HTMLElement, brought: Beginning): void {
  const asked = parseHash(location.hash).session;
  const beginning = Object.keys(asked).length > 0 ? { link: asked } : brought;
  show(new PageModel(script, source, beginning, brought), el, brought.lang ?? null);
  if (brought.offline) navigator.serviceWorker?.register(brought.offline).catch(() => {}); // then only online
}

function show(model: Model, el: HTMLElement, lang: string | null = null): void {
  const screen = new Screen(model, { read: () => location.hash, write: keepInAddress() }, lang);
  window.addEventListener("hashchange", () => {
    if (location.hash === recall("sessionStorage", WRITTEN)) return;
    const { session } = parseHash(location.hash);
    screen.adopt(location.hash);
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
      remember("sessionStorage", WRITTEN, hash);
    } catch {
      // refused for now: the next link is written again
    }
  };
  addEventListener("pagehide", write); // what was shown last, too
  return (hash) => {
    if (latest === null) setTimeout(write, A_WHILE);
    latest = hash;
  };
}

/** The address of this script: where it came from, or, if it stands in the page, one that is made of it. */
function addressOf(script: HTMLScriptElement): string | null {
  if (script.src) return script.src;
  try {
    return URL.createObjectURL(new Blob([script.text], { type: "text/javascript" }));
  } catch {
    return null;
  }
}

function begin(el: HTMLElement): void {
  const brought = document.getElementById("beginning");
  const script = document.currentScript as HTMLScriptElement;
  if (!brought) return void join(el);
  script.remove(); // the page as it came has it packed
  const source = document.documentElement.cloneNode(true) as HTMLElement;
  think(el, addressOf(script), source, JSON.parse(brought.textContent) as Beginning);
}

if (typeof document === "undefined") work(self as unknown as Parameters<typeof work>[0]);
else {
  // a notebook's module is no script of the page, whatever stands there
  const el = document.currentScript && document.getElementById("studio");
  if (el) begin(el);
}
