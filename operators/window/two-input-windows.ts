import type { JoinRecord } from './join-function.ts'
import { WindowOperator } from './window-operator.ts'

/**
 * The window operator for two inputs: the windows of a key hold the records of both, each with the side from which it came, as
 * if the two were one stream (semantics 1.3).
 */
export class TwoInputWindows extends WindowOperator {
  override processElement(value: unknown, timestamp: number): void {
    const record: JoinRecord<unknown, unknown> = { side: 'left', value }
    super.processElement(record, timestamp)
  }

  processElement2(value: unknown, timestamp: number): void {
    const record: JoinRecord<unknown, unknown> = { side: 'right', value }
    super.processElement(record, timestamp)
  }
}
