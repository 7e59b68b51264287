import { useEffect, useRef } from "preact/hooks";

const LONG = 500; // ms

/**
 * Hears a finger that rests on something: `act`, and no click. `letGo`: a finger goes elsewhere than on the `box`.
 *
 * Returns what to hear with.
 */
export function useLongPress(box: { readonly current: HTMLElement | null }, act: (target: EventTarget | null) => void, letGo: () => void) {
  const finger = useRef<{ timer: ReturnType<typeof setTimeout>; acted: boolean } | null>(null);
  useEffect(() => {
    const elsewhere = (event: PointerEvent) => {
      if (event.pointerType === "touch" && !box.current?.contains(event.composedPath()[0] as Node)) letGo();
    };
    document.addEventListener("pointerdown", elsewhere);
    return () => document.removeEventListener("pointerdown", elsewhere);
  }, []);
  const lift = () => clearTimeout(finger.current?.timer);
  return {
    onPointerDown: ({ pointerType, target }: PointerEvent) => {
      lift();
      finger.current = null;
      if (pointerType !== "touch") return;
      const timer = setTimeout(() => {
        if (finger.current) finger.current.acted = true;
        act(target);
      }, LONG);
      finger.current = { timer, acted: false };
    },
    onPointerUp: lift,
    onPointerCancel: lift,
    onContextMenu: (event: MouseEvent) => finger.current && event.preventDefault(),
    onClickCapture: (event: MouseEvent) => {
      if (finger.current?.acted) event.stopPropagation();
      finger.current = null;
    },
  };
}
