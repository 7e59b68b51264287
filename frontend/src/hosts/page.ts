// The page as its own host: the session lives in a worker that is made of the same script, so that training never holds
// up the screen. Where there can be no worker it lives beside the screen.

import { signal } from "@preact/signals";
import type { Command, Host, Model } from "../protocol";
import { Thinker, type Asked, type Beginning, type Told } from "./thinker";
import { ViewStore } from "./views";

const PATIENCE = 100; // ms after which a hidden page has seen what it does not draw

export class PageModel extends ViewStore implements Model {
  readonly host: Host = {
    status: signal<"connecting" | "open" | "lost" | "refused">("open"),
    begun: signal(0),
    reason: signal(""),
    download: (file: string) => this.download(file),
    here: true,
  };

  private ask!: (asked: Asked) => void;
  private readonly downloads = new Map<number, { keep: (told: Told) => void }>();
  private readonly unanswered: Asked[] = []; // until the worker has said something

  /** `script`: the address of the script that is running, which a worker can be made of; `source`: the page as it came. */
  constructor(
    script: string | null,
    private readonly source: HTMLElement,
    private readonly beginning: Beginning,
  ) {
    super();
    const worker = script === null ? null : workerOf(script);
    if (!worker) {
      this.thinkBeside();
      return;
    }
    this.ask = (asked) => {
      this.unanswered.push(asked);
      worker.postMessage(asked);
    };
    worker.onmessage = ({ data }: MessageEvent<Told>) => {
      this.unanswered.length = 0;
      this.hear(data);
    };
    worker.onerror = () => {
      if (this.get("setup") !== undefined) return; // it has thought already
      worker.terminate();
      this.thinkBeside();
    };
    this.ask({ begin: beginning });
  }

  send(command: Command): void {
    this.ask({ command });
  }

  private thinkBeside(): void {
    const thinker = new Thinker((told) => setTimeout(() => this.hear(told)));
    this.ask = (asked) => thinker.hear(asked);
    for (const asked of this.unanswered.length ? this.unanswered.splice(0) : [{ begin: this.beginning }]) this.ask(asked);
  }

  private hear(told: Told): void {
    if ("failed" in told) {
      this.host.reason.value = `failed: ${told.failed}`;
      return;
    }
    if (!("views" in told)) return this.downloads.get(told.id)?.keep(told);
    this.take(told.views);
    let said = false;
    const seen = () => {
      if (!said) this.ask({ drawn: true });
      said = true;
    };
    requestAnimationFrame(seen);
    setTimeout(seen, PATIENCE);
  }

  private async download(file: string): Promise<File> {
    if (file !== "page.html") return this.made(file);
    const beginning = await (await this.made("beginning.json")).text();
    return new File([pageWith(this.source, { ...(JSON.parse(beginning) as Beginning), lang: document.documentElement.lang })], file, {
      type: "text/html",
    });
  }

  /** A file that the session makes. */
  private made(file: string): Promise<File> {
    const id = this.downloads.size;
    return new Promise((keep, refuse) => {
      this.downloads.set(id, {
        keep: (told) => {
          if ("content" in told) keep(new File([told.content as BlobPart], file, { type: told.type }));
          else if ("fault" in told) refuse(new Error(told.fault));
        },
      });
      this.ask({ file, id });
    });
  }
}

/** The page as it came, but with another beginning. */
function pageWith(source: HTMLElement, beginning: Beginning): string {
  const page = source.cloneNode(true) as HTMLElement;
  // "</script" ends a script and "<!--" begins a comment, whatever the script is
  const data = JSON.stringify(beginning).replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
  page.querySelector("#beginning")!.textContent = data;
  return `<!doctype html>\n${page.outerHTML}\n`;
}

function workerOf(script: string): Worker | null {
  try {
    return new Worker(script);
  } catch {
    return null;
  }
}

/** Be the worker: hear what the page asks, and tell it what there is to show. */
export function thinkInWorker(scope: Pick<Worker, "postMessage"> & { onmessage: ((event: MessageEvent<Asked>) => void) | null }): void {
  const thinker = new Thinker((told) => scope.postMessage(told));
  scope.onmessage = ({ data }) => thinker.hear(data);
}
