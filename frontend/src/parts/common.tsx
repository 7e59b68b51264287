// Small things that several parts are made of.

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { useScreen } from "../screen";
import type { Key } from "../texts";

/** The colour of a token, as a CSS value; tokens beyond the eighth begin again. */
export function tokenColour(token: number): string {
  return `var(--token-${token % 8})`;
}

/** Right and down that an arrow key goes, or null for another key. */
export function arrowStep(key: string): readonly [number, number] | null {
  const steps: Record<string, readonly [number, number]> = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };
  return steps[key] ?? null;
}

/** A setting that has a text to explain it. */
export type SettingName = Key extends infer K ? (K extends `settings.${infer Name}.hint` ? Name : never) : never;

/** One choice of several, as a row of buttons. */
export function Choice<T extends string>(props: {
  label: string;
  value: T;
  options: { value: T; label: string; short?: string; icon?: keyof typeof PATHS; disabled?: boolean; title?: string }[];
  onChange(value: T): void;
}) {
  const row = useRef<HTMLDivElement>(null);
  const open = props.options.filter((option) => !option.disabled);
  const move = (event: KeyboardEvent) => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    const at = open.findIndex((option) => option.value === props.value);
    const next = open[(at + by + open.length) % open.length];
    if (!next) return;
    props.onChange(next.value);
    row.current?.querySelector<HTMLElement>(`[data-value="${next.value}"]`)?.focus();
  };
  return (
    <div class="choice" role="radiogroup" aria-label={props.label} ref={row} onKeyDown={move}>
      {props.options.map((option) => (
        <button
          key={option.value}
          type="button"
          role="radio"
          aria-checked={option.value === props.value}
          data-value={option.value}
          data-short={option.short}
          tabIndex={option.value === props.value ? 0 : -1}
          disabled={option.disabled}
          title={option.title ?? (option.icon && option.label)}
          onClick={() => props.onChange(option.value)}
        >
          {option.icon && <Icon name={option.icon} />}
          <span class={option.icon || option.short ? "word" : undefined}>{option.label}</span>
        </button>
      ))}
    </div>
  );
}

/** A part of a side panel that folds away. */
export function Fold(props: { title: string; open?: boolean; tour?: string; note?: string; children: ComponentChildren }) {
  const [open, setOpen] = useState(props.open ?? false);
  const id = useId();
  return (
    <section class="fold" data-tour={props.tour}>
      <h2>
        <button type="button" aria-expanded={open} aria-controls={id} onClick={() => setOpen(!open)}>
          <span class="chevron" aria-hidden="true" />
          {props.title}
          {props.note && <span class="note">{props.note}</span>}
        </button>
      </h2>
      <div id={id} hidden={!open}>
        {open && props.children}
      </div>
    </section>
  );
}

/** A button that opens a menu of buttons or anything else below it. */
export function Menu(props: { label: ComponentChildren; name: string; class?: string; children(close: () => void): ComponentChildren }) {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const id = useId();
  useEffect(() => {
    if (!open) return;
    const away = (event: Event) => {
      if (!box.current?.contains(event.composedPath()[0] as Node)) setOpen(false);
    };
    document.addEventListener("pointerdown", away);
    return () => document.removeEventListener("pointerdown", away);
  }, [open]);
  const close = () => {
    setOpen(false);
    box.current?.querySelector("button")?.focus();
  };
  return (
    <div
      class={`menu ${props.class ?? ""}`}
      ref={box}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !open) return;
        event.stopPropagation();
        close();
      }}
    >
      <button type="button" class="quiet" aria-expanded={open} aria-controls={id} aria-label={props.name} title={props.name} onClick={() => setOpen(!open)}>
        {props.label}
      </button>
      {open && (
        <div class="sheet" id={id} role="group" aria-label={props.name}>
          {props.children(close)}
        </div>
      )}
    </div>
  );
}

/** A term that explains itself where it stands: to who points at it, comes to it by keyboard, or taps it. */
export function Term(props: { name: string; why: string; class?: string; label?: string }) {
  const [asked, setAsked] = useState(false); // by a click, until the next one
  const [near, setNear] = useState(false);
  const id = useId();
  const open = asked || near;
  return (
    <span
      class={`term ${props.class ?? ""}`}
      onPointerEnter={(event) => event.pointerType === "mouse" && setNear(true)}
      onPointerLeave={() => setNear(false)}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !open) return;
        event.stopPropagation();
        setAsked(false);
        setNear(false);
      }}
    >
      <button
        type="button"
        aria-label={props.label}
        aria-expanded={open}
        aria-describedby={open ? id : undefined}
        onClick={() => setAsked(!asked)}
        onFocus={(event) => event.currentTarget.matches(":focus-visible") && setNear(true)}
        onBlur={() => {
          setAsked(false);
          setNear(false);
        }}
      >
        {props.name}
      </button>
      {open && (
        <span class="explained" role="tooltip" id={id}>
          {props.why}
        </span>
      )}
    </span>
  );
}

/** A setting's name, its control, and why what it holds was refused, if it was; `children` draws the control. */
export function Field(props: {
  name: SettingName;
  children(tied: { id: string; "aria-invalid": boolean; "aria-describedby": string | undefined }): ComponentChildren;
}) {
  const screen = useScreen();
  const id = useId();
  const wrong = screen.views.notice.value?.field === props.name;
  const why = `${id}-wrong`;
  return (
    <div class="field">
      <FieldName name={props.name} of={id} />
      {props.children({ id, "aria-invalid": wrong, "aria-describedby": wrong ? why : undefined })}
      {wrong && (
        <p class="wrong" id={why}>
          <NoticeText />
        </p>
      )}
    </div>
  );
}

/** The name of a setting, as the label of its control, and beside it what it means. */
export function FieldName(props: { name: SettingName; of: string }) {
  const t = useScreen().text.value;
  return (
    <span class="field-name">
      <label for={props.of}>{t(`settings.${props.name}`)}</label>
      <Term name="?" label={t("explain")} why={t(`settings.${props.name}.hint`)} class="what" />
    </span>
  );
}

/** A setting that is a number. It is sent when it is finished, not at every key. */
export function NumberField(props: {
  name: SettingName;
  value: number | null;
  min?: number;
  step?: number | "any";
  optional?: string; // what stands there when there is no number
  onChange(value: number | null): void;
}) {
  const screen = useScreen();
  const notice = screen.views.notice.value;
  const wrong = notice?.field === props.name;
  const input = useRef<HTMLInputElement>(null);
  const shown = props.value === null ? "" : String(props.value);
  const refusal = wrong ? notice?.id : undefined;
  useEffect(() => {
    if (input.current && refusal === undefined) input.current.value = shown;
  }, [shown, refusal]);
  const finish = () => {
    const text = input.current?.value.trim() ?? "";
    if (text === shown) {
      if (wrong) screen.send({ command: "dismiss" });
      return;
    }
    if (text === "" && props.optional !== undefined) props.onChange(null);
    else if (text !== "" && Number.isFinite(Number(text))) props.onChange(Number(text));
    else if (input.current) input.current.value = shown;
  };
  return (
    <Field name={props.name}>
      {(tied) => (
        <input
          {...tied}
          ref={input}
          type="number"
          inputMode="decimal"
          min={props.min}
          step={props.step ?? 1}
          defaultValue={shown}
          placeholder={props.optional}
          onChange={finish}
        />
      )}
    </Field>
  );
}

/** A slider with its name and what it stands at. `onRelease`: what happens when it is let go. */
export function Slider(props: {
  label: string;
  said: string;
  min: number;
  max: number;
  step: number;
  value: number;
  disabled?: boolean;
  onInput(value: number): void;
  onRelease?(): void;
}) {
  return (
    <div class="slider">
      <span aria-hidden="true">{props.label}</span>
      <output aria-hidden="true">{props.said}</output>
      <input
        type="range"
        min={props.min}
        max={props.max}
        step={props.step}
        value={props.value}
        disabled={props.disabled}
        aria-label={props.label}
        aria-valuetext={props.said}
        onInput={(event) => props.onInput(event.currentTarget.valueAsNumber)}
        onPointerUp={props.onRelease}
        onPointerCancel={props.onRelease}
        onBlur={props.onRelease}
      />
    </div>
  );
}

/** What the session objects to, in the language of the screen if it has a sentence for it. */
export function NoticeText() {
  const screen = useScreen();
  const notice = screen.views.notice.value;
  return notice ? <>{screen.objection(notice)}</> : null;
}

/** A button with a picture on it, whose name is read out, and shown where the pointer rests. */
export function IconButton(props: { icon: keyof typeof PATHS; name: string; class?: string; disabled?: boolean; pressed?: boolean; onClick(): void }) {
  return (
    <button type="button" class={props.class ?? "quiet"} aria-label={props.name} title={props.name} disabled={props.disabled} aria-pressed={props.pressed} onClick={props.onClick}>
      <Icon name={props.icon} />
    </button>
  );
}

export function Icon(props: { name: keyof typeof PATHS }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true">
      <path d={PATHS[props.name]} />
    </svg>
  );
}

const PATHS = {
  play: "M6 4l10 6-10 6z",
  pause: "M5 4h3.5v12H5zM11.5 4H15v12h-3.5z",
  rewind: "M4 4h2.5v12H4zM16 4v12L7.5 10z",
  step: "M4 4l8.5 6L4 16zM13.5 4H16v12h-2.5z",
  close: "M5.3 4.2L10 8.9l4.7-4.7 1.1 1.1L11.1 10l4.7 4.7-1.1 1.1L10 11.1l-4.7 4.7-1.1-1.1L8.9 10 4.2 5.3z",
  share: "M10 2l4 4-1.1 1.1-2.1-2.2V13H9.2V4.9L7.1 7.1 6 6zM4 10h1.6v6h8.8v-6H16v7.6H4z",
  undo: "M8 3.5L2.8 8 8 12.5V9.4c4.6-.3 7 1 8.6 4.6C16.6 9 13 6.5 8 6.6z",
  edit: "M13.6 3.2l3.2 3.2L7 16.2l-4 .8.8-4zM12.5 6.4L5.2 13.7l-.4 1.5 1.5-.3 7.3-7.3z",
  file: "M4.5 2.5H12l3.5 3.5v11.5h-11zM6 4v12h8V7h-3V4z",
  light: "M10 2.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15zm0 1.6v11.8a5.9 5.9 0 0 1 0-11.8z",
  graph: "M5 3.5a2.5 2.5 0 1 0 .8 4.9l3.6 4.3a2.5 2.5 0 1 0 1.2-1L7 7.4A2.5 2.5 0 0 0 7.3 6.8h5.4a2.5 2.5 0 1 0 0-1.6H7.4A2.5 2.5 0 0 0 5 3.5z",
  table: "M2.5 4h15v12h-15zM4 7.5v2h4v-2zM9.5 7.5v2H16v-2zM4 11v3.5h4V11zM9.5 11v3.5H16V11z",
  map: "M2.5 3.5h15v13h-15zM4 5v3h3V5zM10.5 5v3h3V5zM7 8.5v3h3v-3zM13.5 8.5v3H16v-3zM4 12v3h3v-3zM10.5 12v3h3v-3z",
  menu: "M3 5h14v1.7H3zM3 9.2h14v1.7H3zM3 13.4h14v1.7H3z",
  present: "M2.5 3h15v10.5h-6.2l2.7 3.5h-1.9L10 14.2 7.900 17H6l2.7-3.5H2.5zM4 4.6v7.3h12V4.6z",
  panels: "M2.5 3.5h15v13h-15zM4 5v10h3V5zM8.5 5v10h3V5zM13 5v10h3V5z",
} as const;
