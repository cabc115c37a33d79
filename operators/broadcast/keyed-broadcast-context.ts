import type { CallbackScope } from '../collector.ts'
import { OperatorProcessContext, type StateDeclarations } from '../process-context.ts'
import type { BroadcastTimerContext } from './broadcast-context.ts'
import type { BroadcastStateDeclarations, ReadableBroadcastState } from './broadcast-state.ts'

/** The context of the keyed side and of timers: as of a process function, and broadcast state to be read. */
export class OperatorKeyedBroadcastContext
  extends OperatorProcessContext
  implements BroadcastTimerContext<StateDeclarations, BroadcastStateDeclarations>
{
  readonly #scope: CallbackScope
  readonly #broadcastState: ReadableBroadcastState<BroadcastStateDeclarations>

  constructor(
    parts: ConstructorParameters<typeof OperatorProcessContext>[0],
    broadcastState: ReadableBroadcastState<BroadcastStateDeclarations>,
  ) {
    super(parts)
    this.#scope = parts.scope
    this.#broadcastState = broadcastState
  }

  get broadcastState(): ReadableBroadcastState<BroadcastStateDeclarations> {
    this.#scope.check('the broadcast state')
    return this.#broadcastState
  }
}
