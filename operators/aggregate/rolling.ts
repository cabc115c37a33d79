import { valueState } from '../../runtime/state/state.ts'
import type { Out } from '../collector.ts'
import type { OperatorSpec } from '../operator-spec.ts'
import { processFunction } from '../process.ts'
import { type ExtremeOptions, fieldAggregate, type FieldAggregateKind } from './field-aggregate.ts'

/**
 * The operator behind `sum`, `min`, `max`, `minBy` and `maxBy` of a keyed stream: emits what the key has come to for each
 * record, with the record's timestamp. A record that changes nothing is no change of state.
 */
export function rollingSpec(
  kind: FieldAggregateKind,
  field: string,
  options: ExtremeOptions = {},
): OperatorSpec {
  const aggregate = fieldAggregate(kind, field, options)
  const { spec } = processFunction({
    state: { [kind]: valueState<unknown>() },
    processElement(record: unknown, ctx, out: Out<unknown>) {
      const state = ctx.state[kind]!
      const before = state.value()
      const after = aggregate(before, record)
      if (after !== before) state.update(after)
      out.emit(after)
    },
  })
  return { ...spec, operatorKind: kind }
}
