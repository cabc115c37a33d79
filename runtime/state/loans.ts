import { decodeValue, encodeValue } from '../value-codec.ts'
import type { StateCell } from './state-cell.ts'

/** Objects searched one by one; beyond, they are put into a map. */
const FEW = 32

/**
 * The objects that state gave to, or took from, the current callback, so that one object put into two states becomes two
 * values (R16).
 *
 * Knows the values themselves and the elements of lists, not what is nested deeper: that would cost a walk over every
 * value. An object nested in two values is one until either has left the cache; so change nested parts in place only
 * where the value has been built from new ones.
 */
export class Loans {
  readonly #objects: object[] = []
  readonly #cells: StateCell[] = []
  #count = 0
  #many: Map<object, StateCell> | undefined
  /** Lists among the objects; their elements are searched. */
  #lists = 0
  /** Those of them that are in the map: one object after another would cost the square of what a callback stores. */
  #listsOfMany: object[][] = []

  /** An object is the value of a cell, in the hands of user code. */
  lend(object: object, cell: StateCell): void {
    this.#note(object, cell, cell.state.kind === 'list' && Array.isArray(object))
  }

  #note(object: object, cell: StateCell, isList: boolean): void {
    const count = this.#count
    if (count > 0 && this.#objects[count - 1] === object) return
    if (isList) this.#lists++
    if (count === FEW) {
      this.#many ??= new Map()
      if (isList && !this.#many.has(object)) this.#listsOfMany.push(object as object[])
      this.#many.set(object, cell)
      return
    }
    this.#objects[count] = object
    this.#cells[count] = cell
    this.#count = count + 1
  }

  /** An object is to be stored in a cell; returns what to store: a copy if another cell has it. */
  take(object: object, cell: StateCell): object {
    if (this.hasOthers(cell) && this.#isHeldByOther(object, cell)) return copyOf(object, cell)
    // An array that is put into a list is an element of it, and not searched.
    this.#note(object, cell, false)
    return object
  }

  /** Whether any object of another cell is known. */
  hasOthers(cell: StateCell): boolean {
    if (this.#many !== undefined) return true
    for (let i = 0; i < this.#count; i++) if (this.#cells[i] !== cell) return true
    return false
  }

  #isHeldByOther(object: object, cell: StateCell): boolean {
    for (let i = 0; i < this.#count; i++) {
      if (this.#cells[i] !== cell && this.#isOrHas(this.#objects[i]!, object)) return true
    }
    if (this.#many === undefined) return false
    const holder = this.#many.get(object)
    if (holder !== undefined && holder !== cell) return true
    for (const list of this.#listsOfMany) {
      if (this.#many.get(list) !== cell && list.includes(object)) return true
    }
    return false
  }

  #isOrHas(held: object, object: object): boolean {
    return held === object || (this.#lists > 0 && Array.isArray(held) && held.includes(object))
  }

  /** Another callback begins. */
  clear(): void {
    this.#count = 0
    this.#lists = 0
    if (this.#many !== undefined) {
      this.#many = undefined
      this.#listsOfMany = []
    }
  }
}

function copyOf(object: object, cell: StateCell): object {
  try {
    return decodeValue(encodeValue(object, cell.state.path)) as object
  } catch (error) {
    throw cell.name(error)
  }
}
