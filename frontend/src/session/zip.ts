// A zip file of a few files, stored as they are, and a checksum.

const POLYNOMIAL = 0xedb88320;

function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (POLYNOMIAL & -(crc & 1));
  }
  return ~crc >>> 0;
}

/** The zip file of some files, by their names. */
export function zipped(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  const add = (part: Uint8Array) => {
    parts.push(part);
    at += part.length;
  };
  for (const [file, content] of files) {
    const name = new TextEncoder().encode(file);
    // version, flags (names are UTF-8), stored, time and date (1980-01-01), checksum, two sizes, length of the name
    const about = [u16(20), u16(0x800), u16(0), u16(0), u16(0x21), u32(crc32(content)), u32(content.length), u32(content.length), u16(name.length)];
    directory.push(joined([u32(0x02014b50), u16(20), ...about, u16(0), u16(0), u16(0), u16(0), u32(0), u32(at), name]));
    add(joined([u32(0x04034b50), ...about, u16(0), name]));
    add(content);
  }
  const begin = at;
  for (const entry of directory) add(entry);
  add(joined([u32(0x06054b50), u16(0), u16(0), u16(files.size), u16(files.size), u32(at - begin), u32(begin), u16(0)]));
  return joined(parts);
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function u16(n: number): Uint8Array {
  return Uint8Array.of(n, n >> 8);
}

function u32(n: number): Uint8Array {
  return Uint8Array.of(n, n >> 8, n >> 16, n >> 24);
}
