import { useScreen } from "../screen";
import { Icon } from "./common";

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
    </div>
  );
}
