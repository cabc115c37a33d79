import { pipeline, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { changedInput, truncatedInput, unreadableInput } from './file-errors.ts'
import type { FileSplit } from './file-split.ts'
import type { InputFile, InputFiles } from './input-files.ts'

/** What is parsed in one go: with more the garbage collector copies what has just been parsed. */
const CHUNK_BYTES = 64 * 1024
/** What is inflated in one go: with less the thread pool costs more than the work. */
const INFLATED_BYTES = 2 * CHUNK_BYTES
const READ_AHEAD_BYTES = 4 * CHUNK_BYTES

/**
 * Reads a file in the background into a queue of at most 256 KiB (and one chunk), from an uncompressed offset on.
 *
 * Plain files seek, up to the size of the split; gzip inflates from the start and discards, at about 300 MB/s of
 * uncompressed data. `onChange` is called when a chunk, the end or a failure has come.
 */
export class FileFetch {
  readonly #files: InputFiles
  readonly #split: FileSplit
  readonly #from: number
  readonly #onChange: () => void
  readonly #queue: Buffer[] = []
  #queuedBytes = 0
  #isDone = false
  #isClosed = false
  #failure: unknown
  #continue: (() => void) | undefined
  #running: Promise<void> | undefined

  constructor(files: InputFiles, split: FileSplit, from: number, onChange: () => void) {
    this.#files = files
    this.#split = split
    this.#from = from
    this.#onChange = onChange
  }

  start(): void {
    this.#running = this.#run()
  }

  /** The next chunk, undefined when none is there yet or no more will come. Throws what ended the reading, in its turn. */
  take(): Buffer | undefined {
    const chunk = this.#queue.shift()
    if (chunk === undefined) {
      if (this.#failure !== undefined) throw this.#failure
      return undefined
    }
    this.#queuedBytes -= chunk.length
    this.#continue?.()
    return chunk
  }

  /** True when all has been taken. */
  get isAtEnd(): boolean {
    return this.#isDone && this.#queue.length === 0 && this.#failure === undefined
  }

  /** Stops reading; resolves when the file is closed. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#continue?.()
    await this.#running
  }

  async #run(): Promise<void> {
    let file: InputFile | undefined
    try {
      file = await this.#files.open(this.#split.path)
      const chunks = this.#split.isGzip ? this.#inflate(file) : this.#read(file)
      for await (const chunk of chunks) {
        if (this.#isClosed) return
        for (let at = 0; at < chunk.length; at += CHUNK_BYTES) {
          this.#queue.push(chunk.subarray(at, at + CHUNK_BYTES))
        }
        this.#queuedBytes += chunk.length
        this.#onChange()
        while (this.#queuedBytes >= READ_AHEAD_BYTES && !this.#isClosed) await this.#room()
        if (this.#isClosed) return
      }
    } catch (error) {
      this.#failure = unreadableInput(this.#split.path, error)
    } finally {
      await file?.close()
      this.#isDone = true
      if (!this.#isClosed) this.#onChange()
    }
  }

  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#continue = () => {
        this.#continue = undefined
        resolve()
      }
    })
  }

  async *#read(file: InputFile): AsyncGenerator<Buffer> {
    const { path, size } = this.#split
    let position = this.#from
    for await (const chunk of file.stream(position, size)) {
      position += chunk.length
      yield chunk
    }
    if (position < size) throw changedInput(path, `it ends at byte ${position} instead of ${size}`)
  }

  async *#inflate(file: InputFile): AsyncGenerator<Buffer> {
    const { path } = this.#split
    let position = 0
    const gunzip = createGunzip({ chunkSize: INFLATED_BYTES })
    // Failures of either stream come out of the loop below, since pipeline destroys the last one with them.
    const compressed = Readable.from(file.stream(0, file.size), { objectMode: false })
    const inflated = pipeline(compressed, gunzip, () => {})
    try {
      for await (const chunk of inflated as AsyncIterable<Buffer>) {
        const start = position
        position += chunk.length
        if (position > this.#from) yield chunk.subarray(Math.max(0, this.#from - start))
      }
    } catch (error) {
      const code = (error as { code?: string }).code ?? ''
      throw code.startsWith('Z_') ? truncatedInput(path, position, error) : error
    }
    if (position < this.#from) {
      throw changedInput(
        path,
        `it holds ${position} bytes of data instead of ${this.#from} or more`,
      )
    }
  }
}
