// Colours of states, from the same custom properties that everything else is coloured by. A colour's hue says which
// token, its depth how sure; no two tokens share one.

export type Rgb = readonly [number, number, number];

const FADED = 0.7; // of a state that the data never has, what is paper

/** A custom property "#rrggbb" as numbers. */
export function colour(style: CSSStyleDeclaration, name: string): Rgb {
  const hex = style.getPropertyValue(name).trim();
  const n = Number.parseInt(hex.slice(1), 16);
  return Number.isNaN(n) ? [128, 128, 128] : [n >> 16, (n >> 8) & 255, n & 255];
}

export function mix(a: Rgb, b: Rgb, share: number): Rgb {
  return [0, 1, 2].map((c) => Math.round((a[c] ?? 0) + share * ((b[c] ?? 0) - (a[c] ?? 0)))) as unknown as Rgb;
}

/** Every colour of a map as the bytes of a pixel: 256 depths of each tint, what is not known, and all of these faded. */
export interface Palette {
  readonly colours: Uint32Array;
  readonly tints: Uint8Array; // of each first byte of a state
}

export function paletteOf(paper: Rgb, tints: readonly Rgb[], faintest: number, unknown: Rgb, tintOf: (token: number) => number): Palette {
  const full = tints.flatMap((tint) => Array.from({ length: 256 }, (_, depth) => mix(paper, tint, faintest + (1 - faintest) * (depth / 255))));
  full.push(unknown);
  const all = [...full, ...full.map((rgb) => mix(rgb, paper, FADED))];
  return {
    colours: Uint32Array.from(all, ([r, g, b]) => (255 << 24) | (b << 16) | (g << 8) | r),
    tints: Uint8Array.from({ length: 255 }, (_, token) => tintOf(token)),
  };
}

/** Colour a map: two bytes a state, token (255: not known) and depth; those states fade that `faded` says. */
export function colourStates(out: Uint32Array, data: Uint8Array, { colours, tints }: Palette, faded: Uint8Array | null): void {
  const half = colours.length / 2;
  for (let i = 0; i < out.length; i++) {
    const token = data[2 * i]!;
    const at = token === 255 ? half - 1 : 256 * tints[token]! + data[2 * i + 1]!;
    out[i] = colours[faded?.[i] ? at + half : at]!;
  }
}

/** Whether dark letters are read on a colour. */
export function isLight(pixel: number): boolean {
  return 0.3 * (pixel & 255) + 0.59 * ((pixel >> 8) & 255) + 0.11 * ((pixel >> 16) & 255) > 145;
}
