// The studio's host: the session lives in a Python process at the other end of a WebSocket.

import { batch, signal } from "@preact/signals";
import type { Command, Host, Model, Views } from "../protocol";

type Listener = (...args: unknown[]) => void;

const FIRST_WAIT = 250; // ms before a lost connection is tried again; doubled each time
const LONGEST_WAIT = 4000;
const PATIENCE = 100; // ms after which a hidden page acknowledges what it does not draw

export class SocketModel implements Model {
  private views: Partial<Views> = {};
  private listeners = new Map<string, Set<Listener>>();
  private socket: WebSocket | null = null;
  private waiting: Command[] = [];
  private wait = FIRST_WAIT;

  readonly host: Host = {
    status: signal<"connecting" | "open" | "lost" | "refused">("connecting"),
    begun: signal(0),
    reason: signal(""),
    download: (file: string) => `download/${file}?session=${encodeURIComponent(this.session)}`,
  };

  /** `begin` is called when the session at the other end is a new one (true) or one that was known (false). */
  constructor(
    private readonly address: string,
    private readonly session: string,
    private readonly begin: (fresh: boolean) => void,
  ) {
    this.connect();
  }

  get<K extends keyof Views>(key: K): Views[K] | undefined {
    return this.views[key];
  }

  on(event: string, callback: Listener): void {
    const known = this.listeners.get(event) ?? new Set();
    this.listeners.set(event, known.add(callback));
  }

  off(event: string, callback: Listener): void {
    this.listeners.get(event)?.delete(callback);
  }

  send(command: Command): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(command));
    else if (this.waiting.length < 20) this.waiting.push(command);
  }

  private connect(): void {
    const socket = new WebSocket(`${this.address}?session=${encodeURIComponent(this.session)}`);
    this.socket = socket;
    socket.onmessage = (event: MessageEvent<string>) => this.receive(socket, event.data);
    let settled: ReturnType<typeof setTimeout>;
    let opened = false;
    socket.onopen = () => {
      opened = true;
      // only a connection that lasts is a good one: whatever ends each at once is tried less and less often
      settled = setTimeout(() => (this.wait = FIRST_WAIT), LONGEST_WAIT);
    };
    socket.onclose = (event) => {
      clearTimeout(settled);
      this.host.reason.value = event.reason;
      // 1003, 1008, 1009, 1013: the server said why it will not go on; trying again would only be refused again
      if ([1003, 1008, 1009, 1013].includes(event.code)) {
        this.host.status.value = "refused";
        return;
      }
      this.host.status.value = "lost";
      if (!opened) this.askForCode();
      setTimeout(() => this.connect(), this.wait * (0.5 + Math.random())); // a whole class does not come back at once
      this.wait = Math.min(2 * this.wait, LONGEST_WAIT);
    };
  }

  /** A studio that was started anew may have another class code: then the page is loaded again, which asks for it. */
  private askForCode(): void {
    fetch("health").then(
      (answer) => answer.status === 403 && location.reload(),
      () => {}, // it cannot be reached at all: it is tried again
    );
  }

  private receive(socket: WebSocket, data: string): void {
    const message = JSON.parse(data) as {
      hello?: { new: boolean };
      seq?: number;
      views?: Partial<Views>;
    };
    if (message.hello) {
      this.host.status.value = "open";
      this.begin(message.hello.new);
      if (message.hello.new) this.host.begun.value++;
      for (const command of this.waiting.splice(0)) this.send(command);
    }
    if (message.views && message.seq !== undefined) {
      const seq = message.seq;
      // Acknowledged once drawn, so that what is sent never runs ahead of what is seen.
      let said = false;
      const acknowledge = () => {
        if (!said && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ ack: seq }));
        said = true;
      };
      requestAnimationFrame(acknowledge);
      setTimeout(acknowledge, PATIENCE);
      Object.assign(this.views, message.views);
      batch(() => {
        for (const key of Object.keys(message.views ?? {})) this.fire(`change:${key}`);
        this.fire("change");
      });
    }
  }

  private fire(event: string): void {
    for (const listener of this.listeners.get(event) ?? []) listener();
  }
}
