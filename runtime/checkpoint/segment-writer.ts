import { keepCompiled } from '../keep-compiled.ts'
import { LaidOutEntries, LaidOutEntry } from '../state/entry-place.ts'
import type { EntryCursor, PlacedEntry, StateEntry } from '../state/state-backend.ts'
import type { SnapshotTarget, StorageWriter } from './checkpoint-storage.ts'
import type { SegmentReference } from './manifest.ts'
import { SegmentEncoder } from './segment-format.ts'
import { StoredVersions } from './stored-versions.ts'

/**
 * Writes the entries of one subtask, ascending, as a segment; undefined, and no file, when there are none. It is durable
 * when this resolves (R26); on a failure what was written is removed. Taking entries and writing take turns, a block of
 * about 64 KiB of blocks each time, so that no long stretch of work holds up the event loop.
 */
export function writeSegment(
  storage: SnapshotTarget,
  checkpointId: number,
  name: string,
  entries: Iterable<StateEntry>,
): Promise<SegmentReference | undefined> {
  return writeSnapshot(storage, checkpointId, name, new LaidOutEntries(entries))
}

/** As `writeSegment`, of entries as they lie in a snapshot, which is closed in the end. */
export async function writeSnapshot(
  storage: SnapshotTarget,
  checkpointId: number,
  name: string,
  entries: EntryCursor,
): Promise<SegmentReference | undefined> {
  const stream = new SegmentStream()
  let target: SegmentWriter | undefined
  try {
    for (;;) {
      const bytes = stream.addFrom(entries)
      if (stream.isEmpty) return undefined
      target ??= await SegmentWriter.create(storage, checkpointId, name, stream)
      if (bytes === undefined) return await target.finish()
      await target.write(bytes)
    }
  } catch (error) {
    await target?.abort()
    throw error
  } finally {
    entries.close()
  }
}

/** What a segment says of itself in a manifest, but for its file. */
export type SegmentContents = Required<Pick<SegmentReference, 'entries' | 'range' | 'versions'>>

/** The bytes of a segment, entry by entry. */
export class SegmentStream {
  readonly #encoder: SegmentEncoder = new SegmentEncoder()
  readonly #versions: StoredVersions = new StoredVersions()
  readonly #laidOut: LaidOutEntry = new LaidOutEntry()

  /** Takes the next entry; returns bytes when blocks are full, which are overwritten by the next entry. */
  add(entry: StateEntry): Uint8Array | undefined {
    return this.#add(this.#laidOut.lay(entry))
  }

  /** Takes entries until blocks are full, and returns these as `add` does; undefined at the end. */
  addFrom(entries: EntryCursor): Uint8Array | undefined {
    while (entries.next()) {
      const bytes = this.#add(entries)
      if (bytes !== undefined) return bytes
    }
    return undefined
  }

  #add(entry: PlacedEntry): Uint8Array | undefined {
    this.#versions.add(entry)
    return this.#encoder.add(entry)
  }

  /** Nothing has been added. */
  get isEmpty(): boolean {
    return this.#encoder.entries === 0
  }

  /** The last bytes; nothing may be added afterwards. */
  finish(): Uint8Array {
    return this.#encoder.finish()
  }

  /** Of all entries added; the range of none is that of key group 0. */
  get contents(): SegmentContents {
    const { entries } = this.#encoder
    const range = this.isEmpty ? { first: 0, last: 0 } : this.#encoder.range
    return { entries, range, versions: this.#versions.lowest }
  }
}

keepCompiled(new SegmentStream())

/** A segment being written, entry by entry. */
export class SegmentWriter {
  readonly #writer: StorageWriter
  readonly #stream: SegmentStream

  private constructor(writer: StorageWriter, stream: SegmentStream) {
    this.#writer = writer
    this.#stream = stream
  }

  static async create(
    storage: SnapshotTarget,
    checkpointId: number,
    name: string,
    stream: SegmentStream = new SegmentStream(),
  ): Promise<SegmentWriter> {
    return new SegmentWriter(await storage.create(checkpointId, name), stream)
  }

  /** Takes the next entry; where it fills a block, the caller awaits the writing before it goes on. */
  add(entry: StateEntry): Promise<void> | undefined {
    const bytes = this.#stream.add(entry)
    return bytes === undefined ? undefined : this.write(bytes)
  }

  /** Writes what its stream has returned; nothing is added to that meanwhile. */
  write(bytes: Uint8Array): Promise<void> {
    return this.#writer.write(bytes)
  }

  /** Undefined if nothing was added; the file is then removed. */
  async finish(): Promise<SegmentReference | undefined> {
    const tail = this.#stream.finish()
    const { contents } = this.#stream
    if (contents.entries === 0) {
      await this.abort()
      return undefined
    }
    await this.#writer.write(tail)
    const { name, bytes } = await this.#writer.finish()
    return { file: name, bytes, ...contents }
  }

  async abort(): Promise<void> {
    await this.#writer.abort()
  }
}
