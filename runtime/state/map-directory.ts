import { ByteReader, type ByteWriter, readLatin1 } from '../bytes.ts'

/*
 * How the root of a map with many keys stands in a working copy, told from the keys of a small one by its first byte, which
 * no key begins with.
 *
 *   00 or 01 · page · page …     01: a page may turn out to have no keys
 *   page     number varint · length varint · where it begins, a byte a unit
 */
const SURE = 0x00
const UNSURE = 0x01

/** What a page takes in memory besides the text that it begins with. */
const PAGE_BYTES = 48

/**
 * Which page of a map's keys holds which stretch of them, by order: pages have numbers, and each begins where a text says,
 * above all keys before it; the first with the empty one.
 *
 * Finding a page costs O(log pages), a new one or one that goes O(pages).
 */
export class MapDirectory {
  readonly #lows: string[]
  readonly #numbers: number[]
  /** Every page has keys. */
  readonly isSure: boolean
  #nextNumber: number
  #lowBytes = 0

  private constructor(lows: string[], numbers: number[], isSure: boolean) {
    this.#lows = lows
    this.#numbers = numbers
    this.isSure = isSure
    this.#nextNumber = numbers.reduce((most, number) => Math.max(most, number), -1) + 1
    for (const low of lows) this.#lowBytes += low.length
  }

  /** One page, number 0, of all keys. */
  static ofOne(): MapDirectory {
    return new MapDirectory([''], [0], true)
  }

  /** Pages 0 to n, cut at n ascending bounds; they may turn out to have no keys. */
  static cutAt(bounds: readonly Uint8Array[]): MapDirectory {
    const lows = bounds.map((bound) => readLatin1(bound, 0, bound.length))
    return new MapDirectory(['', ...lows], [0, ...lows.map((_, i) => i + 1)], false)
  }

  /** Whether stored bytes are those of a directory, not of a `MapIndex`. */
  static isIn(stored: Uint8Array): boolean {
    return stored[0] === SURE || stored[0] === UNSURE
  }

  /** The reverse of `write`. */
  static read(stored: Uint8Array): MapDirectory {
    const reader = new ByteReader(stored)
    const isSure = reader.u8() === SURE
    const lows: string[] = []
    const numbers: number[] = []
    while (reader.left > 0) {
      numbers.push(reader.varint())
      const length = reader.varint()
      const start = reader.take(length)
      lows.push(readLatin1(stored, start, start + length))
    }
    return new MapDirectory(lows, numbers, isSure)
  }

  /** How many pages there are. */
  get size(): number {
    return this.#lows.length
  }

  /** An estimate of the memory it takes. */
  get bytes(): number {
    return this.#lows.length * PAGE_BYTES + this.#lowBytes
  }

  /** The number of the page at a position. */
  number(position: number): number {
    return this.#numbers[position]!
  }

  /** The position of the page that a key belongs to. */
  find(order: string): number {
    let low = 0
    let high = this.#lows.length - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if (this.#lows[middle]! <= order) low = middle
      else high = middle - 1
    }
    return low
  }

  /** Makes a page at a position, which begins at `low`, above that of the page before; returns its number. */
  insert(position: number, low: string): number {
    const number = this.#nextNumber++
    this.#lows.splice(position, 0, low)
    this.#numbers.splice(position, 0, number)
    this.#lowBytes += low.length
    return number
  }

  /** Takes a page out. What would belong to it belongs to the one before, or to the next if it was the first. */
  delete(position: number): void {
    const [low] = this.#lows.splice(position, 1)
    this.#numbers.splice(position, 1)
    this.#lowBytes -= low!.length
    if (position > 0 || this.#lows.length === 0) return
    this.#lowBytes -= this.#lows[0]!.length
    this.#lows[0] = ''
  }

  /** Appends it as a working copy keeps it. */
  write(writer: ByteWriter): void {
    writer.u8(this.isSure ? SURE : UNSURE)
    for (const [i, low] of this.#lows.entries()) {
      writer.varint(this.#numbers[i]!)
      writer.varint(low.length)
      writer.latin1(low)
    }
  }
}
