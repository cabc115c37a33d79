import { invariant } from '../errors.ts'
import type { StateEntry } from '../state/state-backend.ts'
import { compareKeys, startsWith } from './entry-order.ts'

/** One of the sequences that are merged; a higher `age` is newer. */
interface Source {
  readonly age: number
  entries: readonly StateEntry[]
  position: number
}

/** A `clear` that covers the current key; `newest` is the age of the newest clear among it and those around it. */
interface Cover {
  readonly prefix: Uint8Array
  readonly newest: number
}

/**
 * Merges ascending sequences of entries, numbered from the oldest to the newest; pure.
 *
 * ```
 *   feed(source) ─▶ merge ─▶ a source has run out ─▶ feed or end it ─▶ merge …
 *                     └────▶ all have ended, or the output has as much as was asked for
 * ```
 *
 * Entries come out in order, each the newest of its key. A `clear` removes what older sources have below its prefix;
 * its own source's entries, and newer ones, survive. Deletes and inner clears below a `clear` that is itself handed on
 * are left out, as they say nothing more. Costs O(log sources) comparisons of keys an entry.
 */
export class EntryMerger {
  readonly #dropTombstones: boolean
  readonly #sources: Source[]
  /** Sources that have an entry, as a heap: the one with the next entry is first. */
  readonly #heap: Source[] = []
  readonly #covers: Cover[] = []
  /** Sources that must be fed or ended before anything can be merged. */
  #hungry: Set<number>
  /** Key of the last put or delete that counted. */
  #decided: Uint8Array | undefined

  constructor(sources: number, options: { readonly dropTombstones: boolean }) {
    this.#dropTombstones = options.dropTombstones
    this.#sources = Array.from({ length: sources }, (_, age) => ({ age, entries: [], position: 0 }))
    this.#hungry = new Set(this.#sources.keys())
  }

  /** More entries of a source that has run out. */
  feed(source: number, entries: readonly StateEntry[]): void {
    invariant(this.#hungry.has(source), `source ${source} of a merge is fed twice`)
    if (entries.length === 0) return
    this.#hungry.delete(source)
    const fed = this.#sources[source]!
    fed.entries = entries
    fed.position = 0
    this.#heap.push(fed)
    siftUp(this.#heap)
  }

  /** A source that has run out has nothing more. */
  end(source: number): void {
    this.#hungry.delete(source)
  }

  /**
   * Appends merged entries to `output` until it has `limit`, or a source has run out: its number is returned, and it must
   * be fed or ended. Undefined: the limit is reached, or, if nothing was appended, the merge is over.
   */
  merge(output: StateEntry[], limit: number): number | undefined {
    while (output.length < limit) {
      if (this.#hungry.size > 0) return this.#hungry.values().next().value
      const source = this.#heap[0]
      if (source === undefined) return undefined
      this.#take(source, output)
      this.#advance(source)
    }
    return undefined
  }

  #take({ entries, position, age }: Source, output: StateEntry[]): void {
    const entry = entries[position]!
    const { key, kind } = entry
    const covers = this.#covers
    while (covers.length > 0 && !startsWith(key, covers.at(-1)!.prefix)) covers.pop()
    const cover = covers.at(-1)
    if (cover !== undefined && age < cover.newest) return
    const isCovered = cover !== undefined || this.#dropTombstones
    if (kind === 'clear') {
      covers.push({ prefix: key, newest: age })
      if (!isCovered) output.push(entry)
      return
    }
    if (this.#decided !== undefined && compareKeys(this.#decided, key) === 0) return
    this.#decided = key
    if (kind === 'put' || !isCovered) output.push(entry)
  }

  #advance(source: Source): void {
    const heap = this.#heap
    source.position++
    if (source.position === source.entries.length) {
      this.#hungry.add(source.age)
      heap[0] = heap.at(-1)!
      heap.pop()
    }
    siftDown(heap)
  }
}

/** By key; of one key the clears first, and the newest source first. */
function isBefore(a: Source, b: Source): boolean {
  const left = a.entries[a.position]!
  const right = b.entries[b.position]!
  const order = compareKeys(left.key, right.key)
  if (order !== 0) return order < 0
  if (left.kind === 'clear' || right.kind === 'clear') {
    if (left.kind !== right.kind) return left.kind === 'clear'
  }
  return a.age > b.age
}

function siftUp(heap: Source[]): void {
  let child = heap.length - 1
  while (child > 0) {
    const parent = (child - 1) >> 1
    if (!isBefore(heap[child]!, heap[parent]!)) return
    swap(heap, child, parent)
    child = parent
  }
}

function siftDown(heap: Source[]): void {
  let parent = 0
  for (;;) {
    const left = 2 * parent + 1
    if (left >= heap.length) return
    const right = left + 1
    const least = right < heap.length && isBefore(heap[right]!, heap[left]!) ? right : left
    if (!isBefore(heap[least]!, heap[parent]!)) return
    swap(heap, least, parent)
    parent = least
  }
}

function swap(heap: Source[], a: number, b: number): void {
  const held = heap[a]!
  heap[a] = heap[b]!
  heap[b] = held
}
