/** The blocks of segments that were used last, checked. */
export class BlockCache {
  readonly #maxBytes: number
  /** By segment and number; those used last come last. */
  readonly #blocks: Map<string, Uint8Array> = new Map()
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get byteLength(): number {
    return this.#bytes
  }

  get(segment: number, block: number): Uint8Array | undefined {
    const name = `${segment}/${block}`
    const bytes = this.#blocks.get(name)
    if (bytes === undefined) return undefined
    this.#blocks.delete(name)
    this.#blocks.set(name, bytes)
    return bytes
  }

  /** Takes a block in; others leave, but never this one. */
  put(segment: number, block: number, bytes: Uint8Array): void {
    this.#blocks.set(`${segment}/${block}`, bytes)
    this.#bytes += bytes.byteLength
    for (const [name, oldest] of this.#blocks) {
      if (this.#bytes <= this.#maxBytes || oldest === bytes) return
      this.#blocks.delete(name)
      this.#bytes -= oldest.byteLength
    }
  }
}
