import { join } from 'node:path'
import type { Cancel } from '../runtime/clock.ts'
import type { FileSystem, WritableFile } from '../runtime/file-system.ts'
import type { SinkContext, SinkWriter } from '../runtime/sink.ts'
import type { FilePart } from './file-sink-committer.ts'
import type { WriteFormat } from './format.ts'
import type { Compressor } from './compression.ts'
import { outputFailed } from './output-errors.ts'
import { finishedName, inProgressName, pendingName } from './part-name.ts'

/** Text is turned into bytes and handed to the disk in pieces of about this length. */
const CHUNK_BYTES = 64 * 1024
/** The same where they are compressed, each by itself. */
const COMPRESSED_CHUNK_BYTES = 512 * 1024
/** With so much on its way to the disk no more input is taken (R7). */
const MAX_UNWRITTEN_BYTES = 1024 * 1024

/** What a writer does, from `fileSink()`. */
export interface FileWriterOptions<T> {
  readonly fileSystem: FileSystem
  readonly directory: string
  readonly format: WriteFormat<T>
  readonly compression: Compressor
  readonly rollBytes: number
  readonly rollIntervalMs: number
}

/** A file of the next cut. */
interface OpenPart {
  readonly path: string
  file: WritableFile | undefined
  /** Bytes handed to the disk; where they are compressed, those that have been. */
  bytes: number
}

/**
 * Writes the records of one subtask into files that stay hidden until their checkpoint is published (R33).
 *
 * ```
 *   write ─▶ text ─▶ chunk ─▶ in progress ──full, old or cut──▶ synced, closed ──cut n──▶ pending ──commit──▶ finished
 * ```
 *
 * `write` only appends to a string. All disk work runs one after another in the background; its first failure ends the
 * attempt, and all that follows it is skipped.
 */
export class FileSinkWriter<T> implements SinkWriter<T, FilePart> {
  readonly #context: SinkContext
  readonly #options: FileWriterOptions<T>
  #text = ''
  readonly #maxChunk: number
  readonly #suffix: string
  /** Length of text that makes the next chunk, shorter where the file is nearly full. */
  #chunkLength: number
  #unwrittenBytes = 0
  #part: OpenPart | undefined
  /** Full files of the next cut, in order. */
  #full: OpenPart[] = []
  /** All files that are not pending yet. */
  readonly #unfinished: Set<OpenPart> = new Set()
  #counter = 0
  #cancelRoll: Cancel | undefined
  #work: Promise<unknown> = Promise.resolve()
  #hasFailed = false

  constructor(context: SinkContext, options: FileWriterOptions<T>) {
    this.#context = context
    this.#options = options
    const { compress, suffix } = options.compression
    this.#maxChunk = compress === undefined ? CHUNK_BYTES : COMPRESSED_CHUNK_BYTES
    this.#suffix = options.format.suffix + suffix
    this.#chunkLength = Math.min(this.#maxChunk, options.rollBytes)
  }

  get isReady(): boolean {
    return this.#unwrittenBytes < MAX_UNWRITTEN_BYTES && !this.#hasFailed
  }

  write(value: T): void {
    this.#text += this.#options.format.encode(value)
    if (this.#cancelRoll === undefined) this.#startAgeing()
    if (this.#text.length >= this.#chunkLength) this.#flush()
  }

  prepareCommit(checkpointId: number): Promise<readonly FilePart[]> {
    this.#roll()
    const parts = this.#full
    this.#full = []
    return this.#enqueue(() => this.#makePending(checkpointId, parts))
  }

  async close(): Promise<void> {
    this.#cancelRoll?.()
    // Its failure has ended the attempt already.
    await this.#work.catch(() => {})
    for (const part of this.#unfinished) await this.#discard(part)
  }

  /** Hands the text to the disk; the file is full when it has reached its size. */
  #flush(): void {
    if (this.#text === '') return
    const { header = '' } = this.#options.format
    const chunk = Buffer.from(this.#part === undefined ? header + this.#text : this.#text)
    this.#text = ''
    const part = (this.#part ??= this.#newPart())
    const isCompressed = this.#options.compression.compress !== undefined
    if (!isCompressed) part.bytes += chunk.length
    this.#unwrittenBytes += chunk.length
    void this.#enqueue(() => this.#write(part, chunk))
    const left = this.#options.rollBytes - part.bytes
    this.#chunkLength = Math.min(this.#maxChunk, left)
    // What is being compressed counts as it is: pieces would become ever smaller towards the end.
    if (left <= (isCompressed ? chunk.length : 0)) this.#roll()
  }

  /** Ends the file: what follows goes into the next. */
  #roll(): void {
    this.#flush()
    this.#cancelRoll?.()
    this.#cancelRoll = undefined
    const part = this.#part
    if (part === undefined) return
    this.#part = undefined
    this.#chunkLength = Math.min(this.#maxChunk, this.#options.rollBytes)
    this.#full.push(part)
    void this.#enqueue(() => this.#finish(part))
  }

  #startAgeing(): void {
    const { rollIntervalMs } = this.#options
    this.#cancelRoll = this.#context.clock.schedule(rollIntervalMs, () => this.#roll())
  }

  #newPart(): OpenPart {
    const { lineage, attempt, subtaskIndex } = this.#context
    const suffix = this.#suffix
    const counter = this.#counter++
    const name = inProgressName({ lineage, attempt, subtaskIndex, counter, suffix })
    const part = { path: join(this.#options.directory, name), file: undefined, bytes: 0 }
    this.#unfinished.add(part)
    return part
  }

  async #write(part: OpenPart, chunk: Uint8Array): Promise<void> {
    const { fileSystem, compression } = this.#options
    part.file ??= await fileSystem.create(part.path)
    if (compression.compress === undefined) {
      await part.file.write(chunk)
    } else {
      const compressed = await compression.compress(chunk)
      part.bytes += compressed.byteLength
      await part.file.write(compressed)
    }
    const wasReady = this.isReady
    this.#unwrittenBytes -= chunk.byteLength
    if (!wasReady && this.isReady) this.#context.wake()
  }

  async #finish(part: OpenPart): Promise<void> {
    const file = part.file as WritableFile
    await file.sync()
    await file.close()
    part.file = undefined
  }

  /** Names the files after their checkpoint; their data is synced, the names are when it resolves (R26, R33). */
  async #makePending(
    checkpointId: number,
    parts: readonly OpenPart[],
  ): Promise<readonly FilePart[]> {
    if (parts.length === 0) return []
    const { fileSystem, directory } = this.#options
    const suffix = this.#suffix
    const { lineage, subtaskIndex } = this.#context
    const pending: FilePart[] = []
    for (const [n, part] of parts.entries()) {
      const name = finishedName({ lineage, checkpointId, subtaskIndex, n, suffix })
      await fileSystem.rename(part.path, join(directory, pendingName(name)))
      this.#unfinished.delete(part)
      pending.push({ name, bytes: part.bytes })
    }
    await fileSystem.syncDirectory(directory)
    return pending
  }

  #enqueue<R>(operation: () => Promise<R>): Promise<R> {
    const run = this.#work.then(operation).catch((error: unknown) => {
      const { directory: path } = this.#options
      throw outputFailed({ operator: this.#context.uid, path, what: 'written' }, error)
    })
    this.#work = run
    run.catch((error: unknown) => {
      if (this.#hasFailed) return
      this.#hasFailed = true
      this.#context.fail(error)
    })
    return run
  }

  /** Removes a file that is in no checkpoint; where that fails, the next attempt does it. */
  async #discard(part: OpenPart): Promise<void> {
    try {
      await part.file?.close()
      await this.#options.fileSystem.unlink(part.path)
    } catch {
      // Nobody reads such a file, and the next attempt removes it.
    }
  }
}
