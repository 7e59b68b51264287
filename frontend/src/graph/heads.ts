// The shape of an arrow's head says its token, together with the colour: neither is needed to read the other.

const SHAPES: readonly ((length: number, breadth: number) => string)[] = [
  (l, b) => `M0 0L${-l} ${b}V${-b}Z`, // triangle
  (l, b) => `M0 0L${-l / 2} ${b}L${-l} 0L${-l / 2} ${-b}Z`, // diamond
  (l, b) => `M0 0L${-l} ${b}L${-0.62 * l} 0L${-l} ${-b}Z`, // barb
  (l, b) => `M0 0L${-0.45 * l} ${b}H${-l}V${-b}H${-0.45 * l}Z`, // house
];

/** The head of a token's arrows, its tip at (0, 0) and pointing right; `breadth` is half of it. */
export function headPath(token: number, length: number, breadth: number): string {
  return SHAPES[(token >> 1) % SHAPES.length]!(length, Math.round(breadth * 10) / 10);
}

/** Whether the heads of a token are outlines: four shapes filled, in turn with the same four open. */
export const isOpen = (token: number): boolean => token % 2 === 1;
