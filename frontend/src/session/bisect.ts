// Places in a sorted list.

/** How many of the numbers, which rise, are at most `x`; `below`: are below it. */
export function countTo(numbers: readonly number[], x: number, below = false): number {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (below ? numbers[middle]! < x : numbers[middle]! <= x) low = middle + 1;
    else high = middle;
  }
  return low;
}
