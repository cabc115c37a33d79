import { keyGroupIn } from './snapshot-format.ts'
import type { RestoredBase } from './state-backend.ts'
import type { StateCell } from './state-cell.ts'

/**
 * The restored base under the spill: asked for what neither memory nor the spill knows anything of, in key groups that are not
 * loaded yet.
 *
 * ```
 *   memory (cells) ──not there──▶ spill (a value, or that there is none) ──not there──▶ base, unless the group is loaded
 * ```
 *
 * Key groups are loaded in order, so one number says which of them are.
 */
export class BaseLevel {
  readonly #base: RestoredBase
  readonly #fail: (error: unknown) => void
  /** Of key groups below this one the spill has everything. */
  #loadedBelow = 0

  constructor(base: RestoredBase, fail: (error: unknown) => void) {
    this.#base = base
    this.#fail = fail
  }

  get memoryBytes(): number {
    return this.#base.memoryBytes
  }

  /** All key groups below this one have been loaded, and all that was loaded has landed. */
  loaded(below: number): void {
    this.#loadedBelow = below
  }

  /** Whether a key group is not loaded yet. */
  covers(keyGroup: number): boolean {
    return keyGroup >= this.#loadedBelow
  }

  /** Whether something may be there of a cell whose key in the spill is given; false is certain. */
  mightHold(cell: StateCell, key: Uint8Array): boolean {
    return this.covers(cell.row.keyGroup) && this.#base.mightHold(cell.baseKey(key))
  }

  /** The same of an entry by its key. */
  mightHoldEntry(key: Uint8Array): boolean {
    return keyGroupIn(key) >= this.#loadedBelow && this.#base.mightHold(key)
  }

  /** What is there of a cell, as it would be stored. What fails ends the attempt, whatever the caller makes of the error. */
  read(cell: StateCell, key: Uint8Array): Uint8Array | undefined {
    if (!this.covers(cell.row.keyGroup)) return undefined
    try {
      return cell.readBase(this.#base, key)
    } catch (error) {
      this.#fail(error)
      throw error
    }
  }
}
