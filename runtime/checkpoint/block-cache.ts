/** Room for a block, which is closed as soon as it has 16 KiB. */
const PLACE_BYTES = 20 * 1_024

/**
 * The blocks of segments that were used last, checked.
 *
 * They share memory that is used again and again: memory of its own for each block that is read would cost more than reading
 * it, most of it in collecting garbage. A block with so large an entry that it does not fit is not kept.
 */
export class BlockCache {
  readonly #places: number
  #memory: Uint8Array | undefined
  /** By segment and number; those used last come last. */
  readonly #blocks: Map<number, { readonly place: number; readonly bytes: Uint8Array }> = new Map()
  /** A place that was taken for a block that could not be read. */
  #freed: number | undefined

  constructor(maxBytes: number) {
    this.#places = Math.floor(maxBytes / PLACE_BYTES)
  }

  get byteLength(): number {
    return this.#memory?.byteLength ?? 0
  }

  /**
   * A block, which `fill` reads and checks where it is not there. Another block may stand in its place after the next call:
   * copy what is to stay.
   */
  get(
    segment: number,
    block: number,
    length: number,
    fill: (target: Uint8Array) => void,
  ): Uint8Array {
    const name = segment * 0x1_0000_0000 + block
    const found = this.#blocks.get(name)
    if (found !== undefined) {
      this.#blocks.delete(name)
      this.#blocks.set(name, found)
      return found.bytes
    }
    if (length > PLACE_BYTES) {
      const bytes = new Uint8Array(length)
      fill(bytes)
      return bytes
    }
    const place = this.#take()
    const bytes = this.#memory!.subarray(place * PLACE_BYTES, place * PLACE_BYTES + length)
    fill(bytes)
    this.#freed = undefined
    this.#blocks.set(name, { place, bytes })
    return bytes
  }

  /** A place to be filled: a free one, or that of the block that has not been used for longest. */
  #take(): number {
    this.#memory ??= new Uint8Array(this.#places * PLACE_BYTES)
    if (this.#freed === undefined && this.#blocks.size < this.#places)
      this.#freed = this.#blocks.size
    if (this.#freed === undefined) {
      const [name, oldest] = this.#blocks.entries().next().value!
      this.#blocks.delete(name)
      this.#freed = oldest.place
    }
    return this.#freed
  }
}
