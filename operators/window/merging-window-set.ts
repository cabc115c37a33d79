/**
 * One open window of a key among windows that merge.
 *
 * Its contents stay where they were put first: in the namespace `stateStart`, the start of the first window that became part of
 * it. No two open windows of a key have the same one, since each holds the window of its own.
 */
export interface OpenWindow {
  readonly start: number
  readonly end: number
  readonly stateStart: number
}

/** What adding a window has come to. */
export interface AddedWindow {
  /** The window that the new one is part of now. */
  readonly window: OpenWindow
  /** The windows that have become it, the one whose state it keeps first; none if it was there before, or is new. */
  readonly merged: readonly OpenWindow[]
  /** Whether nothing of it was there before. */
  readonly isNew: boolean
}

/** Open windows, ascending: start, end and stateStart of each, one behind the other. */
export type WindowRun = number[]

/** Where the windows of the current key are kept, in runs that are short however many windows there are. */
export interface WindowRunStore {
  /** Where runs begin, but for the first, ascending; empty or undefined while there is only the first. */
  readonly borders: number[] | undefined
  setBorders(borders: number[] | undefined): void
  /** The run from a border on, -Infinity for the first; empty or undefined if there is none. */
  run(border: number): WindowRun | undefined
  setRun(border: number, run: WindowRun): void
  removeRun(border: number): void
}

const FIELDS = 3
/** Windows of a run above which it is split in two. */
const MAX_RUN = 64

const NONE: readonly never[] = []

/**
 * The open windows of a key, which merge when they meet or touch (semantics 2.2).
 *
 * No two of them touch, so they have an order. Adding, finding and removing cost O(log windows), and a change touches one run of
 * at most 64. Pure but for its store.
 */
export class MergingWindowSet {
  readonly #store: WindowRunStore

  constructor(store: WindowRunStore) {
    this.#store = store
  }

  /** Adds `[start, end)`: it becomes part of a window that covers it, merges with those that it touches, or stands alone. */
  add(start: number, end: number): AddedWindow {
    const touched = this.#touching(start, end)
    const first = touched[0]
    if (first === undefined) {
      const window = { start, end, stateStart: start }
      this.#insert(window)
      return { window, merged: NONE, isNew: true }
    }
    if (touched.length === 1 && first.start <= start && first.end >= end) {
      return { window: first, merged: NONE, isNew: false }
    }
    const last = touched.at(-1)!
    const { stateStart } = first
    const window = {
      start: Math.min(start, first.start),
      end: Math.max(end, last.end),
      stateStart,
    }
    if (touched.length === 1 && window.start === first.start) this.#extend(window)
    else {
      for (const { start } of touched) this.remove(start)
      this.#insert(window)
    }
    return { window, merged: touched, isNew: false }
  }

  /** The open window with this start, if there is one. */
  find(start: number): OpenWindow | undefined {
    const run = this.#store.run(this.#borderFor(start))
    if (run === undefined) return undefined
    const at = lastUpTo(run, start)
    return at >= 0 && run[at] === start ? windowAt(run, at) : undefined
  }

  /** The window is no more. */
  remove(start: number): void {
    const border = this.#borderFor(start)
    const run = this.#store.run(border)
    if (run === undefined) return
    const at = lastUpTo(run, start)
    if (at < 0 || run[at] !== start) return
    run.splice(at, FIELDS)
    if (run.length > 0) {
      this.#store.setRun(border, run)
      return
    }
    this.#store.removeRun(border)
    const { borders } = this.#store
    if (border === -Infinity || borders === undefined) return
    borders.splice(borderIndex(borders, border), 1)
    this.#store.setBorders(borders.length > 0 ? borders : undefined)
  }

  /** The first windows, a number of them at most, of those that end at a moment or after it. */
  endingFrom(time: number, most: number): readonly OpenWindow[] {
    return this.#touching(time, Infinity, most)
  }

  #touching(start: number, end: number, most = Infinity): readonly OpenWindow[] {
    const before = this.#lastUpTo(start)
    const touched = before !== undefined && before.end >= start ? [before] : []
    const { borders = NONE } = this.#store
    for (let i = borderIndex(borders, start); i < borders.length; i++) {
      const run = this.#runAt(borders, i)
      if (run === undefined) continue
      for (let at = lastUpTo(run, start) + FIELDS; at < run.length; at += FIELDS) {
        if (run[at]! > end || touched.length === most) return touched
        touched.push(windowAt(run, at))
      }
    }
    return touched
  }

  /** The last window that begins at or before a moment. */
  #lastUpTo(start: number): OpenWindow | undefined {
    const { borders = NONE } = this.#store
    for (let i = borderIndex(borders, start); i >= -1; i--) {
      const run = this.#runAt(borders, i)
      const at = run === undefined ? -1 : lastUpTo(run, start)
      if (at >= 0) return windowAt(run!, at)
    }
    return undefined
  }

  /** The run behind a border; -1 is the first one. */
  #runAt(borders: readonly number[], index: number): WindowRun | undefined {
    return this.#store.run(index < 0 ? -Infinity : borders[index]!)
  }

  #borderFor(start: number): number {
    const { borders } = this.#store
    if (borders === undefined) return -Infinity
    const index = borderIndex(borders, start)
    return index < 0 ? -Infinity : borders[index]!
  }

  /** A window with this start is there; it gets another end. */
  #extend({ start, end }: OpenWindow): void {
    const border = this.#borderFor(start)
    const run = this.#store.run(border)!
    run[lastUpTo(run, start) + 1] = end
    this.#store.setRun(border, run)
  }

  #insert({ start, end, stateStart }: OpenWindow): void {
    const border = this.#borderFor(start)
    const run = this.#store.run(border) ?? []
    run.splice(lastUpTo(run, start) + FIELDS, 0, start, end, stateStart)
    if (run.length > MAX_RUN * FIELDS) this.#split(run)
    this.#store.setRun(border, run)
  }

  /** Moves the upper half of a run into one of its own. */
  #split(run: WindowRun): void {
    const upper = run.splice((MAX_RUN >> 1) * FIELDS)
    const border = upper[0]!
    const borders = this.#store.borders ?? []
    borders.splice(borderIndex(borders, border) + 1, 0, border)
    this.#store.setBorders(borders)
    this.#store.setRun(border, upper)
  }
}

function windowAt(run: WindowRun, at: number): OpenWindow {
  return { start: run[at]!, end: run[at + 1]!, stateStart: run[at + 2]! }
}

/** Where the last window that begins at or before a moment lies in a run; -FIELDS if there is none. */
function lastUpTo(run: WindowRun, start: number): number {
  let low = 0
  let high = run.length / FIELDS
  while (low < high) {
    const middle = (low + high) >> 1
    if (run[middle * FIELDS]! <= start) low = middle + 1
    else high = middle
  }
  return (low - 1) * FIELDS
}

/** The last border at or before a moment; -1 if there is none. */
function borderIndex(borders: readonly number[], start: number): number {
  let low = 0
  let high = borders.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (borders[middle]! <= start) low = middle + 1
    else high = middle
  }
  return low - 1
}
