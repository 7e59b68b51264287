// Numbers that travel as base64 of little-endian bytes.

import type { Packed } from "./protocol";

export function bytes(packed: Packed | DataView): Uint8Array {
  // a notebook brings bytes as they are
  if (typeof packed !== "string") return new Uint8Array(packed.buffer.slice(packed.byteOffset, packed.byteOffset + packed.byteLength));
  const text = atob(packed);
  const out = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) out[i] = text.charCodeAt(i);
  return out;
}

export function floats(packed: Packed): Float32Array {
  return new Float32Array(bytes(packed).buffer);
}

/** Whether bit `i` is set, the lowest bit of each byte first. */
export function bit(packed: Uint8Array, i: number): boolean {
  return (((packed[i >> 3] ?? 0) >> (i & 7)) & 1) === 1;
}

/** Numbers as base64 of their bytes. */
export function packed(values: Uint8Array | Float32Array): Packed {
  const all = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  let text = "";
  for (let i = 0; i < all.length; i += 0x8000) text += String.fromCharCode(...all.subarray(i, i + 0x8000));
  return btoa(text);
}
