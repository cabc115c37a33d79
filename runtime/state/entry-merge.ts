import { keepCompiled } from '../keep-compiled.ts'
import { EntryRun } from './entry-run.ts'

/** Entries in ascending order, each key once, in pieces. */
export interface RunInput {
  /** The next piece, sealed and not empty; undefined at the end. Pieces that were returned before stay as they are. */
  next(): EntryRun | undefined
}

/** A sealed run as an input. */
export function inputOf(run: EntryRun): RunInput {
  let rest: EntryRun | undefined = run.length > 0 ? run : undefined
  return {
    next() {
      const piece = rest
      rest = undefined
      return piece
    },
  }
}

/**
 * Goes through the entries of several inputs, oldest first, in ascending order, and says which of them count: of each key the
 * newest, and nothing that a newer `clear` removes.
 *
 * One entry at a time. Costs O(log n) comparisons an entry, of the n inputs that overlap there: what begins behind it is not
 * looked at yet.
 */
export class EntryMerge {
  /** The entry taken last. */
  run!: EntryRun
  position = -1
  readonly #inputs: readonly RunInput[]
  /** By input: the piece that is being read, and its next entry. */
  readonly #pieces: (EntryRun | undefined)[]
  readonly #positions: number[]
  /** A heap of the numbers of inputs that have begun: smallest key first, of equal keys the newest input. */
  readonly #heap: number[] = []
  /** Those that have not, the one that begins first at the end. */
  readonly #waiting: number[] = []
  /** The input of the entry taken last: older ones of its key follow it directly. */
  #lastInput = -1
  /** The `clear` under which entries are being taken. */
  #clearInput = -1
  #clears!: EntryRun
  #clearPosition = -1
  /** Entries of the piece that is being read before this position come before those of any other input, and count. */
  #freeEnd = 0
  #freeInput = -1
  /** The entry of a key that counts. */
  #kept: EntryRun | undefined
  #keptPosition = -1

  constructor(inputs: readonly RunInput[]) {
    this.#inputs = inputs
    this.#positions = inputs.map(() => 0)
    this.#pieces = inputs.map((input) => input.next())
    for (const [input, piece] of this.#pieces.entries()) {
      if (piece !== undefined) this.#waiting.push(input)
    }
    this.#waiting.sort((a, b) => this.#compare(b, a))
  }

  get isDone(): boolean {
    return this.#heap.length === 0 && this.#waiting.length === 0
  }

  /** How many inputs there were. */
  get width(): number {
    return this.#inputs.length
  }

  /** Takes the next entry; returns whether it counts. Not once `isDone`. */
  take(): boolean {
    if (this.position + 1 < this.#freeEnd) return this.#takeFree()
    this.#freeEnd = 0
    const heap = this.#heap
    if (this.#waiting.length > 0) this.#begin()
    const input = heap[0]!
    const run = this.#pieces[input]!
    const position = this.#positions[input]!
    this.run = run
    this.position = position
    if (position + 1 < run.length) this.#positions[input] = this.#nextPosition(input, run, position)
    else if (!this.#turnPage(input)) {
      const last = heap.pop()!
      if (heap.length > 0) heap[0] = last
    }
    this.#sink()
    return this.#survives(input, run, position)
  }

  /** The next position of the input that alone has begun, or of one of several: behind it everything may be free. */
  #nextPosition(input: number, run: EntryRun, position: number): number {
    const last = run.length - 1
    const isAlone = position === 0 && this.#heap.length === 1 && this.#clearInput <= input
    if (!isAlone || !this.#endsBeforeOthers(run, last)) return position + 1
    this.#freeEnd = last
    this.#freeInput = input
    return last
  }

  /** Whether a piece ends before any input that has not begun begins. */
  #endsBeforeOthers(run: EntryRun, last: number): boolean {
    const next = this.#waiting.at(-1)
    return next === undefined || run.compare(last, this.#pieces[next]!, this.#positions[next]!) < 0
  }

  /** One of those that need not be compared with anything; the last of a piece is none, as it turns the page. */
  #takeFree(): boolean {
    const { run } = this
    const position = ++this.position
    this.#lastInput = this.#freeInput
    this.#kept = run
    this.#keptPosition = position
    if (run.isClear(position)) {
      this.#clearInput = this.#freeInput
      this.#clears = run
      this.#clearPosition = position
    }
    return true
  }

  /** Those come in that begin at the smallest key, or before. */
  #begin(): void {
    const heap = this.#heap
    const waiting = this.#waiting
    for (;;) {
      const next = waiting.at(-1)
      if (next === undefined) return
      if (heap.length > 0 && this.#compare(next, heap[0]!) > 0) return
      waiting.pop()
      this.#push(next)
    }
  }

  #turnPage(input: number): boolean {
    this.#positions[input] = 0
    this.#pieces[input] = this.#inputs[input]!.next()
    return this.#pieces[input] !== undefined
  }

  #survives(input: number, run: EntryRun, position: number): boolean {
    const kept = this.#kept
    if (this.#lastInput > input && run.compare(position, kept!, this.#keptPosition) === 0) {
      return false
    }
    this.#lastInput = input
    this.#kept = run
    this.#keptPosition = position
    const clear = this.#clearInput
    if (clear >= 0) {
      if (!run.isUnder(position, this.#clears, this.#clearPosition)) this.#clearInput = -1
      else if (input < clear) return false
    }
    if (run.isClear(position)) {
      this.#clearInput = input
      this.#clears = run
      this.#clearPosition = position
    }
    return true
  }

  #isBefore(a: number, b: number): boolean {
    const difference = this.#compare(a, b)
    return difference === 0 ? a > b : difference < 0
  }

  /** The next entries of two inputs by their keys. */
  #compare(a: number, b: number): number {
    const [left, right] = [this.#pieces[a]!, this.#pieces[b]!]
    return left.compare(this.#positions[a]!, right, this.#positions[b]!)
  }

  #push(input: number): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(input)
    while (at > 0) {
      const parent = (at - 1) >>> 1
      if (!this.#isBefore(input, heap[parent]!)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = input
  }

  /** Puts the first of the heap where it belongs. */
  #sink(): void {
    const heap = this.#heap
    const input = heap[0]
    if (input === undefined) return
    let at = 0
    for (;;) {
      let child = at * 2 + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && this.#isBefore(heap[child + 1]!, heap[child]!)) child++
      if (!this.#isBefore(heap[child]!, input)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = input
  }
}

keepCompiled(new EntryMerge([inputOf(new EntryRun(0, 0))]))
