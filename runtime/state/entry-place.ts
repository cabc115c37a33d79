import { ByteWriter } from '../bytes.ts'
import type { EntryCursor, PlacedEntry, StateEntry } from './state-backend.ts'

const NOTHING = new Uint8Array(0)
/** Memory beyond this is given back. */
const KEPT_BYTES = 64 * 1_024

/** A place that is filled in anew for each entry. */
export class EntryPlace implements PlacedEntry {
  kind: StateEntry['kind'] = 'put'
  bytes: Uint8Array = NOTHING
  keyStart = 0
  keyEnd = 0
  valueEnd = 0
}

/** Lays entries that are objects out in bytes, each in place of the one before. */
export class LaidOutEntry extends EntryPlace {
  readonly #writer: ByteWriter = new ByteWriter()

  lay({ kind, key, value }: StateEntry): PlacedEntry {
    const writer = this.#writer
    writer.reset(KEPT_BYTES)
    writer.append(key)
    writer.append(value)
    this.bytes = writer.bytes
    this.kind = kind
    this.keyEnd = key.length
    this.valueEnd = writer.length
    return this
  }
}

/** Goes through entries that are objects. */
export class LaidOutEntries extends LaidOutEntry implements EntryCursor {
  readonly #entries: Iterator<StateEntry>

  constructor(entries: Iterable<StateEntry>) {
    super()
    this.#entries = entries[Symbol.iterator]()
  }

  next(): boolean {
    const { done, value } = this.#entries.next()
    if (done === true) return false
    this.lay(value)
    return true
  }

  close(): void {
    this.#entries.return?.()
  }
}
