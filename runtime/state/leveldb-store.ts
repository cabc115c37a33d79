import { mkdir, rm } from 'node:fs/promises'
import { Level } from 'level'
import { StreamError } from '../errors.ts'
import type { KeyRange } from './snapshot-format.ts'
import type { PendingWrite, SpillBulk, SpillStore, StoredEntry } from './spill.ts'
import { stateFailed } from './state-errors.ts'

type Database = Level<Uint8Array, Uint8Array>

/** What LevelDB can do and its types in `level` do not say. */
type Compactable = Database & {
  compactRange(start: Uint8Array, end: Uint8Array): Promise<void>
}

/** Bytes of entries that are read in one go; one of them may be larger. */
const PAGE_BYTES = 256 * 1_024

/**
 * A LevelDB in a directory of its own, as the working copy of one attempt: made empty, and removed at the end.
 *
 * Opened with the first write, since a job whose state fits into memory needs none. Damage and full disks are
 * `MR_STATE_FAILED`.
 */
export class LevelDbStore implements SpillStore {
  readonly #directory: string
  #database: Database | undefined
  #opening: Promise<Database> | undefined
  #isPrepared = false

  constructor(directory: string) {
    this.#directory = directory
  }

  /** Removes what a crash has left behind, and makes the directory. */
  async prepare(): Promise<void> {
    try {
      await rm(this.#directory, { recursive: true, force: true })
      await mkdir(this.#directory, { recursive: true, mode: 0o700 })
      this.#isPrepared = true
    } catch (error) {
      throw directoryUnusable(this.#directory, error)
    }
  }

  async open(): Promise<void> {
    try {
      await this.#open()
    } catch (error) {
      throw stateFailed('writing', this.#directory, error)
    }
  }

  bulk(): SpillBulk {
    const batch = this.#database!.batch()
    return {
      put: (key, value) => void batch.put(key, value),
      del: (key) => void batch.del(key),
      write: async () => {
        try {
          await batch.write()
        } catch (error) {
          throw stateFailed('writing', this.#directory, error)
        }
      },
      close: () => batch.close(),
    }
  }

  read(key: Uint8Array): Uint8Array | undefined {
    if (this.#database === undefined) return undefined
    try {
      return this.#database.getSync(key)
    } catch (error) {
      throw stateFailed('reading', this.#directory, error)
    }
  }

  async keys({ after, before }: KeyRange, limit: number): Promise<readonly Uint8Array[]> {
    if (this.#database === undefined) return []
    try {
      return await this.#database.keys({ gt: after, lt: before, limit }).all()
    } catch (error) {
      throw stateFailed('reading', this.#directory, error)
    }
  }

  async entries({ after, before }: KeyRange, limit: number): Promise<readonly StoredEntry[]> {
    if (this.#database === undefined) return []
    try {
      const highWaterMarkBytes = PAGE_BYTES
      const iterator = this.#database.iterator({ gt: after, lt: before, highWaterMarkBytes })
      try {
        return await iterator.nextv(limit)
      } finally {
        await iterator.close()
      }
    } catch (error) {
      throw stateFailed('reading', this.#directory, error)
    }
  }

  async compact({ after, before }: KeyRange): Promise<void> {
    try {
      await (this.#database as Compactable | undefined)?.compactRange(after, before)
    } catch (error) {
      throw stateFailed('writing', this.#directory, error)
    }
  }

  async write(writes: readonly PendingWrite[]): Promise<void> {
    try {
      const database = this.#database ?? (await this.#open())
      const batch = database.batch()
      for (const { key, value } of writes) {
        if (value === undefined) batch.del(key)
        else batch.put(key, value)
      }
      await batch.write()
    } catch (error) {
      throw stateFailed('writing', this.#directory, error)
    }
  }

  async #open(): Promise<Database> {
    this.#opening ??= open(this.#directory)
    this.#database = await this.#opening
    return this.#database
  }

  async close(): Promise<void> {
    await this.#database?.close()
    this.#database = undefined
    if (this.#isPrepared) await rm(this.#directory, { recursive: true, force: true })
  }
}

async function open(directory: string): Promise<Database> {
  const database: Database = new Level(directory, { keyEncoding: 'view', valueEncoding: 'buffer' })
  await database.open()
  return database
}

function directoryUnusable(directory: string, cause: unknown): StreamError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new StreamError(
    'MR_DIRECTORY_UNUSABLE',
    `The working directory of state ${directory} cannot be made (${reason}); state that does not fit into memory has no place; make it writable, or choose another with --dir.`,
    { directory },
    cause,
  )
}
