// The graph or map on the screen as a file: the drawing itself, with the styles that it is shown in.

import { pictureOfMap } from "../map/picture";

const STYLES = [
  "fill", "fill-opacity", "stroke", "stroke-opacity", "stroke-width", "stroke-dasharray", "stroke-linejoin", "opacity",
  "paint-order", "text-anchor", "font-family", "font-size", "font-weight", "font-variant-numeric",
]; // prettier-ignore
const UNSEEN = ".g-hit, .g-near, .g-focus, .g-walk, .g-walks, title"; // what only answers to the pointer and the keyboard
const PNG_WIDTH = 2400; // pixels

/** The graph or the map that a screen shows now as the text of an SVG file, or null if it shows none. */
export function pictureOfScreen(screen: HTMLElement): string | null {
  const graph = screen.querySelector<SVGSVGElement>(".drawing > .g-graph");
  const map = screen.querySelector<HTMLElement>(".drawing > .map");
  const shown = graph ?? map;
  if (shown === null) return null;
  const picture = map ? pictureOfMap(map, copyOf) : copyOf(graph!);
  const [, , width, height] = (graph ?? picture).getAttribute("viewBox")!.split(" ");
  picture.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  picture.setAttribute("width", width!);
  picture.setAttribute("height", height!);
  picture.setAttribute("role", "img");
  const paper = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  paper.setAttribute("width", "100%");
  paper.setAttribute("height", "100%");
  paper.setAttribute("fill", getComputedStyle(shown).getPropertyValue("--paper").trim() || "white");
  picture.prepend(paper);
  return new XMLSerializer().serializeToString(picture);
}

/** A copy of a drawing with the styles that it is shown in. */
function copyOf(shown: SVGSVGElement): SVGSVGElement {
  const copy = shown.cloneNode(true) as SVGSVGElement;
  const copies = copy.querySelectorAll<SVGElement>("*");
  shown.querySelectorAll("*").forEach((element, i) => {
    const style = getComputedStyle(element);
    for (const name of STYLES) copies[i]!.style.setProperty(name, style.getPropertyValue(name));
  });
  for (const element of copy.querySelectorAll(UNSEEN)) element.remove();
  for (const element of copies) for (const name of ["tabindex", "role", "aria-pressed", "aria-roledescription"]) element.removeAttribute(name);
  return copy;
}

/** A picture as pixels; of a map's, whole numbers of them for each of the screen's, so that no state is blurred. */
export async function pixelsOf(picture: string): Promise<Blob> {
  return asPng(await drawnOf(picture, PNG_WIDTH));
}

/** A picture drawn so many pixels wide. */
export async function drawnOf(picture: string, width: number): Promise<HTMLCanvasElement> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(picture)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  let scale = width / image.naturalWidth;
  if (picture.includes("<image")) scale = devicePixelRatio * Math.max(1, Math.round(scale / devicePixelRatio));
  canvas.width = Math.round(scale * image.naturalWidth);
  canvas.height = Math.round(scale * image.naturalHeight);
  const context = canvas.getContext("2d")!;
  context.imageSmoothingEnabled = false;
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas;
}

function asPng(canvas: HTMLCanvasElement): Promise<Blob> {
  return new Promise((keep, fail) => canvas.toBlob((blob) => (blob ? keep(blob) : fail(new Error("no pixels"))), "image/png"));
}
