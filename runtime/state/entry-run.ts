import { ByteWriter, compareRanges } from '../bytes.ts'
import { invariant } from '../errors.ts'
import type { EntryPlace } from './entry-place.ts'
import { keepCompiled } from '../keep-compiled.ts'
import { KeySort } from './key-sort.ts'
import type { StateEntry } from './state-backend.ts'

const KINDS = ['put', 'delete', 'clear'] as const

/** Entries and bytes after which a run is full: sorting this many takes about a millisecond. */
const RUN_ENTRIES = 2_048
const RUN_BYTES = 1_024 * 1_024

const FIRST_BYTES = 4_096
const FIRST_ENTRIES = 64

/**
 * Encoded entries in one buffer: appended in the order in which they came to be, then sealed, which sorts them and keeps
 * the last entry of each key; a `clear` removes those before it that begin with its key.
 *
 * Append costs the bytes and no object. Layout of the buffer: (kind u8 · key · value)*.
 */
export class EntryRun {
  /** Where entries are written: key between `beginEntry` and `beginValue`, value between that and `endEntry`. */
  readonly writer: ByteWriter
  /** Two places an entry: its kind byte and its value; it ends where the next begins. */
  #places: Uint32Array
  /** Of these. */
  #count = 0
  #order: Uint32Array | undefined
  #hasClear = false

  /** Has room for so many entries and bytes of theirs before it grows. */
  constructor(firstEntries: number = FIRST_ENTRIES, firstBytes: number = FIRST_BYTES) {
    this.writer = new ByteWriter(firstBytes)
    this.#places = new Uint32Array(firstEntries * 2)
  }

  /**
   * A sealed run over bytes as `appendTo` has written them one after another: `ends` has two places an entry, where its value
   * begins and where it ends.
   */
  static of(bytes: Uint8Array<ArrayBuffer>, ends: Uint32Array): EntryRun {
    const run = new EntryRun(ends.length / 2, 0)
    run.writer.bytes = bytes
    run.writer.length = bytes.length
    let start = 0
    for (let i = 0; i < ends.length; i += 2) {
      run.#pushPlace(start)
      run.#pushPlace(ends[i]!)
      start = ends[i + 1]!
    }
    run.sealSorted()
    return run
  }

  /** Begins again, empty, with the memory that it has; what was read from it is not good any more. */
  begin(): void {
    this.writer.length = 0
    this.#count = 0
    this.#order = undefined
    this.#hasClear = false
  }

  beginEntry(kind: StateEntry['kind']): void {
    this.#pushPlace(this.writer.length)
    // By `indexOf` it costs three times as much.
    this.writer.u8(kind === 'put' ? 0 : kind === 'delete' ? 1 : 2)
    if (kind === 'clear') this.#hasClear = true
  }

  beginValue(): void {
    this.#pushPlace(this.writer.length)
  }

  #pushPlace(place: number): void {
    if (this.#count === this.#places.length) {
      const grown = new Uint32Array(Math.max(FIRST_ENTRIES, this.#count) * 2)
      grown.set(this.#places)
      this.#places = grown
    }
    this.#places[this.#count++] = place
  }

  /** Takes back an entry that was begun and could not be written. */
  dropEntry(): void {
    if (this.#count % 2 === 0) this.#count--
    this.writer.length = this.#places[--this.#count]!
  }

  /** Entries appended; after `seal`, entries kept. */
  get length(): number {
    return this.#order?.length ?? this.#count / 2
  }

  /** It is better sealed now, and another begun. */
  get isFull(): boolean {
    return this.length >= RUN_ENTRIES || this.writer.length >= RUN_BYTES
  }

  get memoryBytes(): number {
    return this.writer.bytes.length + this.#places.byteLength + (this.#order?.byteLength ?? 0)
  }

  /** The bytes of the value of the entry that was appended last; a copy. */
  copyLastValue(): Uint8Array {
    return this.writer.copy(this.#places[this.#count - 1]!)
  }

  /** Sorts; nothing is appended any more. */
  seal(): void {
    if (this.#order !== undefined) return
    const { order, hasEqual } = new KeySort(this.writer.bytes, this.#places, this.#count / 2)
    this.#order = hasEqual || this.#hasClear ? this.#survivors(order) : order
  }

  /** Says that entries were appended in ascending order, each key once: `seal` without sorting. */
  sealSorted(): void {
    this.#order = Uint32Array.from({ length: this.#count / 2 }, (_, index) => index)
  }

  #survivors(order: Uint32Array): Uint32Array {
    let kept = 0
    let clear = -1
    for (let i = 0; i < order.length; i++) {
      const entry = order[i]!
      const next = order[i + 1]
      if (next !== undefined && this.#compare(entry, this, next) === 0) continue
      if (clear >= 0 && !this.#isUnder(entry, this, clear)) clear = -1
      if (clear > entry) continue
      if (this.#kind(entry) === 'clear') clear = entry
      order[kept++] = entry
    }
    return order.slice(0, kept)
  }

  // --- Reading; positions are in sorted order, after `seal` ---

  /** Negative, 0 or positive as the key at `position` sorts before, equals or sorts behind one of another run. */
  compare(position: number, other: EntryRun, otherPosition: number): number {
    return this.#compare(this.#order![position]!, other, other.#order![otherPosition]!)
  }

  /** Whether the key at `position` begins with the one at `clearPosition` of another run. */
  isUnder(position: number, clears: EntryRun, clearPosition: number): boolean {
    return this.#isUnder(this.#order![position]!, clears, clears.#order![clearPosition]!)
  }

  isClear(position: number): boolean {
    return this.#kind(this.#order![position]!) === 'clear'
  }

  /** Appends the entry at `position` of another run. */
  copyFrom(other: EntryRun, position: number): void {
    const entry = other.#order![position]!
    const start = other.#places[entry * 2]!
    const offset = this.writer.length - start
    this.#pushPlace(this.writer.length)
    this.#pushPlace(other.#places[entry * 2 + 1]! + offset)
    this.writer.appendFrom(other.writer.bytes, start, other.#end(entry))
  }

  /** Appends the bytes of the entry at `position`; returns how many of them are in front of its value. */
  appendTo(writer: ByteWriter, position: number): number {
    const entry = this.#order![position]!
    const start = this.#places[entry * 2]!
    writer.appendFrom(this.writer.bytes, start, this.#end(entry))
    return this.#places[entry * 2 + 1]! - start
  }

  /** Says where the entry at `position` lies; that is good as long as the run. */
  place(position: number, target: EntryPlace): void {
    invariant(this.#order !== undefined, 'entries are read from a run that is not sealed')
    const entry = this.#order[position]!
    const { bytes } = this.writer
    const start = this.#places[entry * 2]!
    target.bytes = bytes
    target.kind = KINDS[bytes[start]!]!
    target.keyStart = start + 1
    target.keyEnd = this.#places[entry * 2 + 1]!
    target.valueEnd = this.#end(entry)
  }

  // --- By the number of an entry in the order of arrival ---

  #end(entry: number): number {
    const next = entry * 2 + 2
    return next < this.#count ? this.#places[next]! : this.writer.length
  }

  #kind(entry: number): StateEntry['kind'] {
    return KINDS[this.writer.bytes[this.#places[entry * 2]!]!]!
  }

  #compare(a: number, other: EntryRun, b: number): number {
    const places = this.#places
    const others = other.#places
    return compareRanges(
      this.writer.bytes,
      places[a * 2]! + 1,
      places[a * 2 + 1]!,
      other.writer.bytes,
      others[b * 2]! + 1,
      others[b * 2 + 1]!,
    )
  }

  #isUnder(entry: number, clears: EntryRun, clear: number): boolean {
    const start = this.#places[entry * 2]! + 1
    const clearStart = clears.#places[clear * 2]! + 1
    const length = clears.#places[clear * 2 + 1]! - clearStart
    if (this.#places[entry * 2 + 1]! - start < length) return false
    for (let i = 0; i < length; i++) {
      if (this.writer.bytes[start + i] !== clears.writer.bytes[clearStart + i]) return false
    }
    return true
  }
}

keepCompiled(new EntryRun(0, 0))
