// What a link says: everything of the session that is not as it begins, and what only the screen knows.

export type ViewKind = "graph" | "table" | "map";
export type Panel = "settings" | "state" | "tape";
export type Page = "sizes" | "devices" | "short";

/** What someone thinks that the GPT will say after a context: a token, with how many percent. */
export interface Guess {
  context: string;
  token: number;
  percent: number;
}

export interface ScreenLink {
  lang: string | null;
  view: ViewKind | null;
  hide: Panel[];
  guess: Guess | null;
  present: boolean;
  more: Page | null;
}

export const PLAIN: ScreenLink = { lang: null, view: null, hide: [], guess: null, present: false, more: null };
const VIEWS: readonly string[] = ["graph", "table", "map"];
const PANELS: readonly string[] = ["settings", "state", "tape"];
export const PAGES: readonly Page[] = ["sizes", "devices", "short"];

export function parseHash(hash: string): { session: Record<string, string>; screen: ScreenLink } {
  const session: Record<string, string> = {};
  const screen: ScreenLink = { ...PLAIN };
  for (const [key, value] of new URLSearchParams(hash.replace(/^#/, ""))) {
    if (key === "lang") screen.lang = value;
    else if (key === "view") screen.view = VIEWS.includes(value) ? (value as ViewKind) : null;
    else if (key === "hide") screen.hide = value.split(",").filter((panel) => PANELS.includes(panel)) as Panel[];
    else if (key === "guess") screen.guess = guessOf(value);
    else if (key === "present") screen.present = value === "1";
    else if (key === "more") screen.more = PAGES.find((page) => page === value) ?? null;
    else session[key] = value;
  }
  return { session, screen };
}

export function formatHash(session: Record<string, string>, screen: ScreenLink): string {
  const params = new URLSearchParams(session);
  if (screen.lang) params.set("lang", screen.lang);
  if (screen.view) params.set("view", screen.view);
  if (screen.hide.length) params.set("hide", screen.hide.join(","));
  if (screen.guess) params.set("guess", [screen.guess.token, screen.guess.percent, screen.guess.context].join(","));
  if (screen.present) params.set("present", "1");
  if (screen.more) params.set("more", screen.more);
  const text = params.toString();
  return text ? `#${text}` : "";
}

function guessOf(text: string): Guess | null {
  const [, token, percent, context] = /^(\d{1,6}),(\d{1,3}),(.*)$/s.exec(text) ?? [];
  if (context === undefined || Number(percent) > 100) return null;
  return { token: Number(token), percent: Number(percent), context };
}
