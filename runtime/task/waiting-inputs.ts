/**
 * What comes by direct calls behind a watermark or status that could not be taken at once: it waits for that, as it does in a
 * channel between threads (R8, R13).
 *
 * A direct target is asked before each input of whatever is before it. But one input may become several records with
 * watermarks between them, and a watermark may need several turns to fire. So what is here is never more than that of one
 * input; nothing is kept, and one field is looked at per record, where no watermark waits.
 */
export class WaitingInputs {
  /** Whether records have to wait. */
  isOpen = false
  #inputs: (() => void)[] = []
  readonly #mayTake: () => boolean

  /** `mayTake`: whether time has been followed, and there is room for one more. */
  constructor(mayTake: () => boolean) {
    this.#mayTake = mayTake
  }

  /** Whether any wait: nothing else may be taken before them. */
  get areThere(): boolean {
    return this.#inputs.length > 0
  }

  add(take: () => void): void {
    this.#inputs.push(take)
  }

  /** Takes them in order, up to a watermark that has to wait itself; returns whether it took any. */
  take(): boolean {
    if (!this.isOpen || !this.#mayTake()) return false
    const inputs = this.#inputs
    this.#inputs = []
    this.isOpen = false
    let taken = 0
    while (taken < inputs.length && !this.isOpen && this.#mayTake()) inputs[taken++]!()
    if (taken < inputs.length) {
      this.#inputs = inputs.slice(taken)
      this.isOpen = true
    }
    return taken > 0
  }
}
