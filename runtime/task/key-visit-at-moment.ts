import type { KeyVisit } from '../state/state-backend.ts'
import type { EventMoment, EventTtlTime } from '../state/ttl-time.ts'

/**
 * A visit to keys whose state may expire by event time: all of it is done at the moment when it was begun, however many turns
 * it takes (R30).
 */
export class KeyVisitAtMoment implements KeyVisit {
  readonly #visit: KeyVisit
  readonly #eventTime: EventTtlTime
  readonly #moment: EventMoment

  constructor(visit: KeyVisit, eventTime: EventTtlTime) {
    this.#visit = visit
    this.#eventTime = eventTime
    this.#moment = eventTime.moment
  }

  get isDone(): boolean {
    return this.#visit.isDone
  }

  get isWaiting(): boolean {
    return this.#visit.isWaiting
  }

  run(deadline: number, mayVisit?: () => boolean): boolean {
    const before = this.#eventTime.moment
    this.#eventTime.atMoment(this.#moment)
    const isDone = this.#visit.run(deadline, mayVisit)
    this.#eventTime.atMoment(before)
    return isDone
  }
}
