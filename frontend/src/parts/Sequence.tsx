import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { contextOf, occurrences, tokenOfKey } from "../contexts";
import { count } from "../numbers";
import { useScreen } from "../screen";
import { Icon, tokenColour } from "./common";

const MOST_SHOWN = 400;
const PATIENCE = 3000; // ms
const BYTES_EACH = 4; // of a character in UTF-8, at most

/** The training text: each token a button that changes it, or the whole as text, or from a file. */
export function Sequence() {
  const screen = useScreen();
  const t = screen.text.value;
  const setup = screen.views.setup.value;
  const selected = screen.views.selected.value;
  const [writing, setWriting] = useState(false);
  const [focus, setFocus] = useState(0);
  const strip = useRef<HTMLDivElement>(null);
  const file = useRef<HTMLInputElement>(null);
  const moveTo = useRef<number | null>(null);
  const notice = screen.views.notice.value;
  // What was typed last, until the session has taken it or refused it: who types faster than that loses nothing.
  const [draft, setDraft] = useState<{ tokens: number[]; text: string } | null>(null);
  const latest = useRef<number[]>([]);
  const taken = draft !== null && (setup?.text === draft.text || setup?.text === null);
  useLayoutEffect(() => {
    if (taken) setDraft(null);
  }, [taken]);
  useLayoutEffect(() => setDraft(null), [notice?.id, JSON.stringify(setup?.settings)]);
  useEffect(() => {
    if (!draft) return;
    const timer = setTimeout(() => setDraft(null), PATIENCE); // something else took its place, an example say
    return () => clearTimeout(timer);
  }, [draft]);
  useLayoutEffect(() => {
    if (moveTo.current === null) return;
    const next = strip.current?.querySelector<HTMLElement>(`[data-at="${moveTo.current}"]`);
    if (!next) return; // it comes with the session's answer
    moveTo.current = null;
    next.focus();
  });
  if (!setup) return null;

  const { labels, symbols, separator } = setup;
  const tokens = draft?.tokens ?? setup.tokens;
  latest.current = tokens;
  const editable = setup.text !== null && setup.n_tokens <= MOST_SHOWN;
  const K = setup.settings.context_length;
  const V = labels.length;
  const state = screen.hovered.value ?? selected?.state ?? null;
  const evidence = new Map<number, "read" | "next">();
  if (state !== null && state < setup.n_states)
    for (const end of occurrences(tokens, contextOf(state, V, K))) {
      if (end + 1 >= tokens.length) continue;
      for (let i = end - K + 1; i <= end; i++) if (!evidence.has(i)) evidence.set(i, "read");
      evidence.set(end + 1, "next");
    }

  const change = (changed: number[]) => {
    const sequence = changed.map((token) => symbols[token]).join(separator);
    latest.current = changed;
    setDraft({ tokens: changed, text: sequence });
    screen.send({ command: "configure", sequence, name: "" });
  };
  const replace = (at: number, token: number) => change(latest.current.map((old, i) => (i === at ? token : old)));
  const go = (at: number) => {
    moveTo.current = Math.max(0, Math.min(at, latest.current.length));
    setFocus(moveTo.current);
  };
  const press = (event: KeyboardEvent, at: number) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typed = tokenOfKey(symbols, event.key);
    if (event.key === "ArrowRight") go(at + 1);
    else if (event.key === "ArrowLeft") go(at - 1);
    else if (event.key === "Home") go(0);
    else if (event.key === "End") go(latest.current.length);
    else if (event.key === "Delete" && at < latest.current.length) change(latest.current.filter((_, i) => i !== at));
    else if (event.key === "Backspace" && at > 0) {
      change(latest.current.filter((_, i) => i !== at - 1));
      go(at - 1);
    } else if (typed >= 0) {
      if (at < latest.current.length) replace(at, typed);
      else change([...latest.current, typed]);
      go(at + 1);
    } else return;
    event.preventDefault();
  };
  const take = async (chosen: File | undefined) => {
    if (!chosen) return;
    if (chosen.size > BYTES_EACH * setup.limits.text) {
      screen.object("file.too_large", { name: chosen.name, limit: count(setup.limits.text) });
      return;
    }
    let text: string;
    try {
      text = new TextDecoder("utf-8", { fatal: true }).decode(await chosen.arrayBuffer());
    } catch {
      screen.object("file.not_text", { name: chosen.name });
      return;
    }
    if (text.length > setup.limits.text) {
      screen.object("file.too_large", { name: chosen.name, limit: count(setup.limits.text) });
      return;
    }
    screen.send({ command: "configure", sequence: text.replace(/\r?\n$/, ""), name: chosen.name, vocabulary: null });
    setWriting(false);
  };

  return (
    <div
      class="sequence"
      data-tour="sequence"
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        void take(event.dataTransfer?.files[0]);
      }}
    >
      {writing ? (
        <Writing onDone={() => setWriting(false)} />
      ) : (
        <div class="strip" role="group" aria-label={t("sequence.label", { n: setup.n_tokens })} ref={strip}>
          {tokens.map((token, at) => (
            <button
              key={at}
              type="button"
              class="token"
              data-at={at}
              data-evidence={evidence.get(at)}
              style={{ "--colour": tokenColour(token) }}
              tabIndex={at === Math.min(focus, tokens.length) ? 0 : -1}
              disabled={!editable}
              aria-label={t("sequence.token", { at: at + 1, symbol: labels[token] ?? "" })}
              title={editable ? t("sequence.change", { symbol: labels[(token + 1) % V] ?? "" }) : undefined}
              onFocus={() => setFocus(at)}
              onClick={() => {
                moveTo.current = at;
                replace(at, (token + 1) % V);
              }}
              onKeyDown={(event) => press(event, at)}
            >
              {labels[token]}
            </button>
          ))}
          {setup.n_tokens > tokens.length && <span class="more">{t("sequence.more", { n: setup.n_tokens - tokens.length })}</span>}
          {editable && (
            <button
              type="button"
              class="token end"
              data-at={tokens.length}
              tabIndex={focus >= tokens.length ? 0 : -1}
              aria-label={t("sequence.append")}
              title={t("sequence.append")}
              onFocus={() => setFocus(tokens.length)}
              onClick={() => {
                change([...tokens, tokens.at(-1) ?? 0]);
                go(tokens.length + 1);
              }}
              onKeyDown={(event) => press(event, tokens.length)}
            >
              +
            </button>
          )}
        </div>
      )}
      {!writing && (
        <>
          <button type="button" class="quiet" aria-label={t("sequence.write")} title={t("sequence.write")} disabled={setup.text === null} onClick={() => setWriting(true)}>
            <Icon name="edit" />
          </button>
          <button type="button" class="quiet" aria-label={t("sequence.file")} title={t("sequence.file")} onClick={() => file.current?.click()}>
            <Icon name="file" />
          </button>
        </>
      )}
      <input
        ref={file}
        type="file"
        hidden
        aria-hidden="true"
        tabIndex={-1}
        onChange={(event) => {
          void take(event.currentTarget.files?.[0]);
          event.currentTarget.value = "";
        }}
      />
    </div>
  );
}

function Writing(props: { onDone(): void }) {
  const screen = useScreen();
  const t = screen.text.value;
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => area.current?.focus(), []);
  const accept = () => {
    const sequence = area.current?.value ?? "";
    const limit = screen.views.setup.value?.limits.text ?? Infinity;
    if (sequence.length > limit) return screen.object("notice.text", { length: count(sequence.length), limit: count(limit) });
    if (sequence !== screen.views.setup.value?.text) screen.send({ command: "configure", sequence, name: "" });
    props.onDone();
  };
  return (
    <div class="writing">
      <textarea
        ref={area}
        rows={2}
        spellcheck={false}
        aria-label={t("sequence.write")}
        defaultValue={screen.views.setup.value?.text ?? ""}
        onKeyDown={(event) => {
          if (event.key === "Escape") props.onDone();
          if (event.key === "Enter" && !event.shiftKey) {
            event.preventDefault();
            accept();
          }
        }}
      />
      <button type="button" class="primary small" onClick={accept}>
        {t("sequence.use")}
      </button>
      <button type="button" class="quiet" onClick={props.onDone}>
        {t("cancel")}
      </button>
    </div>
  );
}
