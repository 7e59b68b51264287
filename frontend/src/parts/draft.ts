// The sequence as it is being typed, ahead of the session: who types fast loses nothing, and what the session refuses
// (an empty sequence, say) stays to be typed on.

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Screen } from "../screen";

export interface Draft {
  symbols: readonly string[]; // as far as they are shown
  refused: boolean;
  /** The newest, even before it is drawn. */
  now(): readonly string[];
  edit(symbols: readonly string[]): void;
}

export function useDraft(screen: Screen): Draft {
  const setup = screen.views.setup.value;
  const notice = screen.views.notice.value;
  const [draft, setDraft] = useState<{ symbols: readonly string[] } | null>(null);
  const sent = useRef<string[]>([]); // texts, in the order in which the session answers them; it may pass over some
  const seen = useRef(0); // the version that was there before them
  const latest = useRef<readonly string[]>([]);
  const text = setup?.text;
  const refused = draft !== null && notice?.field === "sequence";
  useLayoutEffect(() => {
    if (!setup) return;
    // a text that was sent twice: as many as were taken are answered
    const twice = sent.current.lastIndexOf(setup.text ?? "", setup.version - seen.current - 1);
    const answered = setup.text === null ? -1 : Math.max(sent.current.indexOf(setup.text), twice);
    seen.current = setup.version;
    sent.current = answered < 0 ? [] : sent.current.slice(answered + 1);
    // all of it is taken as it was typed, or replaced by something else, an example say
    if (sent.current.length === 0) setDraft(null);
  }, [text, setup?.version]);
  useLayoutEffect(() => {
    if (!notice || notice.field === "sequence") return;
    sent.current = [];
    setDraft(null);
  }, [notice?.id]);
  latest.current = draft?.symbols ?? setup?.tokens.map((token) => setup.symbols[token] ?? "") ?? [];
  return {
    symbols: latest.current,
    refused,
    now: () => latest.current,
    edit: (symbols) => {
      latest.current = symbols;
      const sequence = symbols.join(setup?.separator ?? "");
      sent.current = [...sent.current, sequence];
      setDraft({ symbols });
      screen.send({ command: "configure", sequence, name: "" });
    },
  };
}
