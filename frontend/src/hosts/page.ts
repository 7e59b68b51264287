// The page as its own host: the session lives in a worker that is made of the same script, so that training never holds
// up the screen. Where there can be no worker it lives beside the screen.

import { signal } from "@preact/signals";
import { formatHash } from "../hash";
import type { Command, Host, Model } from "../protocol";
import { unicodeEscape } from "../session/python";
import { helpers, serve, Workers } from "./workers";
import { SessionRunner, type ToSession, type Beginning, type FromSession } from "./runner";
import { ViewStore } from "./views";

const NO_SCREEN = { lang: null, view: null, hide: [], more: null };
const PATIENCE = 100; // ms after which a hidden page has seen what it does not draw

export class PageModel extends ViewStore implements Model {
  readonly host: Host;

  private ask!: (asked: ToSession) => void;
  private worker: Worker | null = null;
  private asked: Command | null = null; // the last one that may be too much
  private readonly downloads = new Map<number, (told: FromSession) => void>(); // those under way
  private begun = 0; // how many there were
  private readonly unanswered: ToSession[] = []; // until the worker has said something

  /** `script`: the address of the script that is running, which a worker can be made of; `source`: the page as it came. */
  constructor(
    private readonly script: string | null,
    private readonly source: HTMLElement,
    private readonly beginning: Beginning,
    { guides, there }: Pick<Beginning, "guides" | "there"> = {},
  ) {
    super();
    this.host = {
      status: signal("open"),
      begun: signal(0),
      reason: signal(""),
      download: (file) => this.download(file),
      here: true,
      guides,
      ...(there === undefined ? {} : { elsewhere: () => there + formatHash(this.wanted(), NO_SCREEN) }),
    };
    const worker = script === null ? null : workerOf(script);
    this.worker = worker;
    if (!worker) {
      this.thinkBeside();
      return;
    }
    this.ask = (asked) => {
      this.unanswered.push(asked);
      worker.postMessage(asked);
    };
    worker.onmessage = ({ data }: MessageEvent<FromSession>) => {
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
    if (["open", "configure", "more", "seeds"].includes(command.command)) this.asked = command;
    this.ask({ command });
  }

  /** The link of what was asked last. */
  private wanted(): Record<string, string> {
    const link = { ...this.get("link") };
    const { command, ...parts } = this.asked ?? { command: "dismiss" };
    if (command === "open") return (parts as { link: Record<string, string> }).link;
    if (command === "configure") {
      for (const [name, value] of Object.entries(parts)) link[name] = typeof value === "boolean" ? String(Number(value)) : String(value ?? "");
      if ("sequence" in parts) delete link.preset;
    } else if (command === "seeds") Object.assign(link, { seeds: String((parts as { n: number }).n), source: "seeds" });
    return link;
  }

  private thinkBeside(): void {
    const runner = new SessionRunner((told) => setTimeout(() => this.hear(told)));
    this.ask = (asked) => runner.hear(asked);
    for (const asked of this.unanswered.length ? this.unanswered.splice(0) : [{ begin: this.beginning }]) this.ask(asked);
  }

  /** Make others who train beside the worker that thinks. */
  private help(): void {
    for (let i = helpers(); i > 0; i--) {
      const helper = workerOf(this.script!);
      if (!helper) return;
      const { port1, port2 } = new MessageChannel();
      helper.postMessage({ serve: port1 }, [port1]);
      this.worker!.postMessage({ helper: port2 }, [port2]);
    }
  }

  private hear(told: FromSession): void {
    if ("call" in told) return this.help();
    if ("failed" in told) {
      this.host.reason.value = `failed: ${told.failed}`;
      return;
    }
    if (!("views" in told)) return this.downloads.get(told.id)?.(told);
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
    const id = this.begun++;
    return new Promise((keep, refuse) => {
      this.downloads.set(id, (told) => {
        this.downloads.delete(id);
        if ("content" in told) keep(new File([told.content as BlobPart], file, { type: told.type }));
        else if ("fault" in told) refuse(new Error(told.fault));
      });
      this.ask({ file, id });
    });
  }
}

/** The page as it came, but with another beginning. */
function pageWith(source: HTMLElement, beginning: Beginning): string {
  const page = source.cloneNode(true) as HTMLElement;
  // "</script" ends a script and "<!--" begins a comment, whatever the script is
  const data = JSON.stringify(beginning).replace(/[<>&\u2028\u2029]/g, unicodeEscape);
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

interface WorkerScope {
  onmessage: ((event: MessageEvent<ToSession | { serve: MessagePort } | { helper: MessagePort }>) => void) | null;
  postMessage(message: FromSession): void;
}

/** Be a worker: think for a page, or train for the worker that does. */
export function work(scope: WorkerScope): void {
  const pool = new Workers(() => scope.postMessage({ call: true }));
  const runner = new SessionRunner((told) => scope.postMessage(told), pool);
  scope.onmessage = ({ data }) => {
    if ("serve" in data) serve(data.serve);
    else if ("helper" in data) pool.add(data.helper);
    else runner.hear(data);
  };
}
