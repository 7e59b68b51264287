import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { contextOf, occurrences, tokenOfKey } from "../contexts";
import { count } from "../numbers";
import { useScreen } from "../screen";
import { Icon, IconButton, Term, tokenColour } from "./common";
import { useDraft } from "./draft";
import { useLongPress } from "./longpress";

const MOST_SHOWN = 400;

/** The training text: each token a button that changes it, or the whole as text, or from a file. */
export function Sequence() {
  const screen = useScreen();
  const t = screen.text.value;
  const setup = screen.views.setup.value;
  const selected = screen.views.selected.value;
  const [writing, setWriting] = useState(false);
  const [focus, setFocus] = useState(0);
  const box = useRef<HTMLDivElement>(null);
  const file = useRef<HTMLInputElement>(null);
  const moveTo = useRef<number | null>(null);
  const draft = useDraft(screen);
  const point = (target: EventTarget | null) => {
    const at = target instanceof Element ? target.closest<HTMLElement>("[data-at]")?.dataset.at : undefined;
    if (at !== undefined && !draft.refused) screen.point(Number(at));
  };
  const longPress = useLongPress(box, point, () => screen.point(null));
  useEffect(() => () => screen.point(null), []);
  useEffect(() => setWriting(false), [screen.filesTaken.value]);
  useLayoutEffect(() => {
    if (moveTo.current === null) return;
    const target = box.current?.querySelector<HTMLElement>(`[data-at="${moveTo.current}"]`);
    moveTo.current = null;
    target?.focus();
  });
  if (!setup) return null;

  const { labels } = setup;
  const symbols = draft.symbols;
  const tokens = symbols.map((symbol) => setup.symbols.indexOf(symbol)); // −1: one that the session does not know yet
  const editable = setup.text !== null && setup.n_tokens <= MOST_SHOWN && !setup.lines;
  const K = setup.settings.context_length;
  const V = labels.length;
  const state = screen.hovered.value ?? selected?.state ?? null;
  const evidence = new Map<number, "read" | "next">();
  if (state !== null && state < setup.n_states)
    for (const end of occurrences(tokens, contextOf(state, V, K))) {
      if (!(tokens[end + 1]! >= 0)) continue; // the end of the sequence
      for (let i = end - K + 1; i <= end; i++) if (!evidence.has(i)) evidence.set(i, "read");
      evidence.set(end + 1, "next");
    }

  const replace = (at: number, symbol: string) => draft.edit(draft.now().map((old, i) => (i === at ? symbol : old)));
  const next = (token: number) => (token + 1) % V;
  const go = (at: number) => {
    moveTo.current = Math.max(0, Math.min(at, draft.now().length));
    setFocus(moveTo.current);
  };
  const press = (event: KeyboardEvent, at: number) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const now = draft.now();
    const symbol = setup.symbols[tokenOfKey(setup.symbols, event.key)] ?? newSymbol(event.key);
    if (event.key === "ArrowRight") go(at + 1);
    else if (event.key === "ArrowLeft") go(at - 1);
    else if (event.key === "Home") go(0);
    else if (event.key === "End") go(now.length);
    else if (event.key === "Delete" && at < now.length) {
      draft.edit(now.filter((_, i) => i !== at));
      go(at);
    } else if (event.key === "Backspace" && at > 0) {
      draft.edit(now.filter((_, i) => i !== at - 1));
      go(at - 1);
    } else if (symbol !== null) {
      if (at < now.length) replace(at, symbol);
      else draft.edit([...now, symbol]);
      go(at + 1);
    } else return;
    event.preventDefault();
  };
  // a symbol that the vocabulary lacks joins it, unless the vocabulary was given
  const newSymbol = (key: string) =>
    setup.settings.tokens === "chars" && setup.settings.vocabulary === null && [...key].length === 1 && key !== " " ? key : null;
  return (
    <div class="sequence" data-tour="sequence" ref={box}>
      {writing ? (
        <Writing onDone={() => setWriting(false)} />
      ) : (
        <div
          class="strip"
          role="group"
          aria-label={t("sequence.label", { n: draft.refused ? symbols.length : setup.n_tokens })}
          data-refused={draft.refused}
          onPointerOver={(event) => event.pointerType === "mouse" && point(event.target)}
          onPointerLeave={(event) => event.pointerType === "mouse" && screen.point(null)}
          {...longPress}
          onFocusIn={(event) => (event.target as Element).matches(":focus-visible") && point(event.target)}
          onFocusOut={() => screen.point(null)}
        >
          {symbols.map((symbol, at) => {
            const token = tokens[at] ?? -1;
            const label = labels[token] ?? (symbol || "⏎");
            const other = setup.symbols[next(token)] ?? symbol;
            return (
              <button
                key={at}
                type="button"
                class="token"
                data-at={at}
                data-evidence={evidence.get(at)}
                data-pointed={screen.views.frame.value?.token?.position === at}
                style={{ "--colour": tokenColour(Math.max(0, token)) }}
                tabIndex={at === Math.min(focus, symbols.length) ? 0 : -1}
                disabled={!editable}
                aria-label={t("sequence.token", { at: at + 1, symbol: label })}
                title={editable ? t("sequence.change", { symbol: labels[next(token)] ?? other }) : undefined}
                onFocus={() => setFocus(at)}
                onClick={() => {
                  moveTo.current = at;
                  replace(at, other);
                }}
                onKeyDown={(event) => press(event, at)}
              >
                {label}
              </button>
            );
          })}
          {setup.n_tokens > tokens.length && !draft.refused && <span class="more">{t("sequence.more", { n: setup.n_tokens - tokens.length })}</span>}
        </div>
      )}
      {!writing && editable && (
        <button
          type="button"
          class="token end"
          data-at={symbols.length}
          tabIndex={focus >= symbols.length ? 0 : -1}
          aria-label={t("sequence.append")}
          title={t("sequence.append")}
          onFocus={() => setFocus(draft.now().length)}
          onClick={() => {
            const now = draft.now();
            draft.edit([...now, now.at(-1) ?? setup.symbols[0] ?? "0"]);
            go(now.length + 1);
          }}
          onKeyDown={(event) => press(event, draft.now().length)}
        >
          +
        </button>
      )}
      {!writing && (
        <>
          <IconButton icon="undo" name={t("undo")} disabled={!screen.views.player.value?.undo} onClick={() => screen.send({ command: "undo" })} />
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
          void screen.takeFile(event.currentTarget.files?.[0]);
          event.currentTarget.value = "";
        }}
      />
    </div>
  );
}

/** The text as a whole: what is refused, or not sent yet, stays here until it is learnt. */
function Writing(props: { onDone(): void }) {
  const screen = useScreen();
  const t = screen.text.value;
  const setup = screen.views.setup.value;
  const notice = screen.views.notice.value;
  const area = useRef<HTMLTextAreaElement>(null);
  const [suits, setSuits] = useState(true);
  const sent = useRef<{ version: number | undefined; notice: number | undefined } | null>(null);
  useEffect(() => area.current?.focus(), []);
  useEffect(() => {
    if (sent.current === null || setup?.version === sent.current.version) return;
    screen.written.value = null; // it is learnt
    props.onDone();
  }, [setup?.version]);
  const accept = () => {
    const text = area.current?.value ?? "";
    const limit = setup?.limits.text ?? Infinity;
    if (text.length > limit) return screen.object("notice.text", { length: count(text.length), limit: count(limit) });
    if (text === setup?.text && !suits) return props.onDone();
    sent.current = { version: setup?.version, notice: notice?.id };
    screen.send(suits ? { command: "fit", text } : { command: "configure", sequence: text, name: "" });
  };
  const refused = sent.current !== null && notice != null && notice.id !== sent.current.notice;
  return (
    <div class="writing">
      <textarea
        ref={area}
        rows={4}
        spellcheck={false}
        aria-label={t("sequence.write")}
        aria-invalid={refused}
        defaultValue={screen.written.value ?? setup?.text ?? ""}
        onInput={(event) => (screen.written.value = event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") props.onDone();
          if (event.key === "Enter" && !event.shiftKey) {
            event.preventDefault();
            accept();
          }
        }}
      />
      <div class="row">
        <button type="button" class="primary small" onClick={accept}>
          {t("sequence.use")}
        </button>
        <button type="button" class="quiet" onClick={props.onDone}>
          {t("cancel")}
        </button>
        <label class="check">
          <input type="checkbox" checked={suits} onChange={() => setSuits(!suits)} />
          {t("sequence.fit")}
        </label>
        <Term name="?" label={t("explain")} why={t("sequence.fit.hint")} class="what" />
      </div>
    </div>
  );
}

/** One field for whoever comes for the first time: a name, a word, a line, and a GPT learns it. */
export function NameField() {
  const screen = useScreen();
  const t = screen.text.value;
  return (
    <form
      class="name-field"
      onSubmit={(event) => {
        event.preventDefault();
        const text = String(new FormData(event.currentTarget).get("text") ?? "").trim();
        if (!text) return;
        screen.send({ command: "fit", text });
        screen.send({ command: "train" });
      }}
    >
      <input name="text" type="text" autocomplete="off" spellcheck={false} aria-label={t("name.label")} placeholder={t("name.label")} />
      <button type="submit">{t("name.go")}</button>
    </form>
  );
}
