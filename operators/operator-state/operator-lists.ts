import { StreamError } from '../../runtime/errors.ts'
import type { OperatorContext } from '../../runtime/operator.ts'
import {
  type StoredList,
  storedListsIn,
  type StoredLists,
} from '../../runtime/state/operator-list-format.ts'
import type { OperatorStateDescriptor } from '../../runtime/state/operator-state.ts'
import { upcastValue } from '../../runtime/state/upcasts.ts'
import { decodeValue, encodeValue } from '../../runtime/value-codec.ts'
import type { CallbackScope } from '../collector.ts'
import { OperatorList } from './operator-list.ts'
import { OperatorListHandle } from './operator-list-handle.ts'
import type { DeclaredOperatorState, OperatorStateDeclarations } from './operator-state.ts'

/** All lists of one subtask: what they hold, the handles that its function gets, and how they go into checkpoints. */
export class OperatorLists {
  readonly handles: DeclaredOperatorState<OperatorStateDeclarations>
  /** While the function is being opened, which is no callback but may use them. */
  isOpening = false
  readonly #context: OperatorContext
  readonly #declared: readonly OperatorStateDescriptor[]
  readonly #lists: ReadonlyMap<string, OperatorList>

  constructor(
    context: OperatorContext,
    scope: CallbackScope,
    declared: readonly OperatorStateDescriptor[],
  ) {
    const { name: operator, strict, restoredState } = context
    this.#context = context
    this.#declared = declared
    const stored = storedListsIn(restoredState)
    this.#lists = new Map(
      declared.map((state) => [state.name, restored(operator, state, stored.get(state.name))]),
    )
    const check = (name: string) => () => {
      if (!this.isOpening) scope.check(`operator state "${name}"`)
    }
    const handles = [...this.#lists].map(([name, list]) => {
      const parts = { name, operator, list, check: check(name), strict }
      return [name, new OperatorListHandle(parts)]
    })
    this.handles = Object.fromEntries(handles)
  }

  /** A callback has ended: in strict mode what it was handed must be as it was (R16). */
  endCallback(): void {
    const { strict, name: operator } = this.#context
    if (!strict) return
    for (const [state, list] of this.#lists) {
      const item = list.forget()
      if (item === undefined) continue
      throw new StreamError(
        'MR_STATE_MUTATED',
        `Operator state "${state}" of operator "${operator}": item ${item} was changed in place and not stored again in the same callback; the change would be lost with the next restart; call update() with all items after the change.`,
        { uid: operator, state, item },
      )
    }
  }

  /** For `snapshotState`, which is encoded before anything can change. */
  snapshot(): StoredLists {
    return new Map(
      this.#declared.map(({ name, kind, version }) => {
        const { items } = this.#lists.get(name)!
        return [name, { kind, version, items }]
      }),
    )
  }
}

/** A list with what was stored of it. All items of an older version are upcast at once: they are all in memory anyway. */
function restored(
  operator: string,
  { name, version, upcasts }: OperatorStateDescriptor,
  stored: StoredList | undefined,
): OperatorList {
  const list = new OperatorList()
  if (stored === undefined) return list
  const state = { uid: operator, name, version, upcasts }
  const upcast = (bytes: Uint8Array, item: number): Uint8Array => {
    const label = `Operator state "${name}" of operator "${operator}", item ${item}`
    const place = () => ({ label, fields: { item } })
    return encodeValue(upcastValue(decodeValue(bytes), stored.version, state, true, place), name)
  }
  list.restore(stored.version === version ? stored.items : stored.items.map(upcast))
  return list
}
