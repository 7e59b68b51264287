import { useEffect } from "preact/hooks";
import { useScreen } from "../screen";

/** Keys that work wherever nothing else takes them: Space plays, Ctrl+Z takes back. Returns what leads the focus to the training. */
export function useShortcuts(): () => void {
  const screen = useScreen();
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.altKey) return;
      const at = event.composedPath()[0];
      const within = (selector: string) => at instanceof Element && at.closest(selector) !== null;
      if (event.ctrlKey || event.metaKey) {
        // a field has an undo of its own
        if (event.key !== "z" || event.shiftKey || within("input, textarea")) return;
        screen.send({ command: "undo" });
      } else if (event.key === " " && !within(TAKES_SPACE)) {
        const { playing, trained } = screen.views.player.value ?? { playing: false, trained: 0 };
        screen.send({ command: playing ? "pause" : trained ? "play" : "train" });
      } else if (screen.presenting.value) {
        const by = SCENES[event.key];
        if (by !== undefined && !within(TAKES_ARROWS)) screen.play((screen.scene.value ?? 0) + by);
        else if (event.key === "Escape") screen.present(false);
        else return;
      } else return;
      event.preventDefault();
    };
    const { space } = screen;
    space.addEventListener("keydown", press as EventListener);
    return () => space.removeEventListener("keydown", press as EventListener);
  }, [screen]);
  return () => screen.root.querySelector<HTMLElement>(".primary")?.focus();
}

const TAKES_SPACE = "button, a, input, select, textarea, [tabindex]";
const TAKES_ARROWS = "input, select, textarea, [role=slider], [role=radio], [data-state], [data-at], canvas, .table-rows";
// a clicker sends the keys of a page up and down
const SCENES: Record<string, number> = { PageDown: 1, ArrowRight: 1, PageUp: -1, ArrowLeft: -1 };
