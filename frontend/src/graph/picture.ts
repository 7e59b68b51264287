// The graph on the screen as a file: the drawing itself, with the styles that it is shown in.

const STYLES = [
  "fill", "fill-opacity", "stroke", "stroke-opacity", "stroke-width", "stroke-dasharray", "stroke-linejoin", "opacity",
  "paint-order", "text-anchor", "font-family", "font-size", "font-weight", "font-variant-numeric",
]; // prettier-ignore
const UNSEEN = ".g-hit, .g-near, .g-focus, .g-walk, .g-walks, title"; // what only answers to the pointer and the keyboard
const PNG_WIDTH = 2400; // pixels

/** The graph that is shown now as the text of an SVG file, or null if none is. */
export function pictureOfScreen(): string | null {
  const shown = document.querySelector<SVGSVGElement>(".drawing > .g-graph");
  if (shown === null) return null;
  const copy = shown.cloneNode(true) as SVGSVGElement;
  const copies = copy.querySelectorAll<SVGElement>("*");
  shown.querySelectorAll("*").forEach((element, i) => {
    const style = getComputedStyle(element);
    for (const name of STYLES) copies[i]!.style.setProperty(name, style.getPropertyValue(name));
  });
  for (const element of copy.querySelectorAll(UNSEEN)) element.remove();
  for (const element of copies) for (const name of ["tabindex", "role", "aria-pressed", "aria-roledescription"]) element.removeAttribute(name);
  const { width, height } = shown.viewBox.baseVal;
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("width", String(width));
  copy.setAttribute("height", String(height));
  copy.setAttribute("role", "img");
  const paper = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  paper.setAttribute("width", "100%");
  paper.setAttribute("height", "100%");
  paper.setAttribute("fill", getComputedStyle(shown).getPropertyValue("--paper").trim() || "white");
  copy.prepend(paper);
  return new XMLSerializer().serializeToString(copy);
}

/** The map that is shown now as pixels, or null if none is. */
export function mapOfScreen(): Promise<Blob> | null {
  const shown = document.querySelector<HTMLCanvasElement>(".drawing canvas");
  return shown && asPng(shown);
}

/** A picture as pixels. */
export async function pixelsOf(picture: string): Promise<Blob> {
  return asPng(await drawnOf(picture, PNG_WIDTH));
}

/** A picture drawn so many pixels wide. */
export async function drawnOf(picture: string, width: number): Promise<HTMLCanvasElement> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(picture)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = Math.round((width * image.naturalHeight) / image.naturalWidth);
  canvas.getContext("2d")!.drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas;
}

function asPng(canvas: HTMLCanvasElement): Promise<Blob> {
  return new Promise((keep, fail) => canvas.toBlob((blob) => (blob ? keep(blob) : fail(new Error("no pixels"))), "image/png"));
}
