// What the screen knows: the views of the session as signals, and what is the screen's own (language, which view is
// shown, which panels are hidden). Components read signals and send commands; nothing else passes between them.

import { type ReadonlySignal, type Signal, computed, effect, signal } from "@preact/signals";
import { createContext } from "preact";
import { useContext, useEffect } from "preact/hooks";
import { contextOf, occurrences } from "./contexts";
import { RULE_NAMES, RULES } from "./decoding";
import { formatHash, type Guess, type Page, type Panel, parseHash, type ViewKind } from "./hash";
import { inReadingOrder } from "./graph/layout";
import { count } from "./numbers";
import { bit, bytes } from "./packed";
import type { Command, Model, Notice, Settings, Views } from "./protocol";
import { COMMANDS } from "./session/facts.generated";
import { recall, remember } from "./stored";
import { isKey, type Key, type Language, LANGUAGES, languageOf, type Text, translate, type Values as TextValues } from "./texts";

type ViewSignals = { [K in keyof Views]: Signal<Views[K] | undefined> };

const NAMES: (keyof Views)[] = [
  "setup",
  "frame",
  "numbers",
  "curve",
  "trace",
  "player",
  "selected",
  "tape",
  "decoding",
  "knobs",
  "pins",
  "seeds",
  "rows",
  "short",
  "link",
  "code",
  "notice",
];

/** What a setting must be that has no least and most of its own, by the name of the sentence that says so. */
const RANGES: Record<string, string> = {
  context_length: "counted",
  ...Object.fromEntries(["weight_decay", "stop_gap"].map((name) => [name, "zero"])),
  learning_rate: "positive",
  ...Object.fromEntries(RULE_NAMES.map((name) => [name, RULES[name].range])),
};

/** Where the link is kept: the address bar of a page; a notebook has none. */
export interface LinkStore {
  read(): string;
  write(hash: string): void;
}

const DARK = "babygpt.dark";

function remembered(): boolean | null {
  const chosen = recall("localStorage", DARK);
  return chosen === null ? null : chosen === "true";
}

/** Refusals of what is too much: the program takes more of it than a page. */
const BEYOND = ["text", "too_large", "steps", "most", "states", "seeds", "memory"];

const BYTES_EACH = 3; // of a character in UTF-8, as a rule at most; as base64, what a message may hold
const LARGEST_PAGE = 4e6; // bytes of a page that is dropped on another

const LEARNS: Command["command"][] = ["configure", "file", "fit", "tidy", "preset"];
const A_MOMENT = 250; // ms
const SCENES = "babygpt.scenes"; // whether the first scenes have been seen, or sent away
export const LAST_SCENE = 3; // train; what it never saw; many seeds; and then what one likes
const MOST_TRIED = 1000; // states, to find one that the data never has
const DWELL = 180; // ms that someone points at a token before it is meant

export const MOST_DRAWN = 256; // states that a graph draws one by one
const MOST_READ = 64; // and of which it is shown unless another view is chosen: more are read more easily as a map

export class Screen {
  root!: HTMLElement; // what it is drawn in, once it is
  readonly views: ViewSignals;
  readonly language: Signal<Language>;
  readonly view = signal<ViewKind | null>(null); // null: what suits the size
  readonly hidden = signal<readonly Panel[]>([]);
  readonly more = signal<Page | null>(null); // which page of "More" is open
  readonly chosenDark = signal<boolean | null>(remembered()); // null: as the system
  private readonly systemDark = signal(false);
  readonly dark = computed(() => this.chosenDark.value ?? this.systemDark.value);
  readonly announcement = signal("");
  readonly printing = signal(false); // whether the chain is shown as a game to print
  readonly touring = signal<number | null>(null); // the place in the tour; null: none
  readonly scene = signal<number | null>(recall("localStorage", SCENES) === null ? 0 : null); // null: sent away
  readonly presenting = signal(false);
  readonly guess = signal<Guess | null>(null); // of what it will say where the data says nothing
  readonly dismissed = signal<readonly string[]>([]); // hints that were sent away
  readonly complaint = signal<{ key: Key; values: TextValues } | null>(null); // what the screen itself objects to
  readonly written = signal<string | null>(null); // what is typed in the editor, until it is learnt
  readonly filesTaken = signal(0); // how many files were read in
  readonly hovered = signal<number | null>(null); // a state pointed at in the sequence
  private dwelling: ReturnType<typeof setTimeout> | undefined;
  private asked: number | null = null; // the token whose effects were asked for last
  private learning: Command | null = null; // what was asked for last of what is learnt
  private chosenLanguage: string | null = null;
  readonly busy = signal(false);
  private waiting: ReturnType<typeof setTimeout> | null = null;
  private cleanups: (() => void)[] = [];

  readonly text: ReadonlySignal<Text>;
  readonly seen: ReadonlySignal<(state: number) => boolean>;
  readonly ended: ReadonlySignal<(state: number) => boolean>;
  readonly shownView: ReadonlySignal<ViewKind>;
  readonly title: ReadonlySignal<(tokens: readonly number[]) => string>;
  readonly unseen: ReadonlySignal<number | null>; // the first state that the data never has

  constructor(
    private readonly model: Model,
    private readonly links: LinkStore | null = null,
    private readonly lang: string | null = null, // what the page itself is in
  ) {
    this.views = Object.fromEntries(NAMES.map((name) => [name, signal(model.get(name))])) as ViewSignals;
    this.language = signal<Language>("en");
    this.adopt(links?.read() ?? "");
    this.text = computed(() => translate(this.language.value));
    const bits = (which: "seen" | "ended") =>
      computed(() => {
        const packed = this.views.setup.value?.[which];
        const all = packed === undefined ? new Uint8Array() : bytes(packed);
        return (state: number) => bit(all, state);
      });
    this.seen = bits("seen");
    this.ended = bits("ended");
    this.shownView = computed(() => {
      const n = this.views.setup.value?.n_states ?? 0;
      return this.view.value ?? (n > MOST_READ ? "map" : "graph");
    });
    this.title = computed(() => {
      const setup = this.views.setup.value;
      return (tokens) => inReadingOrder(tokens.map((t) => setup?.labels[t] ?? "?"), setup?.separator ?? "");
    });
    this.unseen = computed(() => {
      const setup = this.views.setup.value;
      if (!setup || setup.n_seen === setup.n_states) return null;
      // not even as the last of the sequence, after which nothing follows
      const fits = (state: number) => !this.seen.value(state) && occurrences(setup.tokens, this.contextOf(state)).length === 0;
      for (let state = 0; state < Math.min(setup.n_states, MOST_TRIED); state++) if (fits(state)) return state;
      return null;
    });
  }

  /** The tokens of a state's context, oldest first. */
  contextOf(state: number): number[] {
    const setup = this.views.setup.value;
    return setup ? contextOf(state, setup.labels.length, setup.settings.context_length) : [];
  }

  get host() {
    return this.model.host;
  }

  /** The address that others can open; null if there is none. */
  get address(): string | null {
    return this.links && location.protocol.startsWith("http") ? location.href : null;
  }

  /** Where keys and files are meant for the screen: anywhere in a page of its own; a notebook has more than it. */
  get space(): EventTarget {
    return this.links ? window : this.root;
  }

  /** What fills a projector. */
  get widest(): HTMLElement {
    return this.links ? document.documentElement : this.root;
  }

  /** Take language, view and hidden panels from a link. */
  adopt(hash: string): void {
    const { screen } = parseHash(hash);
    const asked = new URLSearchParams(typeof location === "undefined" ? "" : location.search).get("lang");
    this.chosenLanguage = screen.lang ?? asked ?? this.lang;
    this.language.value = languageOf(this.chosenLanguage);
    this.view.value = screen.view;
    this.hidden.value = screen.hide;
    this.guess.value = screen.guess;
    this.presenting.value = screen.present;
    this.more.value = screen.more;
  }

  /** Play one of the first scenes: 0 the untrained GPT, 1 its training, 2 what it never saw, 3 many seeds. */
  play(scene: number): void {
    const to = Math.min(Math.max(scene, 0), LAST_SCENE);
    if (to < LAST_SCENE) this.send({ command: "show", source: "model" });
    if (to < 2) this.send({ command: "select", state: null });
    if (to === 0) this.send({ command: "rewind" });
    else if (to === 1) this.send({ command: "train" });
    else if (to === 2 && this.unseen.value !== null) this.send({ command: "select", state: this.unseen.value });
    else this.send({ command: "show", source: "seeds" });
    if (this.presenting.value) this.scene.value = to;
  }

  /** The scenes are over, here and whenever this browser comes again. */
  endScenes(): void {
    this.scene.value = null;
    remember("localStorage", SCENES, "done");
  }

  /** What someone guessed of a context, if it is of this one. */
  guessAfter(context: string): Guess | null {
    return this.guess.value?.context === context ? this.guess.value : null;
  }

  /** Guess what it will say after a context that the data never has. */
  beginGuess(): void {
    const state = this.views.selected.value?.n === 0 ? this.views.selected.value.state : this.unseen.value;
    if (state === null) return;
    this.send({ command: "select", state });
    const V = this.views.setup.value?.labels.length ?? 2;
    this.guess.value = { context: this.title.value(this.contextOf(state)), token: 1, percent: Math.round(100 / V) };
  }

  present(on: boolean): void {
    this.presenting.value = on;
    if (on) this.scene.value ??= 0;
    else if (document.fullscreenElement) void document.exitFullscreen();
  }

  /** A scene is over when what it asks for is done, whoever did it. */
  private followScenes(): void {
    const scene = this.scene.value;
    const player = this.views.player.value;
    if (scene === null || !player || this.presenting.value) return; // who presents goes on by hand
    if (this.views.frame.value?.source === "seeds") {
      this.scene.value = LAST_SCENE;
      remember("localStorage", SCENES, "done");
    } else if (scene === 0 && player.trained > 0 && player.step > 0 && !player.playing) this.scene.value = 1;
    else if (scene === 1 && this.views.selected.value?.n === 0) this.scene.value = 2;
  }

  start(root: HTMLElement): void {
    this.root = root;
    const system = matchMedia("(prefers-color-scheme: dark)");
    const follow = () => {
      this.systemDark.value = system.matches;
    };
    follow();
    system.addEventListener("change", follow);
    this.cleanups.push(() => system.removeEventListener("change", follow));
    for (const name of NAMES) {
      const take = () => {
        (this.views[name] as Signal<unknown>).value = this.model.get(name);
        this.answered();
      };
      this.model.on(`change:${name}`, take);
      this.cleanups.push(() => this.model.off(`change:${name}`, take));
    }
    // a file that is dropped anywhere is read: the browser would put it in place of the page
    const { space } = this;
    const over = (event: Event) => event.preventDefault();
    const drop = (event: Event) => {
      event.preventDefault();
      void this.takeFile((event as DragEvent).dataTransfer?.files[0]);
    };
    space.addEventListener("dragover", over);
    space.addEventListener("drop", drop);
    this.cleanups.push(() => {
      space.removeEventListener("dragover", over);
      space.removeEventListener("drop", drop);
    });
    const leave = () => this.point(null);
    addEventListener("pagehide", leave);
    this.cleanups.push(() => removeEventListener("pagehide", leave));
    this.cleanups.push(effect(() => this.followScenes()));
    this.cleanups.push(
      effect(() => {
        root.lang = LANGUAGES[this.language.value].tag;
        if (this.links) document.documentElement.lang = root.lang;
      }),
      effect(() => {
        root.dataset.theme = this.dark.value ? "dark" : "light";
        if (this.links && this.chosenDark.value !== null) remember("localStorage", DARK, String(this.chosenDark.value));
      }),
      effect(() => {
        void this.views.setup.value;
        void this.views.notice.value?.id;
        this.complaint.value = null; // what was refused has been replaced
      }),
      effect(() => {
        void this.views.setup.value?.version;
        this.asked = null; // of another setup nothing is asked yet
      }),
      effect(() => {
        // the page goes on with a new session, made from its link, and says so
        if (this.host?.reason.value.startsWith("failed:")) this.object("refused.failed");
      }),
      effect(() => {
        const link = this.views.link.value;
        const hash = link && this.hash(link);
        if (hash !== undefined) this.links?.write(hash);
      }),
    );
  }

  stop(): void {
    for (const cleanup of this.cleanups.splice(0)) cleanup();
  }

  send(command: Command): void {
    if (LEARNS.includes(command.command)) this.learning = command;
    // what is asked of a setup ends with it: another one may lack the token, or the state
    const version = this.views.setup.value?.version;
    const ofASetup = version !== undefined && "version" in (COMMANDS[command.command]?.[1] ?? {});
    this.model.send(ofASetup ? ({ ...command, version } as Command) : command);
    // what takes longer than a moment is said to be under way, until anything comes back
    if (this.waiting === null) this.waiting = setTimeout(() => (this.busy.value = true), A_MOMENT);
  }

  /** Learn a file's text: which text its bytes are, the session finds out. */
  async takeFile(file: File | undefined): Promise<void> {
    const limit = this.views.setup.value?.limits.text;
    if (!file || limit === undefined) return;
    const isPage = /\.html?$/.test(file.name) && file.size < LARGEST_PAGE;
    if (file.size > BYTES_EACH * limit && !isPage) return this.object("notice.too_large", { name: file.name, limit: count(limit) });
    const reader = new FileReader();
    const read = new Promise((done) => (reader.onload = done));
    reader.readAsDataURL(file);
    await read;
    // "data:text/plain;base64,…"
    this.send({ command: "file", name: file.name, data: String(reader.result).replace(/.*,/, ""), suits: true });
    this.filesTaken.value++;
  }

  /** Someone points at a token of the sequence, or no more: its effect is shown. */
  point(position: number | null): void {
    clearTimeout(this.dwelling);
    const shown = this.views.frame.value?.token ?? null;
    if (position === this.asked && (position !== null || shown === null)) return;
    const ask = () => this.send({ command: "attribute", position: (this.asked = position) });
    // who goes from token to token need not wait
    if (position === null || this.asked !== null) ask();
    else this.dwelling = setTimeout(ask, DWELL);
  }

  private answered(): void {
    if (this.waiting !== null) clearTimeout(this.waiting);
    this.waiting = null;
    this.busy.value = false;
  }

  /** What the session objects to, in the language of the screen if there is a sentence for it. */
  objection(notice: Notice): string {
    const key = `notice.${notice.code}`;
    if (!isKey(key)) return notice.text;
    const named = [`settings.${notice.field}`, `decoding.${notice.field}`].find(isKey);
    const field = named && isKey(named) ? this.text.value(named) : (notice.field ?? "");
    const ranged = `range.${notice.values.most === undefined ? RANGES[notice.field ?? ""] : "between"}`;
    const visible = (value: string | number) => (typeof value === "number" ? count(value) : value.trim() === "" ? "␣" : value);
    const values = Object.entries(notice.values).map(([name, value]) => [name, visible(value)]);
    const range = isKey(ranged) ? this.text.value(ranged, Object.fromEntries(values)) : "";
    const beyond = this.isBeyond(notice) && !this.host?.elsewhere ? ` ${this.text.value("notice.here")}` : "";
    return this.text.value(key, { field, range, ...Object.fromEntries(values) }).trim() + beyond;
  }

  /** What would do instead of what was refused: what a button says, and does; null: there is no one such thing. */
  offer({ code, values }: Notice): { text: string; take(): void } | null {
    const t = this.text.value;
    const [fits, tokens] = [Number(values.fits), Number(values.tokens)];
    const refused = this.learning;
    const make = (change: Partial<Settings>, text: string) => {
      const take = () => {
        // what was refused is asked for again, with the change; a file, or an example, after it
        if (refused?.command === "configure") return this.send({ ...refused, ...change });
        this.send({ command: "configure", ...change });
        if (refused) this.send(refused);
      };
      return { text, take };
    };
    if ((code === "states" || code === "memory") && fits >= 1) return make({ context_length: fits }, t("offer.length", { n: fits }));
    if (code === "short" && tokens > 1) return make({ context_length: tokens - 1 }, t("offer.length", { n: tokens - 1 }));
    if (code === "width" && fits >= 1) return make({ n_embd: fits }, t("offer.width", { n: fits }));
    return null;
  }

  /** What can be done about a text that has line breaks, where someone has just given it: what buttons say, and do. */
  get tidyings(): { text: string; take(): void }[] {
    const t = this.text.value;
    const { header, breaks } = this.views.setup.value ?? {};
    const given = this.learning;
    if (!breaks || !given || !("text" in given || "part" in given || "data" in given || "sequence" in given)) return [];
    return [
      ...(header === null ? [] : [{ text: t("tidy.header"), take: () => this.send({ command: "tidy", part: "header" }) }]),
      { text: t("tidy.breaks"), take: () => this.send({ command: "tidy", part: "breaks" }) },
      { text: t("tidy.lines"), take: () => this.send({ command: "configure", lines: true }) },
    ];
  }

  /** Read the file that was handed over last in another encoding; null if there is none. */
  get readAs(): ((encoding: string) => void) | null {
    const file = this.learning;
    return file?.command === "file" ? (encoding) => this.send({ ...file, encoding }) : null;
  }

  /** Whether a page refused what a studio may do. */
  isBeyond(notice: Notice): boolean {
    const more = notice.code === "most" ? notice.field === "seeds" : BEYOND.includes(notice.code); // layers are as many there
    return this.host?.here === true && more;
  }

  /** Why the server closed the connection, which it says as "code: sentence". */
  refusal(reason: string): string {
    const [, code, sentence] = /^(\w+): (.*)$/s.exec(reason) ?? [null, "", reason];
    const key = `refused.${code}`;
    return isKey(key) ? this.text.value(key) : sentence || this.text.value("lost.refused");
  }

  object(key: Key, values: TextValues = {}): void {
    this.complaint.value = { key, values };
  }

  speak(language: Language): void {
    this.chosenLanguage = language;
    this.language.value = language;
    this.links?.write(this.hash(this.views.link.value ?? {}));
  }

  toggle(panel: Panel): void {
    const hidden = this.hidden.value;
    this.hidden.value = hidden.includes(panel) ? hidden.filter((p) => p !== panel) : [...hidden, panel];
  }

  private hash(link: Record<string, string>): string {
    return formatHash(link, {
      lang: this.chosenLanguage,
      view: this.view.value,
      hide: [...this.hidden.value],
      guess: this.guess.value,
      present: this.presenting.value,
      more: this.more.value,
    });
  }
}

export const ScreenContext = createContext<Screen>(null as unknown as Screen);

export function useScreen(): Screen {
  return useContext(ScreenContext);
}

/** Ask for a view that travels only while someone looks at it, for as long as the component is there. */
export function useAsked(command: "code" | "short"): void {
  const screen = useScreen();
  const begun = screen.host?.begun.value;
  useEffect(() => screen.send({ command, on: true }), [begun]);
  useEffect(() => () => screen.send({ command, on: false }), []);
}

/** A sender for values that change faster than they can be shown: the last one of each drawing is sent. */
export function throttled(send: (command: Command) => void): (command: Command) => void {
  let latest: Command | null = null;
  return (command) => {
    if (latest === null)
      requestAnimationFrame(() => {
        if (latest) send(latest);
        latest = null;
      });
    latest = command;
  };
}
