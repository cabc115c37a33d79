/**
 * A set of small integers ordered by a number each: the least is at hand, any one can be changed or taken out.
 *
 * Every operation but `least` and `first` costs O(log n). Numbers may be ±Infinity, not NaN.
 */
export class IndexedHeap {
  /** Members as a binary heap, the least first. */
  readonly #heap: number[] = []
  /** Where a member stands in the heap, -1 if it is not in it. */
  readonly #place: Int32Array
  readonly #rank: Float64Array

  constructor(size: number) {
    this.#place = new Int32Array(size).fill(-1)
    this.#rank = new Float64Array(size)
  }

  get size(): number {
    return this.#heap.length
  }

  has(member: number): boolean {
    return this.#place[member]! >= 0
  }

  /** The lowest number of all members; Infinity if there is none. */
  get least(): number {
    return this.#heap.length === 0 ? Infinity : this.#rank[this.#heap[0]!]!
  }

  /** The member with the lowest number, any one of several; undefined if there is none. */
  get first(): number | undefined {
    return this.#heap[0]
  }

  /** Puts a member in, or gives it another number. */
  set(member: number, rank: number): void {
    if (this.has(member)) {
      const previous = this.#rank[member]!
      this.#rank[member] = rank
      if (rank < previous) this.#rise(this.#place[member]!)
      else this.#sink(this.#place[member]!)
      return
    }
    this.#rank[member] = rank
    this.#place[member] = this.#heap.length
    this.#heap.push(member)
    this.#rise(this.#heap.length - 1)
  }

  /** Takes a member out; nothing happens if it is not in. */
  delete(member: number): void {
    const place = this.#place[member]!
    if (place < 0) return
    this.#place[member] = -1
    const last = this.#heap.pop()!
    if (last === member) return
    this.#heap[place] = last
    this.#place[last] = place
    this.#rise(place)
    this.#sink(this.#place[last]!)
  }

  #rise(from: number): void {
    let place = from
    while (place > 0) {
      const parent = (place - 1) >> 1
      if (this.#rankAt(parent) <= this.#rankAt(place)) break
      this.#swap(parent, place)
      place = parent
    }
  }

  #sink(from: number): void {
    let place = from
    for (;;) {
      let child = place * 2 + 1
      if (child >= this.#heap.length) break
      if (child + 1 < this.#heap.length && this.#rankAt(child + 1) < this.#rankAt(child)) child++
      if (this.#rankAt(place) <= this.#rankAt(child)) break
      this.#swap(place, child)
      place = child
    }
  }

  #rankAt(place: number): number {
    return this.#rank[this.#heap[place]!]!
  }

  #swap(one: number, other: number): void {
    const heap = this.#heap
    const member = heap[one]!
    heap[one] = heap[other]!
    heap[other] = member
    this.#place[heap[one]!] = one
    this.#place[member] = other
  }
}
