import { decodeValue, encodeValue } from '../../runtime/value-codec.ts'

/**
 * The items of one list, as bytes; what has been read of them is kept beside it. Bytes never change, so a checkpoint takes them
 * as they are, and what user code does to a value that it added or was given is nothing to them (R16).
 */
export class OperatorList {
  #items: Uint8Array[] = []
  /** Of the first items, as many as have been read. */
  #values: unknown[] = []

  /** The items as a checkpoint takes them; valid until the list changes. */
  get items(): readonly Uint8Array[] {
    return this.#items
  }

  /** All values; the array grows with the list, and is left alone once the list is replaced. */
  read(): readonly unknown[] {
    const items = this.#items
    const values = this.#values
    while (values.length < items.length) values.push(decodeValue(items[values.length]!))
    return values
  }

  /** Appends all or nothing: what is outside the type table is refused (R18); `what` begins the message. */
  append(values: readonly unknown[], what: string): void {
    for (const item of encodeAll(values, what)) this.#items.push(item)
  }

  /** The same, in place of what there is. */
  replace(values: readonly unknown[], what: string): void {
    this.restore(encodeAll(values, what))
  }

  /** Takes bytes for its items. */
  restore(items: readonly Uint8Array[]): void {
    this.#items = [...items]
    this.#values = []
  }

  /** Forgets what has been read; returns the place of the first value that is not any more what it was read as (R16). */
  forget(): number | undefined {
    const values = this.#values
    this.#values = []
    const changed = values.findIndex(
      (value, index) => Buffer.compare(encodeValue(value, 'an item'), this.#items[index]!) !== 0,
    )
    return changed === -1 ? undefined : changed
  }
}

function encodeAll(values: readonly unknown[], what: string): Uint8Array[] {
  return values.map((value) => encodeValue(value, what))
}
