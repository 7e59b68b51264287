// What a page thinks with: a session, its clock, and what it tells whoever shows it. It runs in a worker, so that the
// screen stays free, or beside the screen where there can be no worker.

import { ARTICLE_GPT, ARTICLE_TRAINING, Corpus, trainMember } from "../engine";
import { bytes, packed } from "../packed";
import { Limits, Session, type Revisions } from "../session";
import { fileOf } from "../session/files";
import type { WorkerPool } from "../session/pool";
import type { RecordedHistory } from "../session/history";
import type { Views } from "../protocol";

/** What a page begins with: the link of a session, and what a run recorded of it. */
export interface Beginning {
  readonly link: Record<string, string>;
  readonly recorded?: RecordedHistory | null;
  readonly lang?: string | null; // of the screen, unless the reader chooses
  readonly guides?: string; // where they are, on a site
  readonly there?: string; // where a studio thinks, in a class
  readonly offline?: string; // what keeps the site on the reader's machine
}

export type ToSession =
  | { readonly begin: Beginning }
  | { readonly command: unknown }
  | { readonly drawn: true } // what was told last has been seen
  | { readonly file: string; readonly id: number };

export type FromSession =
  | { readonly views: Partial<Views> }
  | { readonly id: number; readonly content: Uint8Array | string; readonly type: string }
  | { readonly id: number; readonly fault: string }
  | { readonly failed: number } // how often the session was lost
  | { readonly call: true }; // others to train beside are wanted

const A_MOMENT = 100; // ms
const SLICE = 0.012; // seconds of work, then someone is listened to
const GZIP = "H4sI"; // how the bytes of a packed file begin as base64

export class SessionRunner {
  private session: Session | null = null;
  private known: Revisions = {};
  private drawn = true; // what was told last has been seen: nothing more is told before that
  private timer: ReturnType<typeof setTimeout> | undefined;
  private working = false;
  private link: Record<string, string> = {}; // of the session, as it was told last
  private failures = 0;
  private readonly channel = new MessageChannel();
  private order = Promise.resolve(); // what is asked is done one after the other

  constructor(
    private readonly tell: (told: FromSession) => void,
    private readonly pool: WorkerPool | null = null,
  ) {
    this.channel.port1.onmessage = () => this.work();
  }

  hear(asked: ToSession): void {
    if ("drawn" in asked) {
      this.drawn = true;
      this.show();
    } else this.order = this.order.then(() => this.obey(asked)).catch((error: unknown) => this.fail(error));
  }

  /** A mistake of the program's own: the session is lost, and begins again with what its link says. */
  private fail(error: unknown): void {
    console.error(error);
    if (this.failures++ > 3) throw error;
    this.begin({ link: this.link });
    this.tell({ failed: this.failures });
  }

  private async obey(asked: Exclude<ToSession, { drawn: true }>): Promise<void> {
    if ("begin" in asked) this.begin(asked.begin);
    else if ("command" in asked) this.session?.handle(await unpacked(asked.command));
    else {
      try {
        const { content, type } = fileOf(asked.file, this.session!.shown);
        this.tell({ id: asked.id, content, type });
      } catch (error) {
        this.tell({ id: asked.id, fault: (error as Error).message });
      }
    }
    this.show();
    this.plan();
  }

  private begin({ link, recorded = null }: Beginning): void {
    this.known = {};
    setTimeout(() => this.warmUp(rehearsal()), A_MOMENT);
    this.session = new Session(Limits.ofAPage(), Math.floor(Math.random() * 2 ** 32), link, recorded, this.pool);
  }

  /** Tell what has changed, once what was told before has been seen. */
  private show(): void {
    if (!this.session || !this.drawn) return;
    const { views, revisions } = this.session.changed(this.known);
    this.known = revisions;
    this.link = views.link ?? this.link;
    if (!Object.keys(views).length) return;
    this.drawn = false;
    this.tell({ views });
  }

  private plan(): void {
    clearTimeout(this.timer);
    const now = performance.now() / 1000;
    const due = this.session?.due(now) ?? null;
    if (due === null || this.working) return;
    if (due > now) this.timer = setTimeout(() => this.work(), 1000 * (due - now));
    else {
      this.working = true;
      this.channel.port2.postMessage(null); // a timer would wait for some milliseconds
    }
  }

  /** Train something nobody asked for, while nobody asks for anything: a browser is slow to what it does first. */
  private warmUp(steps: Iterator<unknown>): void {
    const now = performance.now();
    while (!this.session?.busy && !steps.next().done) {
      if (performance.now() > now + 1000 * SLICE) return void setTimeout(() => this.warmUp(steps), A_MOMENT / 10);
    }
  }

  private work(): void {
    this.working = false;
    try {
      this.session?.advance(performance.now() / 1000, SLICE);
    } catch (error) {
      this.fail(error);
    }
    this.show();
    this.plan();
  }
}

/** The steps of a training of the article's, to warm up with. */
function rehearsal(): Iterator<unknown> {
  const corpus = Corpus.ofTokens([1, 0, 1, 1, 0, 0, 1, 1, 1, 0], 2, 3);
  const plan = { config: ARTICLE_GPT, training: ARTICLE_TRAINING, recorded: [...Array(41).keys()] };
  return trainMember(plan, { corpus, seed: 0 }, new Float32Array(41 * 16));
}

/** A command whose file, if it brings one, is unpacked. */
async function unpacked(command: unknown): Promise<unknown> {
  const { command: name, data } = command as { command?: unknown; data?: unknown };
  if (name !== "file" || typeof data !== "string" || !data.startsWith(GZIP)) return command;
  const file = new Blob([bytes(data) as BlobPart]);
  const plain = await new Response(file.stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
  return { ...(command as object), data: packed(new Uint8Array(plain)) };
}
