import { useState } from "preact/hooks";
import { count } from "../numbers";
import { useScreen } from "../screen";
import { ENCODINGS } from "../session/encodings";
import { Icon } from "./common";

const OF_AN_ENCODING = ["guessed", "not_text", "not_in"];
const AT_THE_FIELD = ["context_length", "steps", "seed"]; // fields that are always in view

/** What the session, the screen or the connection has to say. */
export function Messages() {
  const screen = useScreen();
  const t = screen.text.value;
  const notice = screen.views.notice.value;
  const complaint = screen.complaint.value;
  const status = screen.host?.status.value ?? "open";
  const atField = notice?.field && AT_THE_FIELD.includes(notice.field) && !screen.hidden.value.includes("settings");
  const elsewhere = notice && screen.isBeyond(notice) ? screen.host?.elsewhere?.() : undefined;
  const offer = notice && screen.offer(notice);
  const readAs = notice && OF_AN_ENCODING.includes(notice.code) ? screen.readAs : null;
  const refusal = (text: string, close: () => void, there?: string, instead?: typeof offer) => (
    <p class="message" role="alert">
      <span>
        {text}
        {there && (
          <>
            {" "}
            <a href={there}>{t("notice.there")}</a>
          </>
        )}
        {instead && (
          <>
            {" "}
            <button type="button" class="link" onClick={instead.take}>
              {instead.text}
            </button>
          </>
        )}
        {readAs && (
          <>
            {" "}
            <select class="encodings" aria-label={t("encoding.other")} value="" onChange={(event) => readAs(event.currentTarget.value)}>
              <option value="">{t("encoding.other")}</option>
              {ENCODINGS.map((name) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </>
        )}
      </span>
      <button type="button" class="quiet" aria-label={t("close")} onClick={close}>
        <Icon name="close" />
      </button>
    </p>
  );
  return (
    <div class="messages">
      {status === "lost" && (
        <p class="message" role="status">
          {t("lost")}
        </p>
      )}
      {status === "refused" && (
        <p class="message" role="alert">
          {screen.refusal(screen.host?.reason.value ?? "")}
        </p>
      )}
      {notice && (!atField || elsewhere || offer) && refusal(screen.objection(notice), () => screen.send({ command: "dismiss" }), elsewhere, offer)}
      {complaint && refusal(t(complaint.key, complaint.values), () => (screen.complaint.value = null))}
      <OfBreaks />
    </div>
  );
}

/** What can be done about the line breaks of a text, or its header, until someone sends it away. */
function OfBreaks() {
  const screen = useScreen();
  const t = screen.text.value;
  const setup = screen.views.setup.value;
  const [away, setAway] = useState<number | null>(null); // of which setup it was sent away
  const { tidyings } = screen;
  if (!setup || away === setup.version || !tidyings.length) return null;
  return (
    <p class="message remark" role="status">
      <span>
        {setup.header === null ? t("tidy.told", { n: count(setup.breaks) }) : t("tidy.told.header", { header: setup.header })}
        {tidyings.map(({ text, take }) => (
          <span key={text}>
            {" "}
            <button type="button" class="link" onClick={take}>
              {text}
            </button>
          </span>
        ))}
      </span>
      <button type="button" class="quiet" aria-label={t("close")} onClick={() => setAway(setup.version)}>
        <Icon name="close" />
      </button>
    </p>
  );
}
