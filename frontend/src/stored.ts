// What a browser keeps for a page. In a frame that is shut off, or on a machine that keeps nothing, there is no such place.

type Place = "localStorage" | "sessionStorage";

export function recall(place: Place, key: string): string | null {
  try {
    return globalThis[place].getItem(key);
  } catch {
    return null;
  }
}

export function remember(place: Place, key: string, value: string): void {
  try {
    globalThis[place].setItem(key, value);
  } catch {
    // then it is forgotten with the page
  }
}
