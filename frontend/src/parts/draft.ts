// The sequence as it is being typed, ahead of the session: who types fast loses nothing, and what the session refuses
// (an empty sequence, say) stays to be typed on.

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Screen } from "../screen";

const JUST_NOW = 500; // ms: a setup that comes sooner after a key answers an earlier one

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
  const [draft, setDraft] = useState<{ symbols: readonly string[]; text: string } | null>(null);
  const typed = useRef(0);
  const latest = useRef<readonly string[]>([]);
  const text = setup?.text;
  const refused = draft !== null && notice?.field === "sequence";
  useLayoutEffect(() => {
    // taken as it was typed, or replaced by something else, an example say
    if (draft && (text === draft.text || text === null || Date.now() - typed.current > JUST_NOW)) setDraft(null);
  }, [text, setup?.version]);
  useLayoutEffect(() => {
    if (notice && notice.field !== "sequence") setDraft(null);
  }, [notice?.id]);
  latest.current = draft?.symbols ?? setup?.tokens.map((token) => setup.symbols[token] ?? "") ?? [];
  return {
    symbols: latest.current,
    refused,
    now: () => latest.current,
    edit: (symbols) => {
      typed.current = Date.now();
      latest.current = symbols;
      const sequence = symbols.join(setup?.separator ?? "");
      setDraft({ symbols, text: sequence });
      screen.send({ command: "configure", sequence, name: "" });
    },
  };
}
