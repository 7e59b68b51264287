// Draws a map on its canvas: the states, the likeliest token's letter where there is room, a dot where the data was.

import { isLight } from "./colours";
import type { Pair } from "./layout";

export const DOTTED = 4; // CSS pixels that a state needs for a dot of its own; a few dots may be larger than what they mark
const RINGED = 8; // and for one with a ring

export interface Look {
  readonly states: Pair;
  readonly cell: Pair; // pixels of the canvas
  readonly from: Pair; // where the canvas begins in the whole map
  readonly pixelRatio: number;
}

let scratch: HTMLCanvasElement | null = null; // a pixel a state

/** Draw states of these colours, as many pixels each as the look says. */
export function drawStates(canvas: HTMLCanvasElement, image: ImageData, look: Look): void {
  const context = canvas.getContext("2d")!;
  scratch ??= document.createElement("canvas");
  if (scratch.width !== image.width || scratch.height !== image.height) [scratch.width, scratch.height] = [image.width, image.height];
  scratch.getContext("2d")!.putImageData(image, 0, 0);
  context.imageSmoothingEnabled = false;
  const { states, cell, from } = look;
  context.drawImage(scratch, -from[0], -from[1], states[0] * cell[0], states[1] * cell[1]);
}

/** Write a letter in every state that is seen. */
export function drawLetters(canvas: HTMLCanvasElement, colours: Uint32Array, letter: (state: number) => string, size: number, font: string, look: Look): void {
  const context = canvas.getContext("2d")!;
  context.font = `${size}px ${font}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  const { states, cell } = look;
  eachSeen(canvas, look, (x, y, left, top) => {
    const at = y * states[0] + x;
    context.fillStyle = isLight(colours[at]!) ? "#1c1e21" : "#fff";
    context.fillText(letter(at), left + cell[0] / 2, top + cell[1] / 2);
  });
}

/** Put a dot in the middle, or beside the letter, of each of these states: dark in a light ring, read on any colour. */
export function drawDots(canvas: HTMLCanvasElement, marked: readonly number[], [ink, paper]: readonly string[], aside: boolean, look: Look): void {
  const context = canvas.getContext("2d")!;
  const { states, cell, from, pixelRatio } = look;
  const least = Math.min(...cell);
  const radius = Math.min(Math.max(least / 10, 1.25 * pixelRatio), 4 * pixelRatio);
  const place = aside ? 0.8 : 0.5;
  // a ring would hide a small state: half dark, half light
  const halves = least >= DOTTED * pixelRatio && least < RINGED * pixelRatio;
  const side = Math.max(1, Math.round(0.15 * least));
  for (const fill of [paper!, ink!]) {
    // one path for all of them
    context.beginPath();
    for (const at of marked) {
      const x = ((at % states[0]) + place) * cell[0] - from[0];
      const y = (Math.floor(at / states[0]) + place) * cell[1] - from[1];
      if (x < 0 || y < 0 || x > canvas.width || y > canvas.height) continue;
      if (halves) context.rect(Math.floor(x) - (fill === ink ? side : 0), Math.floor(y) - side, side, 2 * side);
      else {
        const r = fill === ink ? radius : radius + pixelRatio;
        context.moveTo(x + r, y);
        context.arc(x, y, r, 0, 2 * Math.PI);
      }
    }
    context.fillStyle = fill;
    context.fill();
  }
}

function eachSeen(canvas: HTMLCanvasElement, { states, cell, from }: Look, draw: (x: number, y: number, left: number, top: number) => void): void {
  const [endX, endY] = [(from[0] + canvas.width) / cell[0], (from[1] + canvas.height) / cell[1]];
  for (let y = Math.floor(from[1] / cell[1]); y < Math.min(endY, states[1]); y++)
    for (let x = Math.floor(from[0] / cell[0]); x < Math.min(endX, states[0]); x++) draw(x, y, x * cell[0] - from[0], y * cell[1] - from[1]);
}
