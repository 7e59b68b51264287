// The map on the screen as an SVG file: its canvas as it is, pixel by pixel, and around it axes, marks and legend as text
// and shapes of their own.

const XMLNS = "http://www.w3.org/2000/svg";
const EDGE = 12; // around it
const LEFT_OUT = ".map-zoom *, .map-picks p, [aria-pressed=false] *"; // what is there to be clicked
const WORD = /[\u2e80-\uffef]|[^\s\u2e80-\uffef]+/g; // what a line is not broken within

/** A map as an SVG element; `copyOf` copies a drawing with the styles that it is shown in. */
export function pictureOfMap(figure: HTMLElement, copyOf: (svg: SVGSVGElement) => SVGSVGElement): SVGSVGElement {
  const canvas = figure.querySelector("canvas")!;
  const around = figure.querySelector<SVGSVGElement>(".map-around")!;
  const legend = figure.querySelector(".map-legend")!;
  const shown = canvas.getBoundingClientRect();
  const parts = [shown, ...[...around.querySelectorAll("text"), legend].map((part) => part.getBoundingClientRect())];
  // a whole number of the screen's pixels from the canvas, so that its own stay whole
  const whole = (x: number, begin: number) => begin - Math.ceil((begin - x + EDGE) * devicePixelRatio) / devicePixelRatio;
  const left = whole(Math.min(...parts.map((box) => box.left)), shown.left);
  const top = whole(Math.min(...parts.map((box) => box.top)), shown.top);
  const right = Math.max(...parts.map((box) => box.right)) + EDGE;
  const bottom = Math.max(...parts.map((box) => box.bottom)) + EDGE;
  const picture = document.createElementNS(XMLNS, "svg");
  picture.setAttribute("viewBox", `0 0 ${Math.ceil(right - left)} ${Math.ceil(bottom - top)}`);
  const add = (name: string, box: { left: number; top: number }, values: Record<string, string | number>) => {
    const element = document.createElementNS(XMLNS, name);
    for (const [key, value] of Object.entries({ x: box.left - left, y: box.top - top, ...values })) element.setAttribute(key, String(value));
    return picture.appendChild(element);
  };
  const [width, height] = [canvas.width, canvas.height].map((pixels) => pixels / devicePixelRatio) as [number, number]; // a box is rounded to 1/64
  add("image", shown, { width, height, href: canvas.toDataURL(), style: "image-rendering:pixelated" });
  const copy = copyOf(around);
  const box = around.getBoundingClientRect();
  copy.setAttribute("x", String(box.left - left));
  copy.setAttribute("y", String(box.top - top));
  copy.style.overflow = "visible";
  picture.append(copy);
  for (const element of legend.querySelectorAll<HTMLElement>("*")) {
    if (element.matches(LEFT_OUT)) continue;
    const style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    if (element.tagName === "I")
      add("rect", box, { width: box.width, height: box.height, rx: Number.parseFloat(style.borderRadius) ? box.width / 2 : 0, fill: plain(style.backgroundColor) });
    for (const node of element.childNodes)
      for (const { at, text, line } of node instanceof Text ? words(node) : []) {
        const size = Number.parseFloat(style.fontSize);
        const word = add("text", at, { y: line - top + 0.35 * size, fill: plain(style.color), "font-family": style.fontFamily, "font-size": size, "font-weight": style.fontWeight });
        word.textContent = text;
      }
  }
  return picture;
}

/** The words of a text, and where each stands: a line may be broken between them. */
function words(node: Text): { at: DOMRect; text: string; line: number }[] {
  const range = document.createRange();
  return [...node.data.matchAll(WORD)].map((found) => {
    range.setStart(node, found.index);
    range.setEnd(node, found.index + found[0].length);
    const at = range.getBoundingClientRect();
    return { at, text: found[0], line: (at.top + at.bottom) / 2 };
  });
}

/** A colour as every viewer knows it: what browsers mix they write as color(srgb …). */
function plain(colour: string): string {
  const mixed = /^color\(srgb (\S+) (\S+) (\S+?)\)/.exec(colour);
  return mixed ? `rgb(${mixed.slice(1).map((share) => Math.round(255 * Number(share)))})` : colour;
}
