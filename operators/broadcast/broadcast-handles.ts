import { StreamError } from '../../runtime/errors.ts'
import { keyProblem } from '../../runtime/key-encoding.ts'
import type { Key } from '../../runtime/key.ts'
import { showKey } from '../../runtime/state/state-errors.ts'
import { decodeValue, encodeValue } from '../../runtime/value-codec.ts'
import type { CallbackScope } from '../collector.ts'
import type { BroadcastLoans } from './broadcast-loans.ts'
import type { BroadcastEntry, BroadcastMap } from './broadcast-map.ts'
import type { BroadcastState, ReadOnlyBroadcastState } from './broadcast-state.ts'

/** What both handles of one broadcast state share. */
export interface BroadcastHandleParts {
  readonly name: string
  readonly operator: string
  readonly scope: CallbackScope
  readonly map: BroadcastMap
  /** In strict mode. */
  readonly loans: BroadcastLoans | undefined
  /** Tells callbacks apart: iterators end with theirs (R15). */
  readonly callback: () => number
  /** Whether the callback is one of the side that may write. */
  readonly mayWrite: () => boolean
}

/** Reading, which both sides may do; they differ in what they are handed. */
abstract class BroadcastReader implements ReadOnlyBroadcastState<Key, unknown> {
  protected readonly parts: BroadcastHandleParts
  readonly #what: string

  constructor(parts: BroadcastHandleParts) {
    this.parts = parts
    this.#what = `broadcast state "${parts.name}"`
  }

  get(key: Key): unknown {
    const entry = this.find(key)
    return entry === undefined ? undefined : this.valueOf(entry)
  }

  has(key: Key): boolean {
    return this.find(key) !== undefined
  }

  entries(): IterableIterator<[Key, unknown]> {
    return this.#iterate((entry) => [entry.key, this.valueOf(entry)])
  }

  keys(): IterableIterator<Key> {
    return this.#iterate(({ key }) => key)
  }

  values(): IterableIterator<unknown> {
    return this.#iterate((entry) => this.valueOf(entry))
  }

  isEmpty(): boolean {
    this.check()
    return this.parts.map.size === 0
  }

  /** What user code gets of an entry. */
  protected abstract valueOf(entry: BroadcastEntry): unknown

  protected check(): void {
    this.parts.scope.check(this.#what)
  }

  protected find(key: Key): BroadcastEntry | undefined {
    this.check()
    this.checkKey(key)
    return this.parts.map.find(key)
  }

  protected checkKey(key: Key): void {
    const problem = typeof key === 'string' ? undefined : keyProblem(key)
    if (problem === undefined) return
    const { name, operator } = this.parts
    throw new StreamError(
      'MR_KEY_INVALID',
      `Broadcast state "${name}" of operator "${operator}": a map key is ${problem}; an entry cannot be stored or found under it; use a string, number, bigint, bytes or a tuple of these.`,
      { uid: operator, state: name },
    )
  }

  protected lend(entry: BroadcastEntry, value: unknown): unknown {
    const { loans, name } = this.parts
    if (loans !== undefined && typeof value === 'object' && value !== null) {
      loans.lend(name, entry, value)
    }
    return value
  }

  #iterate<R>(pick: (entry: BroadcastEntry) => R): IterableIterator<R> {
    this.check()
    return this.#visit(this.parts.map.sorted(), this.parts.callback(), pick)
  }

  /** The entries of this moment in order; those that are gone when their turn comes are left out. */
  *#visit<R>(
    entries: readonly BroadcastEntry[],
    callback: number,
    pick: (entry: BroadcastEntry) => R,
  ): Generator<R, undefined> {
    for (const entry of entries) {
      if (callback !== this.parts.callback()) throw iteratorKept(this.parts)
      this.check()
      if (entry.isThere) yield pick(entry)
    }
    return undefined
  }
}

/** Broadcast state for the side that may write it: hands out copies. */
export class BroadcastHandle extends BroadcastReader implements BroadcastState<Key, unknown> {
  put(key: Key, value: unknown): void {
    this.#checkWrite('put')
    this.checkKey(key)
    const entry = this.parts.map.set(key, this.#copy(key, value))
    this.parts.loans?.stored(entry)
  }

  remove(key: Key): void {
    this.#checkWrite('remove')
    this.checkKey(key)
    this.parts.map.delete(key)
  }

  clear(): void {
    this.#checkWrite('clear')
    this.parts.map.clear()
  }

  protected override valueOf(entry: BroadcastEntry): unknown {
    return this.lend(entry, this.#copy(entry.key, entry.value))
  }

  #checkWrite(method: string): void {
    this.check()
    if (!this.parts.mayWrite()) throw readOnly(this.parts, method)
  }

  /** The same value in memory of its own; refused if it is outside the type table (R18). */
  #copy(key: Key, value: unknown): unknown {
    const { name, operator } = this.parts
    try {
      return decodeValue(encodeValue(value, 'the value'))
    } catch (error) {
      if (!(error instanceof StreamError)) throw error
      throw new StreamError(
        error.code,
        `Broadcast state "${name}" of operator "${operator}", key ${showKey(key)}: ${error.message}`,
        { uid: operator, state: name, key: showKey(key), ...error.fields },
        error,
      )
    }
  }
}

/** Broadcast state for the side that may only read it. JavaScript may call what the type does not have. */
export class ReadOnlyBroadcastHandle extends BroadcastReader {
  put(): void {
    throw readOnly(this.parts, 'put')
  }

  remove(): void {
    throw readOnly(this.parts, 'remove')
  }

  clear(): void {
    throw readOnly(this.parts, 'clear')
  }

  protected override valueOf(entry: BroadcastEntry): unknown {
    return this.lend(entry, entry.value)
  }
}

function readOnly({ name, operator }: BroadcastHandleParts, method: string): StreamError {
  return new StreamError(
    'MR_STATE_READ_ONLY',
    `Broadcast state "${name}" of operator "${operator}": ${method}() was called where it may only be read; the change would be in this subtask only, and the subtasks would no longer agree; write it in processBroadcastElement, or keep what belongs to a key in keyed state.`,
    { uid: operator, state: name },
  )
}

function iteratorKept({ name, operator }: BroadcastHandleParts): StreamError {
  return new StreamError(
    'MR_STATE_OUTSIDE_CALLBACK',
    `Operator "${operator}": an iterator over broadcast state "${name}" was used after its callback had returned; what it would read belongs to no record; use it within the callback only.`,
    { operator, state: name },
  )
}
