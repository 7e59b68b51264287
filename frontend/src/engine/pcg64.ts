// NumPy's generator, draw for draw: numpy.random.default_rng(seed), or default_rng((seed, step)). Batches are drawn with
// it, and walks. It is PCG64 [1], which has 128 bits of state and so counts in BigInt.
//
// [1] O'Neill, "PCG: A family of simple fast space-efficient statistically good algorithms for random number
//     generation", 2014.

const MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;
const [BITS32, BITS64, BITS128] = [2n ** 32n - 1n, 2n ** 64n - 1n, 2n ** 128n - 1n];

export class PCG64 {
  private state: bigint;
  private readonly increment: bigint;
  private half: bigint | null = null; // of 64 bits, the 32 that were not asked for yet

  /** `seeds`: one whole number or several, not negative. */
  constructor(...seeds: number[]) {
    const [a, b, c, d] = spread(seeds) as [bigint, bigint, bigint, bigint];
    this.increment = ((((c << 64n) | d) << 1n) | 1n) & BITS128;
    this.state = (((this.increment + ((a << 64n) | b)) & BITS128) * MULTIPLIER + this.increment) & BITS128;
  }

  /** A number in [0, 1) with 53 bits. */
  random(): number {
    return Number(this.bits64() >> 11n) / 2 ** 53;
  }

  /** A whole number from 0 to n − 1, each equally likely: Lemire's way, as NumPy draws an array of them. */
  integer(n: number): number {
    if (n === 1) return 0;
    const wide = n > 2 ** 32;
    const [size, all, many] = [wide ? 64n : 32n, wide ? BITS64 : BITS32, BigInt(n)];
    const draw = () => (wide ? this.bits64() : this.bits32());
    if (n === 2 ** 32) return Number(draw());
    const least = (all + 1n - many) % many; // below it a product's low half would make some numbers likelier
    for (;;) {
      const product = draw() * many;
      if ((product & all) >= least) return Number(product >> size);
    }
  }

  private bits64(): bigint {
    this.state = (this.state * MULTIPLIER + this.increment) & BITS128;
    const folded = (this.state >> 64n) ^ (this.state & BITS64);
    const turn = this.state >> 122n;
    return ((folded >> turn) | (folded << (64n - turn))) & BITS64;
  }

  private bits32(): bigint {
    if (this.half !== null) {
      const half = this.half;
      this.half = null;
      return half;
    }
    const bits = this.bits64();
    this.half = bits >> 32n;
    return bits & BITS32;
  }
}

/** Four numbers of 64 bits from the seeds, as NumPy's SeedSequence spreads them. */
function spread(seeds: readonly number[]): bigint[] {
  const words = seeds.flatMap((seed) => (seed < 2 ** 32 ? [seed] : [seed % 2 ** 32, Math.floor(seed / 2 ** 32)]));
  const pool = [0, 0, 0, 0];
  let constant = 0x43b0d7e5;
  const hash = (word: number) => {
    word ^= constant;
    constant = Math.imul(constant, 0x931e8875);
    word = Math.imul(word, constant);
    return (word ^ (word >>> 16)) >>> 0;
  };
  const mix = (x: number, y: number) => {
    const mixed = (Math.imul(0xca01f9dd, x) - Math.imul(0x4973f715, y)) >>> 0;
    return (mixed ^ (mixed >>> 16)) >>> 0;
  };
  for (let i = 0; i < 4; i++) pool[i] = hash(words[i] ?? 0);
  for (let from = 0; from < 4; from++) {
    for (let to = 0; to < 4; to++) if (from !== to) pool[to] = mix(pool[to]!, hash(pool[from]!));
  }
  for (const word of words.slice(4)) for (let to = 0; to < 4; to++) pool[to] = mix(pool[to]!, hash(word));
  constant = 0x8b51f9dd;
  const out = Array.from({ length: 8 }, (_, i) => {
    let word = pool[i % 4]! ^ constant;
    constant = Math.imul(constant, 0x58f38ded);
    word = Math.imul(word, constant);
    return BigInt((word ^ (word >>> 16)) >>> 0);
  });
  return [0, 2, 4, 6].map((i) => out[i]! | (out[i + 1]! << 32n));
}
