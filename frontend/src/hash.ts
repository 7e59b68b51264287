// What a link says: everything of the session that is not as it begins, and what only the screen knows.

export type ViewKind = "graph" | "table" | "map";
export type Panel = "settings" | "state" | "tape";
export type Page = "sizes" | "devices" | "short";

export interface ScreenLink {
  lang: string | null;
  view: ViewKind | null;
  hide: Panel[];
  more: Page | null;
}

const VIEWS: readonly string[] = ["graph", "table", "map"];
const PANELS: readonly string[] = ["settings", "state", "tape"];
export const PAGES: readonly Page[] = ["sizes", "devices", "short"];

export function parseHash(hash: string): { session: Record<string, string>; screen: ScreenLink } {
  const session: Record<string, string> = {};
  const screen: ScreenLink = { lang: null, view: null, hide: [], more: null };
  for (const [key, value] of new URLSearchParams(hash.replace(/^#/, ""))) {
    if (key === "lang") screen.lang = value;
    else if (key === "view") screen.view = VIEWS.includes(value) ? (value as ViewKind) : null;
    else if (key === "hide") screen.hide = value.split(",").filter((panel) => PANELS.includes(panel)) as Panel[];
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
  if (screen.more) params.set("more", screen.more);
  const text = params.toString();
  return text ? `#${text}` : "";
}
