import { invariant } from '../../runtime/errors.ts'
import type { OperatorContext } from '../../runtime/operator.ts'
import { broadcastStatesIn } from '../../runtime/state/broadcast-format.ts'
import type { StateDescriptor } from '../../runtime/state/state.ts'
import type { CallbackScope } from '../collector.ts'
import { BroadcastHandle, ReadOnlyBroadcastHandle } from './broadcast-handles.ts'
import { BroadcastLoans } from './broadcast-loans.ts'
import { BroadcastMap } from './broadcast-map.ts'
import type {
  BroadcastStateDeclarations,
  DeclaredBroadcastState,
  ReadableBroadcastState,
} from './broadcast-state.ts'
import { upcaster } from './broadcast-upcasts.ts'

/** All broadcast state of one subtask: its maps, the handles that functions get, and how it goes into checkpoints. */
export class BroadcastStates {
  readonly writable: DeclaredBroadcastState<BroadcastStateDeclarations>
  readonly readable: ReadableBroadcastState<BroadcastStateDeclarations>
  readonly #declared: readonly StateDescriptor[]
  readonly #maps: ReadonlyMap<string, BroadcastMap>
  readonly #loans: BroadcastLoans | undefined
  #callback = 0
  #mayWrite = false

  constructor(
    context: OperatorContext,
    scope: CallbackScope,
    declared: readonly StateDescriptor[],
  ) {
    const { name: operator, strict, restoredState } = context
    this.#loans = strict ? new BroadcastLoans(operator) : undefined
    this.#declared = declared
    this.#maps = new Map(declared.map(({ name }) => [name, new BroadcastMap()]))
    const parts = [...this.#maps].map(([name, map]) => {
      const callback = (): number => this.#callback
      const mayWrite = (): boolean => this.#mayWrite
      return { name, operator, scope, map, loans: this.#loans, callback, mayWrite }
    })
    this.writable = Object.fromEntries(parts.map((part) => [part.name, new BroadcastHandle(part)]))
    this.readable = Object.fromEntries(
      parts.map((part) => [part.name, new ReadOnlyBroadcastHandle(part)]),
    )
    if (restoredState !== undefined) this.#restore(operator, restoredState)
  }

  /** The callback that begins may write, until it ends: who keeps the handles may not in another one. */
  beginWriting(): void {
    this.#mayWrite = true
  }

  /** A callback has ended: its iterators are of no use any more; in strict mode what it did is checked (R16). */
  endCallback(): void {
    this.#callback++
    this.#mayWrite = false
    this.#loans?.end()
  }

  /** For `snapshotState`; costs nothing for what has not changed since the last one. */
  snapshot(): unknown {
    return new Map(
      this.#declared.map(({ name, version }) => [
        name,
        this.#maps.get(name)!.encode(name, version),
      ]),
    )
  }

  /** What the job no longer declares is left out; whether it may be is checked before (R5). */
  #restore(operator: string, restored: unknown): void {
    const stored = broadcastStatesIn(restored)
    invariant(stored !== undefined, 'broadcast state was stored as something else')
    for (const state of this.#declared) {
      const bytes = stored.get(state.name)
      const upcast = upcaster(operator, state)
      if (bytes !== undefined) this.#maps.get(state.name)!.restore(bytes, upcast)
    }
  }
}
