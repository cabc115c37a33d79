import type { Out } from '../../../operators/collector.ts'
import { coProcessFunction } from '../../../operators/co-process.ts'
import { valueState } from '../../../runtime/state/state.ts'
import { type Event, keyText } from '../event.ts'
import type { OracleOperator, Row } from '../oracle-operator.ts'

/**
 * `connect` where the result depends on the order between both inputs: what a key has got on the other side last, and how
 * much on both. One subtask that reads one source sees its records in their order.
 */
export const connectedLatest: OracleOperator<Record<string, never>> = {
  name: 'connected-latest',
  inputs: 2,
  certainties: ['exact'],
  isOrdered: true,
  draw: () => ({}),

  build({ first, second, keyOf }, _params, options) {
    return { main: first.keyBy(keyOf).connect(second.keyBy(keyOf)).process(latest, options) }
  },

  late: () => 'false',

  expected: async ({ table }) => ({
    rows: await table.rows(`
      select key, id, if(side = 0,
        last_value(if(side = 1, id, null) ignore nulls) over before,
        last_value(if(side = 0, id, null) ignore nulls) over before) as other,
        count(*) over so_far, t from events
      window so_far as (partition by key order by seq rows unbounded preceding),
        before as (partition by key order by seq rows between unbounded preceding and 1 preceding)
      order by seq`),
  }),
}

const latest = coProcessFunction({
  state: { first: valueState<number>(), second: valueState<number>(), count: valueState<number>() },
  processElement1({ id }: Event, ctx, out: Out<Row>) {
    const { first, second, count } = ctx.state
    first.update(id)
    count.update((count.value() ?? 0) + 1)
    out.emit([keyText(ctx.key), id, second.value() ?? null, count.value()!])
  },
  processElement2({ id }: Event, ctx, out: Out<Row>) {
    const { first, second, count } = ctx.state
    second.update(id)
    count.update((count.value() ?? 0) + 1)
    out.emit([keyText(ctx.key), id, first.value() ?? null, count.value()!])
  },
})
