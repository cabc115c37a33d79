/** What can say where a record was read: a source's reader, while it emits. */
interface Positioned {
  describePosition?(): string | undefined
}

/**
 * From where the record comes that a slot is working on: the source that emits it, as all that is called directly from there is
 * done for that record. There is none while timers fire, and for what comes from another thread or has been held back.
 *
 * Where the work fails nothing is put back, so that it still tells whose record failed (R39). One a slot; nothing per record.
 */
export class RecordOrigin {
  #reader: Positioned | undefined

  /** Where the record was read, if it is known; makes a text. */
  get position(): string | undefined {
    return this.#reader?.describePosition?.()
  }

  /** What follows is done for records of this reader, or of none; returns whose it was before. */
  enter(reader: Positioned | undefined): Positioned | undefined {
    const before = this.#reader
    this.#reader = reader
    return before
  }
}
