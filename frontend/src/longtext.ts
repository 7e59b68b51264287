// A text too long for a link, kept by the tab: a studio that was started again has forgotten it, and is given it again.

import { bytes } from "./packed";
import type { Command } from "./protocol";
import { withLineFeeds } from "./session/encodings";
import { LONGEST_TEXT } from "./session/facts.generated";
import { recall, remember } from "./stored";

const KEY = "babygpt.text";

interface Kept {
  name: string; // of the file; "" for what was typed
  text: string;
}

/** Keep the text of a command that brings one, if a link cannot. */
export function keepText(command: Command): void {
  const kept = textOf(command);
  if (kept && kept.text.length > LONGEST_TEXT) remember("sessionStorage", KEY, JSON.stringify(kept));
}

/** A link with the text that was too long to be in it, if this tab kept it. */
export function withKeptText(link: Record<string, string>): Record<string, string> {
  if (!("too_long" in link)) return link;
  const kept = JSON.parse(recall("sessionStorage", KEY) ?? "null") as Kept | null;
  if (!kept || kept.name !== (link.name ?? "")) return link;
  const { too_long: _, ...rest } = link;
  return { ...rest, sequence: kept.text };
}

function textOf(command: Command): Kept | null {
  if (command.command === "fit") return { name: "", text: command.text };
  if (command.command === "configure" && command.sequence !== undefined) return { name: command.name ?? "", text: command.sequence };
  if (command.command !== "file") return null;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes(command.data));
    return { name: command.name, text: withLineFeeds(text) };
  } catch {
    return null; // of another encoding, which the session found out: then it says that the text is lost
  }
}
