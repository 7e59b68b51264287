// How large a map is drawn: each state is the same whole number of the screen's own pixels across and down, so that all
// are equal. What does not fit is scrolled.

export type Pair = readonly [number, number]; // across and down

/** The pixels of one state for a map of so many states in so many pixels: as large as fits, 1 by 1 at least. */
export function cellOf(room: Pair, states: Pair): Pair {
  const squarest = Math.max(1, Math.floor(states[0] / states[1])); // a map may be wider than high, but not the reverse
  let best: Pair = [1, 1];
  let most = 0;
  for (let ratio = 1; ratio <= squarest; ratio++) {
    const across = Math.max(1, Math.floor(Math.min(room[0] / states[0], room[1] / (ratio * states[1]))));
    const cell: Pair = [across, ratio * across];
    const area = Math.min(cell[0] * states[0], room[0]) * Math.min(cell[1] * states[1], room[1]);
    if (area > most) [best, most] = [cell, area];
  }
  return best;
}

/** The strips of an axis that are labelled, each with where its label stands in the window from `from` to `to`. */
export function labelled(strips: number, size: number, label: number, from: number, to: number): { strip: number; at: number }[] {
  const every = Math.max(1, Math.ceil(label / size)); // so few that their labels do not touch
  const found = [];
  for (let strip = 0; strip < strips; strip += every) {
    const [start, end] = [Math.max(strip * size, from), Math.min((strip + 1) * size, to)]; // what is seen of it
    if (end - start >= Math.min(size, label) / 2) found.push({ strip, at: (start + end) / 2 - from });
  }
  return found;
}
