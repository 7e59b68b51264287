// Colours of pixels, from the same custom properties that everything else is coloured by.

export type Rgb = readonly [number, number, number];

/** A custom property "#rrggbb" as numbers. */
export function colour(style: CSSStyleDeclaration, name: string): Rgb {
  const hex = style.getPropertyValue(name).trim();
  const n = Number.parseInt(hex.slice(1), 16);
  return Number.isNaN(n) ? [128, 128, 128] : [n >> 16, (n >> 8) & 255, n & 255];
}

export function mix(a: Rgb, b: Rgb, share: number): Rgb {
  return [0, 1, 2].map((c) => (a[c] ?? 0) + share * ((b[c] ?? 0) - (a[c] ?? 0))) as unknown as Rgb;
}

/** 256 strengths of a colour on paper, for a look-up by byte. */
export function shades(paper: Rgb, full: Rgb, least: number): Rgb[] {
  return Array.from({ length: 256 }, (_, strength) => mix(paper, full, least + (1 - least) * (strength / 255)));
}
