/**
 * Tells whether the outputs of a slot may have become unready since they were last found ready.
 *
 * A record may only be taken where all that is behind it has room, down to the credit of the last channel (R6). Asking all of
 * them again for each record costs more than a cheap operator does. So what is behind tells when it has no room left (a
 * channel to another thread, a sink, an operator), and so does whatever moves a control element; until then the answer is
 * the same.
 *
 * Only within one run of one subtask: between two, anything may happen.
 */
export class SlotRoom {
  /** An answer stays true while this is the same; 0 is never the same. */
  epoch = 0
  #last = 0

  begin(): void {
    this.epoch = ++this.#last
  }

  /** Something has used up its room, or may hold back input now. */
  used(): void {
    if (this.epoch !== 0) this.epoch = ++this.#last
  }

  end(): void {
    this.epoch = 0
  }
}
