import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { useScreen } from "../screen";

const STOPS = ["sequence", "chain", "size", "train", "timeline", "state", "tape", "numbers", "knobs"] as const;
const EDGE = 12;

/** A button that opens the help at the part it stands in. */
export function Help(props: { at: (typeof STOPS)[number] }) {
  const screen = useScreen();
  const title = screen.text.value(`tour.${props.at}.title`);
  return (
    <button type="button" class="quiet help" aria-label={screen.text.value("tour.about", { title })} title={title} onClick={() => (screen.touring.value = STOPS.indexOf(props.at))}>
      ?
    </button>
  );
}

/** What am I looking at? A walk over the screen itself: each stop lights up the part it speaks of. */
export function Tour() {
  const screen = useScreen();
  const t = screen.text.value;
  const at = screen.touring.value;
  const card = useRef<HTMLDivElement>(null);
  const [box, setBox] = useState<DOMRect | null>(null);
  const stop = at === null ? null : STOPS[at];
  useEffect(() => {
    // what the tour speaks of must be there to be seen
    if (stop && screen.hidden.value.length) screen.hidden.value = [];
    if (stop === "state" && !screen.views.selected.value) screen.send({ command: "select", state: screen.views.tape.value?.state ?? 0 });
  }, [stop]);
  useLayoutEffect(() => {
    if (!stop) return;
    const part = card.current?.getRootNode() as Document | ShadowRoot | undefined;
    const find = () => part?.querySelector(`[data-tour="${stop}"]`);
    find()?.scrollIntoView({ block: "nearest" });
    const place = () => setBox(find()?.getBoundingClientRect() ?? null);
    place();
    card.current?.focus();
    const timer = setInterval(place, 200); // panels open, pages scroll: the light follows
    return () => clearInterval(timer);
  }, [stop]);
  if (at === null || !stop) return null;
  const close = () => {
    (card.current?.getRootNode() as Document | ShadowRoot | undefined)?.querySelector<HTMLElement>("[data-opens-tour]")?.focus();
    screen.touring.value = null;
  };
  const go = (to: number) => {
    if (to >= STOPS.length) close();
    else screen.touring.value = Math.max(0, to);
  };
  return (
    <div class="tour">
      {box && <div class="light" style={{ left: `${box.left - 6}px`, top: `${box.top - 6}px`, width: `${box.width + 12}px`, height: `${box.height + 12}px` }} />}
      <div
        class="card"
        ref={card}
        role="dialog"
        aria-modal="false"
        aria-labelledby="tour-title"
        tabIndex={-1}
        style={cardPlace(box)}
        onKeyDown={(event) => {
          if (event.key === "Escape") close();
          else if (event.key === "ArrowRight") go(at + 1);
          else if (event.key === "ArrowLeft" && at > 0) go(at - 1);
          else return;
          event.stopPropagation();
        }}
      >
        <h2 id="tour-title">{t(`tour.${stop}.title`)}</h2>
        <p>{t(`tour.${stop}`)}</p>
        <div class="row">
          <span class="note">{t("tour.at", { at: at + 1, n: STOPS.length })}</span>
          <button type="button" class="quiet" onClick={close}>
            {t("close")}
          </button>
          {at > 0 && (
            <button type="button" onClick={() => go(at - 1)}>
              {t("tour.back")}
            </button>
          )}
          <button type="button" class="primary small" onClick={() => go(at + 1)}>
            {t(at === STOPS.length - 1 ? "tour.done" : "tour.next")}
          </button>
        </div>
      </div>
    </div>
  );
}

/** Beside the part, where there is most room. */
function cardPlace(box: DOMRect | null): Record<string, string> {
  const [width, height] = [Math.min(360, innerWidth - 2 * EDGE), 230];
  if (!box) return { left: `${EDGE}px`, top: `${EDGE}px` };
  const rooms = { right: innerWidth - box.right, left: box.left, below: innerHeight - box.bottom, above: box.top };
  const within = (x: number, most: number) => `${Math.max(EDGE, Math.min(x, most))}px`;
  const top = within(box.top, innerHeight - height - EDGE);
  const left = within(box.left, innerWidth - width - EDGE);
  if (rooms.right > width + 3 * EDGE) return { left: `${box.right + 2 * EDGE}px`, top };
  if (rooms.left > width + 3 * EDGE) return { left: `${box.left - width - 2 * EDGE}px`, top };
  if (rooms.below > height + 2 * EDGE) return { left, top: `${box.bottom + 1.5 * EDGE}px` };
  if (rooms.above > height + 2 * EDGE) return { left, bottom: `${innerHeight - box.top + 1.5 * EDGE}px` };
  return { left, bottom: `${EDGE}px` }; // the part fills the screen
}
