import { useEffect, useRef } from "preact/hooks";
import { tokenOfKey } from "../contexts";
import { percent } from "../numbers";
import { useScreen } from "../screen";
import { IconButton, tokenColour } from "./common";

/** The tokens that the ball drew on its way; type a symbol to append one. */
export function Tape() {
  const screen = useScreen();
  const t = screen.text.value;
  const tape = screen.views.tape.value;
  const setup = screen.views.setup.value;
  const line = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (line.current) line.current.scrollLeft = line.current.scrollWidth;
  }, [tape?.fresh]);
  if (!tape || !setup) return null;
  const K = setup.settings.context_length;
  const few = setup.labels.length <= 8;
  // how likely each token is next, where the frame holds all probabilities
  const frame = screen.views.frame.value;
  const odds = (token: number) => (frame?.source === "model" && !frame.signed ? (frame.values?.[tape.state * setup.labels.length + token] ?? null) : null);
  const type = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const token = tokenOfKey(setup.symbols, event.key);
    if (token >= 0) screen.send({ command: "walk", token });
    else if (event.key === "Enter") screen.send({ command: "wander", on: !tape.wandering });
    else return;
    event.preventDefault();
  };
  return (
    <section class="tape" data-tour="tape" aria-label={t("tape.label")}>
      <IconButton
        icon={tape.wandering ? "pause" : "play"}
        name={t(tape.wandering ? "tape.stop" : "tape.wander")}
        onClick={() => screen.send({ command: "wander", on: !tape.wandering })}
      />
      <div class="line" ref={line} tabIndex={0} role="textbox" aria-readonly="true" aria-label={t("tape.type")} title={t("tape.type")} onKeyDown={type}>
        {tape.tokens.map((token, at) => (
          <span
            key={tape.fresh - tape.tokens.length + at}
            class="drawn"
            data-read={at >= tape.tokens.length - K}
            style={{ "--colour": tokenColour(token) }}
          >
            {setup.labels[token]}
          </span>
        ))}
        <span class="caret" aria-hidden="true" />
      </div>
      {few &&
        setup.labels.map((label, token) => (
          <button key={token} type="button" class="token" style={{ "--colour": tokenColour(token) }} aria-label={t("tape.append", { symbol: label })} title={t("tape.append", { symbol: label })} onClick={() => screen.send({ command: "walk", token })}>
            {label}
            {odds(token) !== null && <small>{percent(odds(token) ?? 0)}</small>}
          </button>
        ))}
    </section>
  );
}
