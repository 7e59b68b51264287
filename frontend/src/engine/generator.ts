// torch's generator on the CPU, draw for draw: the Mersenne Twister [1] and what torch makes of its 32-bit numbers. From
// a seed it gives the numbers that torch.manual_seed(seed) leads to.
//
// [1] Matsumoto, Nishimura, "Mersenne Twister", ACM Trans. Model. Comput. Simul. 8 (1998), 3-30.

const N = 624;
const M = 397;

export class Generator {
  private readonly state = new Uint32Array(N);
  private place = N; // the next of the state's numbers; N: all are used
  private kept: number | null = null; // the second of two normal numbers that were drawn together

  /** `seed`: a whole number, of which the lowest 32 bits count. */
  constructor(seed: number) {
    let x = seed % 2 ** 32 >>> 0;
    for (let i = 0; i < N; i++) {
      this.state[i] = x;
      x = (Math.imul(1812433253, x ^ (x >>> 30)) + i + 1) >>> 0;
    }
  }

  /** The next 32 bits, as a number from 0 to 2³² − 1. */
  bits(): number {
    if (this.place === N) this.twist();
    let y = this.state[this.place++]!;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  /** Go past `n` numbers of 32 bits. */
  skip(n: number): void {
    for (let i = 0; i < n; i++) this.bits();
  }

  /** A number in [0, 1) with the 24 bits of single precision. */
  uniform(): number {
    return (this.bits() & 0xffffff) / 2 ** 24;
  }

  /** A number in [0, 1) with 53 bits. */
  private fineUniform(): number {
    const high = this.bits() & 0x1fffff;
    return (high * 2 ** 32 + this.bits()) / 2 ** 53;
  }

  /** Fill `out` with normal numbers of mean 0, rounded to single precision, as torch's normal_ does. */
  normal(out: Float64Array, deviation: number): void {
    if (out.length < 16) {
      for (let i = 0; i < out.length; i++) out[i] = Math.fround(this.oneNormal() * deviation);
      return;
    }
    for (let i = 0; i < out.length; i++) out[i] = this.uniform();
    const rest = out.length % 16;
    for (let at = 0; at + 16 <= out.length; at += 16) boxMuller(out, at, deviation);
    if (rest === 0) return;
    const last = out.length - 16; // the last 16 are drawn anew, among them some that were done
    for (let i = last; i < out.length; i++) out[i] = this.uniform();
    boxMuller(out, last, deviation);
  }

  /** One normal number; every second one was drawn together with the one before. */
  private oneNormal(): number {
    if (this.kept !== null) {
      const normal = this.kept;
      this.kept = null;
      return normal;
    }
    const angle = 2 * Math.PI * this.fineUniform();
    const radius = Math.sqrt(-2 * Math.log1p(-this.fineUniform()));
    this.kept = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  private twist(): void {
    const s = this.state;
    for (let i = 0; i < N; i++) {
      const y = (s[i]! & 0x80000000) | (s[(i + 1) % N]! & 0x7fffffff);
      s[i] = s[(i + M) % N]! ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.place = 0;
  }
}

const TWO_PI = Math.fround(2 * Math.PI);

/**
 * Make 16 uniform numbers normal: the first eight give radii and cosines, the last eight angles and sines. The angle is
 * rounded as torch rounds it: near a zero of the cosine that is seen.
 */
function boxMuller(out: Float64Array, at: number, deviation: number): void {
  for (let i = at; i < at + 8; i++) {
    const radius = Math.fround(Math.sqrt(-2 * Math.log(1 - out[i]!)));
    const angle = Math.fround(TWO_PI * out[i + 8]!);
    out[i] = Math.fround(Math.fround(radius * Math.fround(Math.cos(angle))) * Math.fround(deviation));
    out[i + 8] = Math.fround(Math.fround(radius * Math.fround(Math.sin(angle))) * Math.fround(deviation));
  }
}
