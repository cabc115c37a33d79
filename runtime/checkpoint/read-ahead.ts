import type { SnapshotFiles, StoredFile } from './checkpoint-storage.ts'

/** What is read at once where files are read front to back: a request takes as long for it as for one block. */
const AHEAD_BYTES = 8 * 1_024 * 1_024

/** A piece is asked for in parts of this size at once: one answer comes at the pace of one connection. */
const PART_BYTES = 4 * 1_024 * 1_024

/** What is kept of all files together. */
const MOST_BYTES = 32 * 1_024 * 1_024

interface Chunk {
  readonly offset: number
  readonly bytes: Uint8Array
  /** The number of the last read of it. */
  readAt: number
}

/**
 * Reads files, which never change, in large pieces where they are read front to back, for a store that takes long for each answer.
 * Other reads are passed on as they are. Keeps 8 MiB of a file, and 32 MiB of all: the more of them are read in turn, as in a merge, the
 * smaller are the pieces, so that none has to be read again.
 */
export class ReadAhead implements SnapshotFiles {
  readonly #inner: SnapshotFiles
  readonly #aheadBytes: number
  readonly #mostBytes: number
  readonly #partBytes: number
  #bytes = 0
  #reads = 0
  #pieceBytes: number
  /** By file, the one read last at the end. */
  readonly #chunks: Map<string, Chunk> = new Map()
  /** Where the last read of a file ended. */
  readonly #ends: Map<string, number> = new Map()
  readonly #sizes: Map<string, number> = new Map()

  /** Other sizes are for tests. */
  constructor(
    inner: SnapshotFiles,
    sizes: { readonly ahead?: number; readonly most?: number; readonly part?: number } = {},
  ) {
    this.#inner = inner
    this.#aheadBytes = sizes.ahead ?? AHEAD_BYTES
    this.#pieceBytes = this.#aheadBytes
    this.#mostBytes = sizes.most ?? MOST_BYTES
    this.#partBytes = sizes.part ?? PART_BYTES
  }

  async read(name: string, offset: number, length: number): Promise<Uint8Array> {
    this.#reads++
    const kept = within(this.#chunks.get(name), offset, length)
    const isNext = this.#ends.get(name) === offset
    this.#ends.set(name, offset + length)
    if (kept !== undefined) {
      const chunk = this.#chunks.get(name)!
      chunk.readAt = this.#reads
      // Nobody reads it again.
      if (offset + length === chunk.offset + chunk.bytes.byteLength) this.#finish(name)
      return kept
    }
    const piece = this.#pieceBytes
    if (!isNext || length >= piece) return this.#inner.read(name, offset, length)
    const size = await this.#sizeOf(name)
    const most = Math.min(piece, size - offset)
    // What is missing or too short is told by whoever reads just that.
    if (most <= length) return this.#inner.read(name, offset, length)
    const bytes = await this.#readParts(name, offset, most)
    const chunk = { offset, bytes, readAt: this.#reads }
    this.#keep(name, chunk)
    return within(chunk, offset, length)!
  }

  stat(name: string): Promise<StoredFile | undefined> {
    return this.#inner.stat(name)
  }

  /** Asked for once: it takes as long as a read. */
  async #sizeOf(name: string): Promise<number> {
    const known = this.#sizes.get(name)
    if (known !== undefined) return known
    const size = (await this.#inner.stat(name))?.bytes ?? 0
    this.#sizes.set(name, size)
    return size
  }

  async #readParts(name: string, offset: number, length: number): Promise<Uint8Array> {
    const size = this.#partBytes
    if (length < 2 * size) return this.#inner.read(name, offset, length)
    const count = Math.floor(length / size)
    const piece = new Uint8Array(length)
    const readPart = async (n: number): Promise<void> => {
      const end = n === count - 1 ? length : (n + 1) * size
      piece.set(await this.#inner.read(name, offset + n * size, end - n * size), n * size)
    }
    await Promise.all(Array.from({ length: count }, (_, n) => readPart(n)))
    return piece
  }

  #keep(name: string, chunk: Chunk): void {
    this.#drop(name)
    this.#chunks.set(name, chunk)
    this.#bytes += chunk.bytes.byteLength
    while (this.#bytes > this.#mostBytes) {
      const [oldest, { readAt }] = this.#chunks.entries().next().value!
      // One that is being read will be read again: with so many files the pieces are too large. Others have been left unread.
      const isInUse = this.#reads - readAt <= 4 * this.#chunks.size
      if (isInUse) this.#pieceBytes = Math.floor(this.#pieceBytes / 2)
      this.#drop(oldest)
    }
  }

  #finish(name: string): void {
    this.#drop(name)
    const hasRoom = this.#bytes < this.#mostBytes / 4
    if (hasRoom) this.#pieceBytes = Math.min(this.#aheadBytes, 2 * this.#pieceBytes)
  }

  #drop(name: string): void {
    this.#bytes -= this.#chunks.get(name)?.bytes.byteLength ?? 0
    this.#chunks.delete(name)
  }
}

/** A copy, which belongs to the caller; undefined where the chunk does not hold all of it. */
function within(chunk: Chunk | undefined, offset: number, length: number): Uint8Array | undefined {
  if (chunk === undefined || offset < chunk.offset) return undefined
  const start = offset - chunk.offset
  if (start + length > chunk.bytes.byteLength) return undefined
  return chunk.bytes.slice(start, start + length)
}
