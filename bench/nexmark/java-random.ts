const HALF = 0x1_000_000
const MASK = HALF - 1
/** The multiplier 0x5DEECE66D and the seed are in halves of 24 bits, so that no product loses a bit in a double. */
const MULTIPLIER_HIGH = 0x5de
const MULTIPLIER_LOW = 0xece66d
const INCREMENT = 0xb

/** The random numbers of `java.util.Random`, bit by bit: other implementations of Nexmark draw theirs from it. */
export class JavaRandom {
  #high = 0
  #low = 0

  /** Begins anew, as `new Random(seed)` does; the seed is a whole number from 0 to 2^48 − 1. */
  reset(seed: number): void {
    this.#high = (Math.floor(seed / HALF) & MASK) ^ MULTIPLIER_HIGH
    this.#low = (seed & MASK) ^ MULTIPLIER_LOW
  }

  /** 32 random bits, as a signed number. */
  nextInt32(): number {
    const product = this.#low * MULTIPLIER_LOW + INCREMENT
    const low = product & MASK
    const carry = (product - low) / HALF
    this.#high = (this.#high * MULTIPLIER_LOW + this.#low * MULTIPLIER_HIGH + carry) & MASK
    this.#low = low
    return (this.#high << 8) | (low >>> 16)
  }

  /** From 0 to bound − 1; the bound is from 1 to 2^31 − 1. */
  nextInt(bound: number): number {
    let bits = this.nextInt32() >>> 1
    // The high bits are the better ones.
    if ((bound & (bound - 1)) === 0) return bits >>> Math.clz32(bound)
    for (;;) {
      const value = bits % bound
      // The last stretch is shorter than the bound: its numbers would come too often.
      if (bits - value + bound - 1 <= 0x7fff_ffff) return value
      bits = this.nextInt32() >>> 1
    }
  }

  /** From 0 to 1, without 1. */
  nextDouble(): number {
    const high = this.nextInt32() >>> 6
    return (high * 0x8_000_000 + (this.nextInt32() >>> 5)) / 2 ** 53
  }
}
