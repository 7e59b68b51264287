// A film of the training, as a GIF: the picture on the screen at one recorded step after the other.

import { GIFEncoder, applyPalette, quantize } from "gifenc/dist/gifenc.esm.js";
import { drawnOf, pictureOfScreen } from "./graph/picture";
import type { Screen } from "./screen";

const MOST_FRAMES = 80;
const WIDTH = 800; // px
const COLOURS = 128;
const EACH = 80; // ms
const LAST = 2000; // ms that the last one stays
const PATIENCE = 5000; // ms that a step may take to come

/** Go through the training, and return its film. `tell` hears of each step. The playhead is left where it was. */
export async function filmOf(screen: Screen, tell: (step: number, total: number) => void): Promise<Blob> {
  const { trained, step: before } = screen.views.player.value ?? { trained: 0, step: 0 };
  const recorded = screen.views.curve.value?.recorded ?? Array.from({ length: trained + 1 }, (_, step) => step);
  const frames = Math.min(recorded.length, MOST_FRAMES);
  const gif = GIFEncoder();
  for (let i = 0; i < frames; i++) {
    const step = recorded[Math.round((i * (recorded.length - 1)) / Math.max(1, frames - 1))]!;
    tell(step, trained);
    await show(screen, step);
    const canvas = await picture(screen, step, trained);
    const { data, width, height } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
    const palette = quantize(data, COLOURS);
    gif.writeFrame(applyPalette(data, palette), width, height, { palette, delay: i === frames - 1 ? LAST : EACH });
  }
  gif.finish();
  screen.send({ command: "seek", step: before });
  return new Blob([gif.bytes() as Uint8Array<ArrayBuffer>], { type: "image/gif" });
}

/** Show a step; resolves once it is drawn. */
function show(screen: Screen, step: number): Promise<void> {
  return new Promise((done, fail) => {
    const until = performance.now() + PATIENCE;
    screen.send({ command: "seek", step });
    const look = () => {
      if (screen.views.frame.value?.step === step) requestAnimationFrame(() => done());
      else if (performance.now() > until) fail(new Error(screen.text.value("busy")));
      else setTimeout(look, 8);
    };
    look();
  });
}

/** The picture on the screen, and below it how far the training is. */
async function picture(screen: Screen, step: number, trained: number): Promise<HTMLCanvasElement> {
  const svg = pictureOfScreen(screen.root);
  if (svg === null) throw new Error(screen.text.value("share.film.none"));
  const drawing = await drawnOf(svg, WIDTH);
  const style = getComputedStyle(screen.root);
  const [foot, bar] = [36, 5];
  const height = Math.round((WIDTH * drawing.height) / drawing.width);
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [WIDTH, height + foot];
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  context.fillStyle = style.getPropertyValue("--paper");
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingEnabled = false;
  context.drawImage(drawing, 0, 0, WIDTH, height);
  context.fillStyle = style.getPropertyValue("--ink");
  context.font = "16px system-ui, sans-serif";
  context.fillText(screen.text.value("dock.step_of", { step, total: trained }), 14, height + 18);
  context.fillStyle = style.getPropertyValue("--accent");
  context.fillRect(0, height + foot - bar, (WIDTH * step) / Math.max(1, trained), bar);
  return canvas;
}
