import type { StateEntry } from '../state/state-backend.ts'
import type { SnapshotTarget, StorageWriter } from './checkpoint-storage.ts'
import type { SegmentReference } from './manifest.ts'
import { SegmentEncoder } from './segment-format.ts'
import { StoredVersions } from './stored-versions.ts'

/**
 * Writes the entries of one subtask, ascending, as a segment; undefined, and no file, when there are none. It is durable
 * when this resolves (R26); on a failure what was written is removed. Taking entries and writing take turns, a block of
 * about 64 KiB of blocks each time, so that no long stretch of work holds up the event loop.
 */
export async function writeSegment(
  storage: SnapshotTarget,
  checkpointId: number,
  name: string,
  entries: Iterable<StateEntry>,
): Promise<SegmentReference | undefined> {
  let target: SegmentWriter | undefined
  try {
    for (const entry of entries) {
      target ??= await SegmentWriter.create(storage, checkpointId, name)
      const writing = target.add(entry)
      if (writing !== undefined) await writing
    }
    return await target?.finish()
  } catch (error) {
    await target?.abort()
    throw error
  }
}

/** A segment being written, entry by entry. */
export class SegmentWriter {
  readonly #writer: StorageWriter
  readonly #encoder: SegmentEncoder = new SegmentEncoder()
  readonly #versions: StoredVersions = new StoredVersions()

  private constructor(writer: StorageWriter) {
    this.#writer = writer
  }

  static async create(
    storage: SnapshotTarget,
    checkpointId: number,
    name: string,
  ): Promise<SegmentWriter> {
    return new SegmentWriter(await storage.create(checkpointId, name))
  }

  /** How the file will be named in a manifest. */
  get file(): string {
    return this.#writer.name
  }

  /** Takes the next entry; where it fills a block, the caller awaits the writing before it goes on. */
  add(entry: StateEntry): Promise<void> | undefined {
    this.#versions.add(entry)
    const block = this.#encoder.add(entry)
    return block === undefined ? undefined : this.#writer.write(block)
  }

  /** Undefined if nothing was added; the file is then removed. */
  async finish(): Promise<SegmentReference | undefined> {
    const tail = this.#encoder.finish()
    const entries = this.#encoder.entries
    if (entries === 0) {
      await this.abort()
      return undefined
    }
    await this.#writer.write(tail)
    const { name, bytes } = await this.#writer.finish()
    const { lowest: versions } = this.#versions
    return { file: name, bytes, entries, range: this.#encoder.range, versions }
  }

  async abort(): Promise<void> {
    await this.#writer.abort()
  }
}
