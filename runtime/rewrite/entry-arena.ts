import { ByteWriter } from '../bytes.ts'
import { startsWith } from '../checkpoint/entry-order.ts'
import type { StateEntry } from '../state/state-backend.ts'

/** What an entry takes besides its bytes. */
const ENTRY_BYTES = 40
/** Memory that is kept from one filling to the next. */
const KEPT_BYTES = 1_024 * 1_024

/**
 * Entries in one piece of memory, to be sorted there: an object for each would take several times as much, and longer to
 * collect than to sort.
 */
export class EntryArena {
  readonly #writer: ByteWriter = new ByteWriter()
  readonly #kinds: StateEntry['kind'][] = []
  readonly #keyAt: number[] = []
  readonly #valueAt: number[] = []
  readonly #endAt: number[] = []

  /** Bytes in use. */
  get byteLength(): number {
    return this.#writer.length + this.#kinds.length * ENTRY_BYTES
  }

  /** Copies an entry. */
  add({ key, kind, value }: StateEntry): void {
    this.#kinds.push(kind)
    this.#keyAt.push(this.#writer.length)
    this.#writer.append(key)
    this.#valueAt.push(this.#writer.length)
    this.#writer.append(value)
    this.#endAt.push(this.#writer.length)
  }

  /**
   * The entries in ascending order, the last of each key, and nothing that a later `clear` removes; views, valid until `add` or
   * `clear`.
   */
  *sorted(): Generator<StateEntry> {
    const order = Uint32Array.from(this.#kinds.keys())
    // Those of one key in the order in which they came.
    order.sort((a, b) => this.#compare(a, b) || a - b)
    // Each within the one before it, and later: an older one within is itself removed.
    const clears: number[] = []
    for (const [i, entry] of order.entries()) {
      const next = order[i + 1]
      if (next !== undefined && this.#compare(entry, next) === 0) continue
      while (clears.length > 0 && !this.#isUnder(entry, clears.at(-1)!)) clears.pop()
      if (clears.length > 0 && clears.at(-1)! > entry) continue
      if (this.#kinds[entry] === 'clear') clears.push(entry)
      yield this.#entry(entry)
    }
  }

  clear(): void {
    this.#writer.reset(KEPT_BYTES)
    for (const column of [this.#kinds, this.#keyAt, this.#valueAt, this.#endAt]) column.length = 0
  }

  #entry(index: number): StateEntry {
    const { bytes } = this.#writer
    const valueAt = this.#valueAt[index]!
    return {
      key: bytes.subarray(this.#keyAt[index]!, valueAt),
      kind: this.#kinds[index]!,
      value: bytes.subarray(valueAt, this.#endAt[index]!),
    }
  }

  /** Whether the key of an entry begins with that of a `clear`. */
  #isUnder(entry: number, clear: number): boolean {
    const { bytes } = this.#writer
    const at = this.#keyAt[clear]!
    return startsWith(
      bytes.subarray(this.#keyAt[entry]!, this.#valueAt[entry]!),
      bytes.subarray(at, this.#valueAt[clear]!),
    )
  }

  /** As `compareKeys`, in place. */
  #compare(a: number, b: number): number {
    const { bytes } = this.#writer
    let atA = this.#keyAt[a]!
    let atB = this.#keyAt[b]!
    const lengthA = this.#valueAt[a]! - atA
    const lengthB = this.#valueAt[b]! - atB
    for (const end = atA + Math.min(lengthA, lengthB); atA < end; atA++, atB++) {
      const difference = bytes[atA]! - bytes[atB]!
      if (difference !== 0) return difference
    }
    return lengthA - lengthB
  }
}
