import { changedInput, emptyInput } from './file-errors.ts'
import { FileFetch } from './file-fetch.ts'
import { type FileSplit, IDENTITY_BYTES, hashBytes, verifySplit } from './file-split.ts'
import type { ReadFormat, RecordDecoder } from './read-format.ts'
import type { InputFiles } from './input-files.ts'
import { RecentBytes } from './recent-bytes.ts'

/** What an open file needs from its reader. */
export interface OpenFileOptions<T> {
  readonly files: InputFiles
  readonly format: ReadFormat<T>
  readonly allowGrowth: boolean
  readonly log: (message: string) => void
  /** Called when there is something new to read or to throw. */
  readonly onChange: () => void
}

/**
 * A file that is being read: opened and fetched in the background, decoded when it is pulled.
 *
 * When it begins in the middle, the 64 KiB before its position are read first and compared with the checkpoint (R32).
 */
export class OpenFile<T> {
  #split: FileSplit
  readonly #options: OpenFileOptions<T>
  #fetch: FileFetch | undefined
  #decoder: RecordDecoder<T> | undefined
  #recent: RecentBytes | undefined
  #failure: unknown
  #toCompare: Uint8Array[] = []
  #compareBytes = 0
  readonly #sizeBefore: number
  #isEnded = false
  #isClosed = false
  #opening: Promise<void> | undefined

  constructor(split: FileSplit, options: OpenFileOptions<T>) {
    this.#split = split
    this.#sizeBefore = split.size
    this.#options = options
  }

  start(): void {
    this.#opening = this.#open()
  }

  /** The decoder, standing on the record that `next` moved to. */
  get decoder(): RecordDecoder<T> | undefined {
    return this.#decoder
  }

  /**
   * Moves to the next record: `record`, `empty` when it is still being fetched, `end` behind the last. Throws what ended
   * the file early, after all records before that place.
   */
  next(): 'record' | 'empty' | 'end' {
    for (;;) {
      if (this.#decoder?.next() === true) return 'record'
      if (this.#failure !== undefined) throw this.#failure
      if (this.#fetch === undefined) return 'empty'
      if (this.#isEnded) return this.#atEnd()
      const chunk = this.#fetch.take()
      if (chunk !== undefined) {
        this.#push(chunk)
      } else if (this.#fetch.isAtEnd) {
        this.#isEnded = true
        if (this.#compareBytes > 0) throw this.#changedBefore()
        this.#decoder?.end()
      } else {
        return 'empty'
      }
    }
  }

  /** The split with the position of the next record. Hashes up to 64 KiB. */
  snapshot(isFinished: boolean): FileSplit {
    const decoder = this.#decoder
    // Nothing was read yet: the position is still the one it was opened at.
    if (decoder === undefined || this.#compareBytes > 0) return { ...this.#split, isRestored: true }
    return {
      ...this.#split,
      offset: decoder.offset,
      line: decoder.line,
      header: decoder.header ?? null,
      tailHash: hashBytes((this.#recent as RecentBytes).before(decoder.offset)),
      isFinished,
      isRestored: true,
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#opening
    await this.#fetch?.close()
  }

  async #open(): Promise<void> {
    const { files, format, allowGrowth, log, onChange } = this.#options
    try {
      this.#split = await verifySplit(files, this.#split, allowGrowth, log)
      if (this.#isClosed) return
      const { path, offset, line, header } = this.#split
      const from = Math.max(0, offset - IDENTITY_BYTES)
      this.#compareBytes = offset - from
      this.#recent = new RecentBytes(from, IDENTITY_BYTES)
      this.#decoder = format.createDecoder({
        where: path,
        offset,
        line,
        header: header ?? undefined,
      })
      this.#fetch = new FileFetch(files, this.#split, from, onChange)
      this.#fetch.start()
    } catch (error) {
      this.#failure = error
      onChange()
    }
  }

  /** Takes a chunk: first what lies before the position, then what the decoder reads. */
  #push(chunk: Buffer): void {
    const decoder = this.#decoder as RecordDecoder<T>
    ;(this.#recent as RecentBytes).add(chunk, decoder.offset)
    const before = Math.min(chunk.length, this.#compareBytes)
    if (before > 0) {
      this.#toCompare.push(chunk.subarray(0, before))
      this.#compareBytes -= before
      if (this.#compareBytes > 0) return
      this.#compare(Buffer.concat(this.#toCompare))
      this.#toCompare = []
    }
    if (before < chunk.length) decoder.push(chunk.subarray(before))
  }

  #compare(before: Uint8Array): void {
    const { path, offset, tailHash, size } = this.#split
    if (hashBytes(before) !== tailHash) throw this.#changedBefore()
    const wasAtEnd = size > this.#sizeBefore && offset >= this.#sizeBefore
    if (wasAtEnd && before[before.length - 1] !== 10) {
      throw changedInput(path, 'it has grown behind a last record that had no line end', { offset })
    }
  }

  #changedBefore(): Error {
    const { path, offset } = this.#split
    return changedInput(path, `the 64 KiB before byte ${offset} are different`, { offset })
  }

  #atEnd(): 'end' {
    if (this.#options.format.hasHeader && this.#decoder?.header === undefined) {
      throw emptyInput(this.#split.path, 'is empty where its header should be')
    }
    return 'end'
  }
}
