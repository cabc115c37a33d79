import type { Event } from '../event.ts'
import { keyText } from '../event.ts'
import type { OracleOperator, Row } from '../oracle-operator.ts'

/** `reduce` of a keyed stream: one updated value a record, in the order of the key. */
export const rollingReduce: OracleOperator<Record<string, never>> = {
  name: 'rolling-reduce',
  inputs: 1,
  certainties: ['exact', 'in-time', 'loose'],
  isOrdered: true,
  draw: () => ({}),

  build({ first, keyOf }, _params, options) {
    const sums = first
      .keyBy(keyOf)
      .reduce((sum: Event, event) => ({ ...event, n: sum.n + event.n, side: sum.side }), options)
    return { main: sums.map((sum): Row => [keyText(keyOf(sum)), sum.id, sum.n, sum.side, sum.t]) }
  },

  // No record is late for it, however far the watermark is.
  late: () => 'false',

  expected: async ({ table }) => ({
    rows: await table.rows(`
      select key, id, (sum(n) over so_far)::bigint, first(side) over so_far, t, t from events
      window so_far as (partition by key order by seq rows unbounded preceding) order by split, seq`),
  }),
}
