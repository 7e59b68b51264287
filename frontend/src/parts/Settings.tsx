import { useEffect, useId, useRef } from "preact/hooks";
import { count } from "../numbers";
import type { Settings } from "../protocol";
import { useScreen } from "../screen";
import { Field, FieldName, Fold, NumberField, type SettingName, Term } from "./common";

export function SettingsPanel() {
  const screen = useScreen();
  const t = screen.text.value;
  const setup = screen.views.setup.value;
  if (!setup) return null;
  const { settings } = setup;
  const set = (change: Partial<Settings>) => screen.send({ command: "configure", ...change });
  const number = (name: keyof Settings & SettingName, options: { min?: number; step?: number | "any"; optional?: string } = {}) => (
    <NumberField
      name={name}
      value={settings[name] as number | null}
      min={0}
      onChange={(value) => set({ [name]: value } as Partial<Settings>)}
      {...options}
    />
  );
  return (
    <section class="settings" data-tour="settings">
      <h2>{t("settings.title")}</h2>
      {number("context_length", { min: 1 })}
      {number("steps", { min: 1 })}
      {number("seed")}
      <p class="size" data-tour="size">
        {t("size", {
          states: count(setup.n_states),
          arrows: count(setup.n_arrows),
          parameters: count(setup.n_parameters),
        })}
      </p>
      <p class="hint">{t("size.data", { examples: count(setup.n_examples), seen: count(setup.n_seen), states: count(setup.n_states) })}</p>
      <Fold title={t("settings.advanced")}>
        <TextField name="vocabulary" shown={settings.vocabulary} placeholder={setup.labels.slice(0, 40).join(setup.separator)} />
        {number("learning_rate", { step: "any" })}
        {number("n_layer", { min: 1 })}
        {number("n_head", { min: 1 })}
        {number("n_embd", { min: 1 })}
        {number("weight_decay", { step: "any" })}
        {number("batch_size", { min: 1, optional: t("settings.batch_size.all") })}
        {number("stop_gap", { step: "any", optional: t("settings.stop_gap.never") })}
        <Select name="positions" options={["last", "all"]} value={settings.positions} onChange={(positions) => set({ positions: positions as "last" | "all" })} />
        <Select name="tokens" options={["chars", "words"]} value={settings.tokens} onChange={(tokens) => set({ tokens: tokens as "chars" | "words", vocabulary: null, separator: null })} />
        <TextField name="separator" shown={settings.separator} placeholder={setup.separator} />
        <div class="check">
          <label class="check">
            <input type="checkbox" checked={setup.lines} onChange={() => set({ lines: !setup.lines })} />
            {t("settings.lines")}
          </label>
          <Term name="?" label={t("explain")} why={t("settings.lines.hint")} class="what" />
        </div>
        <label class="check">
          <input type="checkbox" checked={settings.bias} onChange={() => set({ bias: !settings.bias })} />
          {t("settings.bias")}
        </label>
      </Fold>
    </section>
  );
}

function TextField({ name, shown, placeholder }: { name: "vocabulary" | "separator"; shown: string | null; placeholder: string }) {
  const screen = useScreen();
  const input = useRef<HTMLInputElement>(null);
  const wrong = screen.views.notice.value?.field === name;
  const value = shown ?? "";
  useEffect(() => {
    if (input.current && !wrong) input.current.value = value;
  }, [value, wrong]);
  return (
    <Field name={name}>
      {(tied) => (
        <input
          {...tied}
          ref={input}
          type="text"
          spellcheck={false}
          autocomplete="off"
          defaultValue={value}
          placeholder={placeholder}
          onChange={(event) => screen.send({ command: "configure", [name]: event.currentTarget.value || null })}
        />
      )}
    </Field>
  );
}

function Select(props: { name: "positions" | "tokens"; options: string[]; value: string; onChange(value: string): void }) {
  const t = useScreen().text.value;
  const id = useId();
  return (
    <div class="field">
      <FieldName name={props.name} of={id} />
      <select id={id} value={props.value} onChange={(event) => props.onChange(event.currentTarget.value)}>
        {props.options.map((option) => (
          <option key={option} value={option}>
            {t(`settings.${props.name}.${option}` as "settings.tokens.chars")}
          </option>
        ))}
      </select>
    </div>
  );
}
