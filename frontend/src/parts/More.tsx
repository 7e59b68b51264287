import { useEffect, useRef } from "preact/hooks";
import { type Page, PAGES } from "../hash";
import { useScreen } from "../screen";
import { arrowStep, IconButton } from "./common";
import { DevicesPage } from "./devices";
import { ShortPage } from "./short";
import { SizesPage } from "./sizes";

const CONTENT: Record<Page, () => preact.ComponentChild> = { sizes: SizesPage, devices: DevicesPage, short: ShortPage };

export function MoreButton() {
  const screen = useScreen();
  const open = screen.more.value !== null;
  return (
    <button type="button" class="quiet" data-opens-more aria-haspopup="dialog" aria-expanded={open} onClick={() => (screen.more.value = open ? null : PAGES[0]!)}>
      {screen.text.value("more")}
    </button>
  );
}

/** What the article tells beside its chain, a page each. The chain stays in view where there is room. */
export function More() {
  const screen = useScreen();
  const t = screen.text.value;
  const page = screen.more.value;
  const box = useRef<HTMLDivElement>(null);
  const tree = useRef<Document | ShadowRoot>(null);
  const open = page !== null;
  useEffect(() => {
    if (!open) return;
    tree.current = box.current?.getRootNode() as Document | ShadowRoot;
    box.current?.querySelector<HTMLElement>('[aria-selected="true"]')?.focus();
    return () => tree.current?.querySelector<HTMLElement>("[data-opens-more]")?.focus();
  }, [open]);
  if (!page) return null;
  const Content = CONTENT[page];
  const move = (event: KeyboardEvent) => {
    const ends = { Home: 0, End: PAGES.length - 1 }[event.key];
    const by = arrowStep(event.key)?.[0];
    if (ends === undefined && !by) return;
    event.preventDefault();
    const next = PAGES[ends ?? (PAGES.indexOf(page) + by! + PAGES.length) % PAGES.length]!;
    screen.more.value = next;
    box.current?.querySelector<HTMLElement>(`#more-${next}`)?.focus();
  };
  return (
    <div
      class="pages"
      ref={box}
      role="dialog"
      aria-label={t("more.title")}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        screen.more.value = null;
      }}
    >
      <div class="pages-head">
        <div role="tablist" aria-label={t("more.title")} onKeyDown={move}>
          {PAGES.map((one) => (
            <button
              key={one}
              id={`more-${one}`}
              type="button"
              role="tab"
              aria-selected={one === page}
              aria-controls="more-page"
              tabIndex={one === page ? 0 : -1}
              onClick={() => (screen.more.value = one)}
            >
              {t(`more.${one}`)}
            </button>
          ))}
        </div>
        <IconButton icon="close" name={t("close")} onClick={() => (screen.more.value = null)} />
      </div>
      <div class="page" id="more-page" role="tabpanel" aria-labelledby={`more-${page}`} tabIndex={0} key={page}>
        <Content />
      </div>
    </div>
  );
}
