/** What the choice of the next file looks at. */
export interface TurnTaker {
  /** Nothing to read at the moment. */
  readonly isWaiting: boolean
  /** Ahead of other sources in event time: not read before these have caught up. */
  readonly isPaused: boolean
  readonly output: { readonly watermark: number }
}

interface Seat<F> {
  readonly file: F
  watermark: number
  /** Records read since its watermark moved. */
  records: number
  /** When it was served last. */
  turn: number
}

/** After so many records without a new watermark a file lets the others go first, whatever its watermark. */
const MAX_RECORDS_AT_WATERMARK = 1_024

/**
 * Chooses which open file is read next: the one with the lowest watermark that has data, so that event time advances while
 * several files are read (R11).
 *
 * Watermarks may move only now and then, so a file that has been read for long without moving its own gives way to the
 * others; without any watermarks this is a plain round robin. Costs a pass over the open files for each turn.
 */
export class FileTurns<F extends TurnTaker> {
  #seats: Seat<F>[] = []
  #turn = 0

  get all(): readonly F[] {
    return this.#seats.map((seat) => seat.file)
  }

  add(file: F): void {
    this.#seats.push({ file, watermark: -Infinity, records: 0, turn: this.#turn++ })
  }

  remove(file: F): void {
    this.#seats = this.#seats.filter((seat) => seat.file !== file)
  }

  /** The file to read from now; undefined when all are paused or waiting for data. */
  next(): F | undefined {
    return this.#best((file) => !file.isPaused)
  }

  /** The file to read from now where all are paused and one of them has to be read anyway. */
  nextPaused(): F | undefined {
    const areAllPaused = this.#seats.every((seat) => seat.file.isPaused)
    return areAllPaused ? this.#best(() => true) : undefined
  }

  #best(mayBe: (file: F) => boolean): F | undefined {
    let best: Seat<F> | undefined
    for (const seat of this.#seats) {
      if (seat.file.isWaiting || !mayBe(seat.file)) continue
      const { watermark } = seat.file.output
      if (watermark !== seat.watermark) {
        seat.watermark = watermark
        seat.records = 0
      }
      if (best === undefined || comesBefore(seat, best)) best = seat
    }
    return best?.file
  }

  /** Tells that records of a file have been read. */
  served(file: F, records: number): void {
    const seat = this.#seats.find((candidate) => candidate.file === file)
    if (seat === undefined) return
    seat.records += records
    seat.turn = this.#turn++
  }
}

function comesBefore<F>(a: Seat<F>, b: Seat<F>): boolean {
  const spentA = Math.floor(a.records / MAX_RECORDS_AT_WATERMARK)
  const spentB = Math.floor(b.records / MAX_RECORDS_AT_WATERMARK)
  if (spentA !== spentB) return spentA < spentB
  if (a.watermark !== b.watermark) return a.watermark < b.watermark
  return a.turn < b.turn
}
