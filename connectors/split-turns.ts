/** What the choice of the next split looks at. */
export interface TurnTaker {
  /** Nothing to read at the moment. */
  readonly isWaiting: boolean
  /** Ahead of other sources in event time: not read before these have caught up. */
  readonly isPaused: boolean
  readonly output: { readonly watermark: number }
}

interface Seat<S> {
  readonly split: S
  watermark: number
  /** Records read since its watermark moved. */
  records: number
  /** When it was served last. */
  turn: number
}

/** After so many records without a new watermark a split lets the others go first, whatever its watermark. */
const MAX_RECORDS_AT_WATERMARK = 1_024

/**
 * Chooses which of the splits being read is next: the one with the lowest watermark that has data, so that event time advances while
 * several are read (R11).
 *
 * Watermarks may move only now and then, so a split that has been read for long without moving its own gives way to the
 * others; without any watermarks this is a plain round robin. Costs a pass over the splits for each turn.
 */
export class SplitTurns<S extends TurnTaker> {
  #seats: Seat<S>[] = []
  #turn = 0

  get all(): readonly S[] {
    return this.#seats.map((seat) => seat.split)
  }

  get isEmpty(): boolean {
    return this.#seats.length === 0
  }

  add(split: S): void {
    this.#seats.push({ split, watermark: -Infinity, records: 0, turn: this.#turn++ })
  }

  remove(split: S): void {
    this.#seats = this.#seats.filter((seat) => seat.split !== split)
  }

  /** The split to read from now; undefined when all are paused or waiting for data. */
  next(): S | undefined {
    return this.#best((split) => !split.isPaused)
  }

  /** The split to read from now where all are paused and one of them has to be read anyway. */
  nextPaused(): S | undefined {
    const areAllPaused = this.#seats.every((seat) => seat.split.isPaused)
    return areAllPaused ? this.#best(() => true) : undefined
  }

  #best(mayBe: (split: S) => boolean): S | undefined {
    let best: Seat<S> | undefined
    for (const seat of this.#seats) {
      if (seat.split.isWaiting || !mayBe(seat.split)) continue
      const { watermark } = seat.split.output
      if (watermark !== seat.watermark) {
        seat.watermark = watermark
        seat.records = 0
      }
      if (best === undefined || comesBefore(seat, best)) best = seat
    }
    return best?.split
  }

  /** Tells that records of a split have been read. */
  served(split: S, records: number): void {
    const seat = this.#seats.find((candidate) => candidate.split === split)
    if (seat === undefined) return
    seat.records += records
    seat.turn = this.#turn++
  }
}

function comesBefore<S>(a: Seat<S>, b: Seat<S>): boolean {
  const spentA = Math.floor(a.records / MAX_RECORDS_AT_WATERMARK)
  const spentB = Math.floor(b.records / MAX_RECORDS_AT_WATERMARK)
  if (spentA !== spentB) return spentA < spentB
  if (a.watermark !== b.watermark) return a.watermark < b.watermark
  return a.turn < b.turn
}
