import type { KeyVisit } from '../../runtime/state/state-backend.ts'

/** Visits of keys, one call of `applyToKeyedState` after another. */
export class KeyVisits {
  readonly #visits: KeyVisit[] = []

  get isOver(): boolean {
    return this.#visits.length === 0
  }

  /** Whether `run` can do nothing before the operator is woken up: what is spilled has to be read. */
  get isWaiting(): boolean {
    return this.#visits[0]?.isWaiting === true
  }

  add(visit: KeyVisit): void {
    this.#visits.push(visit)
  }

  /** Visits keys until all have been, until the deadline, or until `mayVisit` says no; returns whether all have been. */
  run(deadline: number, mayVisit: () => boolean): boolean {
    while (!this.isOver) {
      if (!this.#visits[0]!.run(deadline, mayVisit)) return false
      this.#visits.shift()
    }
    return true
  }
}
