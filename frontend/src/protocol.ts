// What passes between the session, which thinks, and the screen, which draws.
//
// The session's state is a handful of *views*, each whole in itself, never a change to an earlier one. A host (the
// studio's WebSocket, a notebook, an exported file) carries views to the screen and commands back. Both are declared in
// Python, studio/protocol.py and studio/commands.py, of which make protocol writes protocol.generated.ts.

import type { Signal } from "@preact/signals";
import type { Command, Views } from "./protocol.generated";

export type * from "./protocol.generated";

/** What a host may give the screen beyond the model: a connection that can be lost, files to fetch. */
export interface Host {
  status: Signal<"connecting" | "open" | "lost" | "refused">;
  begun: Signal<number>; // counts the sessions met: another one knows nothing of what this screen asked before
  /** Why the connection was closed: a code, a colon, and a sentence in English. The codes: full (no place or no memory
   *  left), address (too many sessions of one address), windows (too many show this session), flood, large, nonsense
   *  (what was sent is too much, too large, or no JSON), id (no page makes such a session), failed (by a mistake of the
   *  studio's own; the session is lost), closed (the studio ends), away (nobody was there, and the session is no more). */
  reason: Signal<string>;
  /** Fetch chain.svg, chain.png, chain.dot, chain.json, chain.csv, run.zip or page.html; fails with what there is to say. */
  download(file: string): Promise<File>;
  /** Whether the session thinks in the page: it takes less than a studio does. */
  readonly here?: boolean;
  /** The address at which a studio does what was asked of this page and is too much for it, if it is one of a class. */
  elsewhere?(): string;
  /** Where the guides are, a folder for each language, if they are beside the page. */
  readonly guides?: string | undefined;
}

/** What a download fails with where the other end cannot be reached. */
export class LostError extends Error {}

/** What a host gives the screen: the front-end interface of anywidget. */
export interface Model {
  readonly host?: Host;
  get<K extends keyof Views>(key: K): Views[K] | undefined;
  on(event: string, callback: (...args: unknown[]) => void): void;
  off(event: string, callback: (...args: unknown[]) => void): void;
  send(command: Command): void;
}
