import type { SnapshotFiles, StoredFile } from './checkpoint-storage.ts'

/** What is read at once where files are read front to back: a request takes as long for it as for one block. */
const AHEAD_BYTES = 4 * 1_024 * 1_024

/** Files of which something is kept. */
const MOST_FILES = 16

interface Chunk {
  readonly offset: number
  readonly bytes: Uint8Array
}

/**
 * Reads files, which never change, in large pieces where they are read front to back, for a store that takes long for each answer.
 * Other reads are passed on as they are. Keeps 4 MiB of each of the last 16 files.
 */
export class ReadAhead implements SnapshotFiles {
  readonly #inner: SnapshotFiles
  readonly #aheadBytes: number
  /** By file, the one used last at the end. */
  readonly #chunks: Map<string, Chunk> = new Map()
  /** Where the last read of a file ended. */
  readonly #ends: Map<string, number> = new Map()

  /** `aheadBytes` is for tests. */
  constructor(inner: SnapshotFiles, aheadBytes: number = AHEAD_BYTES) {
    this.#inner = inner
    this.#aheadBytes = aheadBytes
  }

  async read(name: string, offset: number, length: number): Promise<Uint8Array> {
    const kept = within(this.#chunks.get(name), offset, length)
    const isNext = this.#ends.get(name) === offset
    this.#ends.set(name, offset + length)
    if (kept !== undefined) return kept
    if (!isNext || length >= this.#aheadBytes) return this.#inner.read(name, offset, length)
    const size = (await this.#inner.stat(name))?.bytes ?? 0
    const most = Math.min(this.#aheadBytes, size - offset)
    // What is missing or too short is told by whoever reads just that.
    if (most <= length) return this.#inner.read(name, offset, length)
    const chunk = { offset, bytes: await this.#inner.read(name, offset, most) }
    this.#keep(name, chunk)
    return within(chunk, offset, length)!
  }

  stat(name: string): Promise<StoredFile | undefined> {
    return this.#inner.stat(name)
  }

  #keep(name: string, chunk: Chunk): void {
    this.#chunks.delete(name)
    this.#chunks.set(name, chunk)
    if (this.#chunks.size <= MOST_FILES) return
    const [oldest] = this.#chunks.keys()
    this.#chunks.delete(oldest!)
    this.#ends.delete(oldest!)
  }
}

/** A copy, which belongs to the caller; undefined where the chunk does not hold all of it. */
function within(chunk: Chunk | undefined, offset: number, length: number): Uint8Array | undefined {
  if (chunk === undefined || offset < chunk.offset) return undefined
  const start = offset - chunk.offset
  if (start + length > chunk.bytes.byteLength) return undefined
  return chunk.bytes.slice(start, start + length)
}
