// The studio's host: the session lives in a Python process at the other end of a WebSocket.

import { signal } from "@preact/signals";
import { type Command, type Host, LostError, type Model, type Views } from "../protocol";
import { ViewStore } from "./views";

const FIRST_WAIT = 250; // ms before a lost connection is tried again; doubled each time
const LONGEST_WAIT = 4000;
const PATIENCE = 100; // ms after which a hidden page acknowledges what it does not draw

export class SocketModel extends ViewStore implements Model {
  private socket: WebSocket | null = null;
  private waiting: Command[] = [];
  private wait = FIRST_WAIT;
  /** Hears of each command. */
  sent: (command: Command) => void = () => {};

  readonly host: Host = {
    status: signal<"connecting" | "open" | "lost" | "refused">("connecting"),
    begun: signal(0),
    reason: signal(""),
    download: (file: string) => this.download(file),
  };

  /** `begin` is called when the session at the other end is a new one (true) or one that was known (false). */
  constructor(
    private readonly address: string,
    private readonly session: string,
    private readonly begin: (fresh: boolean) => void,
  ) {
    super();
    this.connect();
  }

  send(command: Command): void {
    this.sent(command);
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(command));
    else if (this.waiting.length < 20) this.waiting.push(command);
  }

  private async download(file: string): Promise<File> {
    const answer = await fetch(`download/${file}?session=${encodeURIComponent(this.session)}`).catch(() => null);
    if (!answer) throw new LostError();
    if (!answer.ok) throw new Error((await answer.text()).trim());
    const name = /filename="?([^";]+)/.exec(answer.headers.get("Content-Disposition") ?? "")?.[1];
    const content = await answer.blob();
    return new File([content], name ?? file, { type: content.type });
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
      this.take(message.views);
    }
  }
}
