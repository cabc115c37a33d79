import { type FoundKey, MemoryKeys } from './memory-keys.ts'
import { SpilledKeys } from './spilled-keys.ts'
import type { KeyGroupRange } from './state-backend.ts'
import type { CellState } from './state-cell.ts'
import type { StateTable } from './state-table.ts'

/** Rows looked at in one step. */
const ROWS_PER_STEP = 1_024

/** What there is to be done next on a walk. */
export type WalkStep =
  | { readonly what: 'key'; readonly keyGroup: number; readonly found: FoundKey }
  | { readonly what: 'more' | 'wait' | 'end' }

const MORE: WalkStep = { what: 'more' }
const WAIT: WalkStep = { what: 'wait' }
const END: WalkStep = { what: 'end' }

/**
 * Walks the keys of which there may be something of one state, in their default namespace: by key group, and by encoded key
 * within it (R17), each once.
 *
 * ```
 *   collecting keys in memory ──all rows seen──▶ first key group ──all its keys──▶ next … ──▶ end
 *                                                  └ waiting for keys in the spill
 * ```
 *
 * A key that is not among those collected was in the spill then, and stays there until it is deleted: so what moves between
 * memory and spill meanwhile is neither left out nor met twice. A key that gets the state meanwhile may be met or not.
 */
export class KeyWalk {
  readonly #memory: MemoryKeys
  readonly #spilled: SpilledKeys | undefined
  readonly #last: number
  #isCollecting = true
  #keyGroup: number
  /** Those of the current group that are left, the next one last. */
  #inMemory: FoundKey[] = []

  constructor(table: StateTable, state: CellState, range: KeyGroupRange) {
    this.#memory = new MemoryKeys(table.rows, state.slot)
    this.#spilled = table.spill === undefined ? undefined : new SpilledKeys(table.spill, state)
    this.#keyGroup = range.first
    this.#last = range.last
  }

  /** Goes a bounded step; a key that it comes to is handed out once. */
  step(): WalkStep {
    if (this.#isCollecting) {
      if (!this.#memory.collect(ROWS_PER_STEP)) return MORE
      this.#isCollecting = false
      this.#enter()
    }
    if (this.#keyGroup > this.#last) return END
    const spilled = this.#spilled?.next
    if (spilled === undefined && this.#spilled?.isReading === true) return WAIT
    const inMemory = this.#inMemory.at(-1)
    const found = earlier(inMemory, spilled)
    if (found === undefined) {
      this.#keyGroup++
      this.#enter()
      return MORE
    }
    if (found === inMemory) this.#inMemory.pop()
    if (found.order === spilled?.order) this.#spilled!.skip()
    return { what: 'key', keyGroup: this.#keyGroup, found }
  }

  /** Whether it waits for the spill. */
  get isWaiting(): boolean {
    return this.#spilled?.isReading === true
  }

  #enter(): void {
    if (this.#keyGroup > this.#last) return
    this.#inMemory = this.#memory.take(this.#keyGroup)
    this.#spilled?.enter(this.#keyGroup)
  }
}

/** The first of two in order; `a` where they are the same. */
function earlier(a: FoundKey | undefined, b: FoundKey | undefined): FoundKey | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return a.order <= b.order ? a : b
}
