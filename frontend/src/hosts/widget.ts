// A notebook's host: the session lives in the kernel, its views in the traits of a widget (anywidget's model).

import { signal } from "@preact/signals";
import { type Command, type Host, LostError, type Model, type Views } from "../protocol";
import { ViewStore } from "./views";

/** What anywidget hands to a front end. */
export interface Kernel {
  get(key: string): unknown;
  on(event: string, callback: (...args: never[]) => void): void;
  off(event: string, callback: (...args: never[]) => void): void;
  set(key: string, value: unknown): void;
  save_changes(): void;
  send(content: unknown): void;
}

const PATIENCE = 100; // ms after which a hidden notebook acknowledges what it does not draw
const NO_ANSWER = 4000; // ms after which a kernel is taken for gone

interface Answer {
  file: number;
  name?: string;
  media?: string;
  refused?: string;
}

export class WidgetModel extends ViewStore implements Model {
  private readonly downloads = new Map<number, { keep(file: File): void; fail(error: Error): void }>();
  private silence: ReturnType<typeof setTimeout> | undefined;

  readonly host: Host = {
    status: signal<"connecting" | "open" | "lost" | "refused">("open"),
    begun: signal(0),
    reason: signal(""),
    download: (file: string) => this.download(file),
  };

  constructor(private readonly kernel: Kernel) {
    super();
    this.look();
    kernel.on("change:revision", this.look);
    kernel.on("msg:custom", this.hear);
    this.ask({ hello: true });
  }

  send(command: Command): void {
    this.ask(command);
  }

  close(): void {
    clearTimeout(this.silence);
    this.kernel.off("change:revision", this.look);
    this.kernel.off("msg:custom", this.hear);
    for (const { fail } of this.downloads.values()) fail(new LostError());
  }

  /** Take what has changed: traits are compared by identity, and each holds a whole view. */
  private readonly look = (): void => {
    const names = this.kernel.get("names") as (keyof Views)[];
    const changed = names.map((name) => [name, this.kernel.get(`view_${name}`)] as const).filter(([name, view]) => this.get(name) !== view);
    this.answered();
    this.take(Object.fromEntries(changed) as Partial<Views>);
    const revision = this.kernel.get("revision");
    let said = false;
    const acknowledge = () => {
      if (!said) this.kernel.send({ ack: revision });
      said = true;
    };
    requestAnimationFrame(acknowledge); // once drawn, so that what is sent never runs ahead of what is seen
    setTimeout(acknowledge, PATIENCE);
  };

  private readonly hear = (message: Answer | { here: true }, buffers: readonly DataView[] = []): void => {
    this.answered();
    if (!("file" in message)) return;
    const waiting = this.downloads.get(message.file);
    this.downloads.delete(message.file);
    if (message.refused !== undefined) waiting?.fail(new Error(message.refused));
    else waiting?.keep(new File([buffers[0] as DataView<ArrayBuffer>], message.name!, { type: message.media! }));
  };

  private download(file: string): Promise<File> {
    return new Promise((keep, fail) => {
      const id = this.downloads.size === 0 ? 1 : Math.max(...this.downloads.keys()) + 1;
      this.downloads.set(id, { keep, fail });
      this.ask({ download: file, file: id });
    });
  }

  private ask(content: unknown): void {
    this.kernel.send(content);
    this.silence ??= setTimeout(() => (this.host.status.value = "lost"), NO_ANSWER);
  }

  private answered(): void {
    clearTimeout(this.silence);
    this.silence = undefined;
    this.host.status.value = "open";
  }
}

/** An element in a notebook's output that its styles do not reach, nor its keys, nor those of the screen the notebook. */
export function inACell(el: HTMLElement, height: number): HTMLElement {
  const cell = document.createElement("div");
  cell.dataset.lmSuppressShortcuts = "true"; // JupyterLab would take D, D for "delete this cell"
  // what is fixed is fixed in the cell; what is more is scrolled there
  cell.style.cssText = `all: initial; display: block; contain: layout paint; height: ${height}px; overflow: auto; resize: vertical`;
  for (const kind of ["keydown", "keyup", "keypress", "paste", "copy", "cut"]) cell.addEventListener(kind, (event) => event.stopPropagation());
  const inside = document.createElement("div");
  const tree = cell.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(":host { container-type: size } .studio { --tall: 100cqh }");
  tree.adoptedStyleSheets = [sheet];
  tree.append(inside);
  el.replaceChildren(cell);
  return inside;
}
