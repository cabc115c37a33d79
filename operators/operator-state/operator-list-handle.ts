import { StreamError } from '../../runtime/errors.ts'
import type { OperatorListState } from '../../runtime/state/operator-state.ts'
import type { OperatorList } from './operator-list.ts'

/** What a handle has to know of its list. */
export interface OperatorListParts {
  readonly name: string
  readonly operator: string
  readonly list: OperatorList
  /** Fails outside callbacks of the operator (R15). */
  readonly check: () => void
  readonly strict: boolean
}

/** A list as user code sees it. */
export class OperatorListHandle implements OperatorListState<unknown> {
  readonly #parts: OperatorListParts

  constructor(parts: OperatorListParts) {
    this.#parts = parts
  }

  get(): readonly unknown[] {
    const { check, list, strict } = this.#parts
    check()
    // The list's own array would take in what JavaScript pushes to it.
    return strict ? Object.freeze([...list.read()]) : list.read()
  }

  add(value: unknown): void {
    this.addAll([value])
  }

  addAll(values: readonly unknown[]): void {
    this.#write((list) => list.append(values, 'the item'))
  }

  update(values: readonly unknown[]): void {
    this.#write((list) => list.replace(values, 'the item'))
  }

  clear(): void {
    this.#write((list) => list.restore([]))
  }

  #write(work: (list: OperatorList) => void): void {
    const { check, list, name, operator } = this.#parts
    check()
    try {
      work(list)
    } catch (error) {
      if (!(error instanceof StreamError)) throw error
      throw new StreamError(
        error.code,
        `Operator state "${name}" of operator "${operator}": ${error.message}`,
        { uid: operator, state: name, ...error.fields },
        error,
      )
    }
  }
}
