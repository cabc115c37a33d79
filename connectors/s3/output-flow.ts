/**
 * Counts the bytes of a writer that are in memory: held in objects that are open, and on their way.
 *
 * Only what is on its way withholds credit (R7): it becomes less by itself. What is held does not, so that objects are ended where
 * there is too much.
 */
export class OutputFlow {
  readonly #maxOnTheWay: number
  readonly #wake: () => void
  heldBytes = 0
  #onTheWay = 0

  constructor(maxOnTheWay: number, wake: () => void) {
    this.#maxOnTheWay = maxOnTheWay
    this.#wake = wake
  }

  get hasRoom(): boolean {
    return this.#onTheWay < this.#maxOnTheWay
  }

  leaves(bytes: number): void {
    this.#onTheWay += bytes
  }

  arrives(bytes: number): void {
    const hadRoom = this.hasRoom
    this.#onTheWay -= bytes
    if (!hadRoom && this.hasRoom) this.#wake()
  }
}
