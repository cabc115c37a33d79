import type { OperatorContext } from '../../runtime/operator.ts'
import type { OperatorStateDescriptor } from '../../runtime/state/operator-state.ts'
import type { CallbackScope } from '../collector.ts'
import { type FunctionLifecycle, FunctionRun } from '../function.ts'
import { OperatorLists } from './operator-lists.ts'
import type { OperatorStateContext, OperatorStateDeclarations } from './operator-state.ts'

/** Opens and closes the function of an operator that may declare lists of its subtask, and keeps these. */
export class StatefulFunctionRun extends FunctionRun {
  protected readonly lists: OperatorLists | undefined

  constructor(
    lifecycle: FunctionLifecycle,
    context: OperatorContext,
    scope: CallbackScope,
    declared: readonly OperatorStateDescriptor[],
  ) {
    super(lifecycle, context)
    if (declared.length > 0) this.lists = new OperatorLists(context, scope, declared)
  }

  override open(): void | Promise<void> {
    const { lists } = this
    if (lists === undefined) return super.open()
    lists.isOpening = true
    const opened = super.open()
    if (opened === undefined) this.#opened(lists)
    else return opened.then(() => this.#opened(lists))
  }

  snapshotState(): unknown {
    return this.lists?.snapshot()
  }

  protected override openContext(): OperatorStateContext<OperatorStateDeclarations> {
    return { ...super.openContext(), operatorState: this.lists?.handles ?? {} }
  }

  #opened(lists: OperatorLists): void {
    lists.isOpening = false
    lists.endCallback()
  }
}
