import { StreamError } from '../errors.ts'
import { encodeValue } from '../value-codec.ts'
import { ABSENT, EVICTED, type StateCell } from './state-cell.ts'
import { showKey, stateLabel } from './state-errors.ts'

/** What an object looked like at the end of the callback in which it was stored. */
interface Stored {
  bytes: Uint8Array
  callback: number
  readonly label: string
}

/**
 * Finds violations of R16 in strict mode: compares encodings of all that a callback had in its hands at its end, and
 * objects that are stored again with how they were when they were stored before.
 *
 * Costs an encoding for every use of state; for tests and `--strict` only.
 */
export class StrictCheck {
  /** The cells touched in this callback, with the encoding that their value must still have at its end. */
  readonly #touched: Map<StateCell, Uint8Array | undefined> = new Map()
  readonly #stored: WeakMap<object, Stored> = new WeakMap()
  /** Arrays that were put together for user code, with their elements, by the lists that they were made of. */
  readonly #joined: Map<StateCell, { readonly list: readonly unknown[]; readonly was: unknown[] }> =
    new Map()
  #callback = 0

  /** The value of a cell has been handed out. */
  lent(cell: StateCell): void {
    if (!this.#touched.has(cell)) this.#touched.set(cell, this.#encode(cell))
  }

  /** The pieces of a list, which have been `lent`, have been handed out as one array. */
  joined(cell: StateCell, list: readonly unknown[]): void {
    this.#joined.set(cell, { list, was: list.slice() })
  }

  /** A whole list has been stored: what was handed out of it before may have been changed for that. */
  replacedWhole(cell: StateCell): void {
    this.#joined.delete(cell)
  }

  /** `given` has been stored as the value of a cell, or in it; refused if it is outside the type table (R18). */
  stored(given: unknown, cell: StateCell): void {
    this.#touched.set(cell, this.#encode(cell))
    if (typeof given !== 'object' || given === null) return
    const bytes = encodeValue(given, cell.state.path)
    const before = this.#stored.get(given)
    if (before === undefined) {
      const label = stateLabel(cell.state, cell.row)
      this.#stored.set(given, { bytes, callback: this.#callback, label })
      return
    }
    if (before.callback !== this.#callback && !isEqual(before.bytes, bytes)) {
      throw mutated(
        cell,
        `an object was stored that an earlier callback had stored too (${before.label}), and that has been changed since`,
        'the value stored then has changed with it, unless it had been written out',
        'store a new object each time',
      )
    }
    before.bytes = bytes
    before.callback = this.#callback
  }

  /** State itself has made a value of what user code has in its hands. */
  made(cell: StateCell): void {
    this.#touched.set(cell, this.#encode(cell))
  }

  /** State itself has changed the value of a cell, which user code may have had before. */
  replaced(cell: StateCell): void {
    if (this.#touched.has(cell)) this.#touched.set(cell, this.#encode(cell))
  }

  /** The callback has ended: what it was given must not have been changed. Returns the cells it touched. */
  end(): readonly StateCell[] {
    this.#callback++
    const cells = [...this.#touched]
    this.#touched.clear()
    const joined = [...this.#joined]
    this.#joined.clear()
    for (const [cell, expected] of cells) {
      const found = this.#encode(cell)
      if (found === undefined || expected === undefined || isEqual(found, expected)) continue
      throw changedInPlace(cell)
    }
    for (const [cell, { list, was }] of joined) {
      if (list.length !== was.length || list.some((element, i) => !Object.is(element, was[i]))) {
        throw changedInPlace(cell)
      }
    }
    return cells.map(([cell]) => cell)
  }

  #encode(cell: StateCell): Uint8Array | undefined {
    const { value } = cell
    if (value === ABSENT || value === EVICTED) return undefined
    try {
      return encodeValue(value, cell.state.path)
    } catch (error) {
      throw cell.name(error)
    }
  }
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index])
}

function changedInPlace(cell: StateCell): StreamError {
  return mutated(
    cell,
    'the value was changed in place and not stored again in the same callback',
    'the change would be kept or lost by chance',
    'call update() or put() with it after the change',
  )
}

function mutated(cell: StateCell, what: string, effect: string, way: string): StreamError {
  const { uid, name } = cell.state
  return new StreamError(
    'MR_STATE_MUTATED',
    `${stateLabel(cell.state, cell.row)}: ${what}; ${effect}; ${way}.`,
    { uid, state: name, key: showKey(cell.row.key) },
  )
}
