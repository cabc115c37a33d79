import { crc32 } from 'node:zlib'
import { ByteWriter } from '../bytes.ts'
import type { FileSystem, ReadableFile, WritableFile } from '../file-system.ts'
import type { EntryMerge, RunInput } from './entry-merge.ts'
import { EntryRun } from './entry-run.ts'
import { stateFailed } from './state-errors.ts'

/** Bytes of entries after which a block is full. Of each run that is being merged one is in memory. */
const BLOCK_BYTES = 16 * 1_024
/**
 * The first block of a run is shorter, by another eighth from one run to the next: runs that are merged have about the same keys,
 * and would all come to the end of a block at the same time.
 */
const FIRST_BLOCKS = 8
/** Bytes written in one go: what is copied costs less than what is merged, and both go on between records. */
const COPY_BYTES = 256 * 1_024
const MERGE_BYTES = 64 * 1_024
/** Of the head of a block, and of what it has for each entry. */
const HEAD_BYTES = 8
const PLACE_BYTES = 8

/** What is needed of a file system. */
export type RunFileSystem = Pick<FileSystem, 'create' | 'open' | 'unlink'>

/** Where the blocks of a run end in the file; its first begins where the run before it ends. */
type BlockEnds = readonly number[]

export interface RunFileOptions {
  readonly fileSystem: RunFileSystem
  /** Absolute; there is no such file yet. */
  readonly path: string
  /** Asked between two writes: whether nobody wants the file any more. */
  readonly isUnwanted: () => boolean
}

/**
 * Sorted runs of entries in a file of the working directory, written once, then read from front to back at once, a block
 * at a time.
 *
 * ```
 *   file:   run after run, each of one or more blocks
 *   block:  crc of the rest u32 · entries u32 · places · (kind u8 · key · value)*      integers are little-endian
 *   places: for each entry where its value begins and where it ends, u32 each, from the first entry on
 * ```
 *
 * Where blocks end is known in memory only: the file means nothing to another attempt, and nothing of it is made durable.
 */
export class RunFile {
  readonly #options: RunFileOptions
  readonly #file: ReadableFile
  readonly #runs: readonly BlockEnds[]
  /** Who needs it: its owner, and those who read it. */
  #holders = 1
  /** Called when the last of them is done. */
  onRemoved: () => void = () => {}

  private constructor(options: RunFileOptions, file: ReadableFile, runs: readonly BlockEnds[]) {
    this.#options = options
    this.#file = file
    this.#runs = runs
  }

  /**
   * Writes what each merge yields as a run of its own, in pieces, so that records have their turn in between. Fails with what
   * the file system says; what was written is removed then. Undefined, and no file, if nobody wants it any more.
   */
  static async write(
    options: RunFileOptions,
    merges: readonly EntryMerge[],
  ): Promise<RunFile | undefined> {
    const { fileSystem, path } = options
    const target = await fileSystem.create(path)
    const output = new RunOutput(target)
    let file: ReadableFile | undefined
    try {
      for (const merge of merges) {
        const most = merge.width === 1 ? COPY_BYTES : MERGE_BYTES
        while (output.take(merge, most)) {
          await output.flush()
          if (options.isUnwanted()) break
        }
        output.endRun()
        if (options.isUnwanted()) break
      }
      await output.flush()
      if (!options.isUnwanted()) file = await fileSystem.open(path)
    } finally {
      await target.close()
      // What cannot be removed goes with its folder.
      if (file === undefined) await fileSystem.unlink(path).catch(() => {})
    }
    return file === undefined ? undefined : new RunFile(options, file, output.runs)
  }

  get runs(): number {
    return this.#runs.length
  }

  get bytes(): number {
    return this.#runs.at(-1)?.at(-1) ?? 0
  }

  /** Its runs, oldest first, for merging; to be read between `hold` and `release`. */
  inputs(): RunInput[] {
    const { path } = this.#options
    return this.#runs.map(
      (ends, run) => new FileInput(path, this.#file, { start: this.#startOf(run), ends }),
    )
  }

  #startOf(run: number): number {
    return run === 0 ? 0 : this.#runs[run - 1]!.at(-1)!
  }

  hold(): void {
    this.#holders++
  }

  /** One of its holders is done; the last one closes and removes it. */
  release(): void {
    if (--this.#holders > 0) return
    this.onRemoved()
    void this.#remove()
  }

  async #remove(): Promise<void> {
    try {
      await this.#file.close()
      await this.#options.fileSystem.unlink(this.#options.path)
    } catch {
      // It goes with its folder at the end of the attempt.
    }
  }

  /** At the end of the attempt: whoever still reads it fails. */
  async close(): Promise<void> {
    await this.#file.close()
  }
}

/** The bytes of a file of runs, as they come. */
class RunOutput {
  readonly runs: BlockEnds[] = []
  readonly #target: WritableFile
  readonly #places: ByteWriter = new ByteWriter(BLOCK_BYTES)
  readonly #entries: ByteWriter = new ByteWriter(BLOCK_BYTES * 2)
  readonly #blocks: ByteWriter = new ByteWriter(MERGE_BYTES)
  #count = 0
  /** Bytes after which the block is full. */
  #most = BLOCK_BYTES / FIRST_BLOCKS
  /** The length of the file, with what waits in `blocks`. */
  #length = 0
  #ends: number[] = []

  constructor(target: WritableFile) {
    this.#target = target
  }

  /** Takes entries until about so many bytes wait to be written; false at the end of the run. */
  take(merge: EntryMerge, most: number): boolean {
    while (!merge.isDone) {
      if (merge.take()) this.#add(merge.run, merge.position)
      if (this.#blocks.length >= most) return true
    }
    return false
  }

  #add(run: EntryRun, position: number): void {
    const entries = this.#entries
    const valueAt = entries.length + run.appendTo(entries, position)
    putU32(this.#places, valueAt)
    putU32(this.#places, entries.length)
    this.#count++
    if (entries.length >= this.#most) this.#endBlock()
  }

  #endBlock(): void {
    const blocks = this.#blocks
    const start = blocks.length
    putU32(blocks, 0)
    putU32(blocks, this.#count)
    blocks.append(this.#places.bytes.subarray(0, this.#places.length))
    blocks.append(this.#entries.bytes.subarray(0, this.#entries.length))
    const crc = crc32(blocks.bytes.subarray(start + 4, blocks.length))
    new DataView(blocks.bytes.buffer).setUint32(start, crc, true)
    this.#length += blocks.length - start
    this.#ends.push(this.#length)
    this.#count = 0
    this.#most = BLOCK_BYTES
    this.#places.length = 0
    this.#entries.reset(BLOCK_BYTES * 2)
  }

  /** A run without entries is none. */
  endRun(): void {
    if (this.#count > 0) this.#endBlock()
    if (this.#ends.length > 0) this.runs.push(this.#ends)
    this.#ends = []
    this.#most = (BLOCK_BYTES / FIRST_BLOCKS) * (1 + (this.runs.length % FIRST_BLOCKS))
  }

  async flush(): Promise<void> {
    const { bytes, length } = this.#blocks
    if (length > 0) await this.#target.write(bytes.subarray(0, length))
    this.#blocks.reset(COPY_BYTES * 2)
  }
}

function putU32(writer: ByteWriter, value: number): void {
  writer.ensure(4)
  const { bytes } = writer
  for (let shift = 0; shift < 32; shift += 8) bytes[writer.length++] = value >>> shift
}

class FileInput implements RunInput {
  readonly #path: string
  readonly #file: ReadableFile
  readonly #ends: BlockEnds
  #at: number
  #next = 0

  constructor(path: string, file: ReadableFile, run: { start: number; ends: BlockEnds }) {
    this.#path = path
    this.#file = file
    this.#at = run.start
    this.#ends = run.ends
  }

  next(): EntryRun | undefined {
    const end = this.#ends[this.#next]
    if (end === undefined) return undefined
    const block = this.#read(end - this.#at)
    this.#next++
    this.#at = end
    const view = new DataView(block.buffer)
    const entries = view.getUint32(4, true)
    const ends = new Uint32Array(entries * 2)
    for (let i = 0; i < ends.length; i++) ends[i] = view.getUint32(HEAD_BYTES + i * 4, true)
    return EntryRun.of(block.subarray(HEAD_BYTES + entries * PLACE_BYTES), ends)
  }

  #read(length: number): Uint8Array<ArrayBuffer> {
    const block = new Uint8Array(length)
    try {
      const filled = this.#file.readSync(this.#at, block)
      const crc = new DataView(block.buffer).getUint32(0, true)
      if (filled === length && crc32(block.subarray(4)) === crc) return block
    } catch (error) {
      throw stateFailed('reading changes', this.#path, error)
    }
    throw stateFailed('reading changes', this.#path, `damaged at byte ${this.#at}`)
  }
}
