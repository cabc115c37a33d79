import { keyedBroadcastProcessFunction } from '../../../operators/broadcast/keyed-broadcast-process.ts'
import type { Out } from '../../../operators/collector.ts'
import type { Random } from '../../../runtime/clock.ts'
import { mapState, valueState } from '../../../runtime/state/state.ts'
import { type Event, keyText } from '../event.ts'
import type { OracleOperator, Row } from '../oracle-operator.ts'
import type { RandomStream } from '../random-stream.ts'
import {
  type BroadcastParams,
  broadcastProblem,
  broadcastRows,
  isVisiting,
  ruleChange,
  ruleOf,
} from './broadcast-model.ts'

/**
 * Broadcast state that one input writes, by split, and the other reads, with a keyed count that broadcast records visit
 * (semantics 2.18). Each record of the stream shows all that has been broadcast, each visit the count of the key by then.
 */
export const broadcastRules: OracleOperator<BroadcastParams> = {
  name: 'broadcast-rules',
  inputs: 2,
  certainties: ['exact', 'loose'],
  isOrdered: true,
  maxEvents: 600,

  draw: (_random: Random, { splits }: RandomStream) => ({ splits: splits.length }),

  build({ first, second, keyOf }, params, options) {
    return { main: first.keyBy(keyOf).connect(second.broadcast()).process(rules(params), options) }
  },

  late: () => 'false',

  // One subtask that reads one source sees the records of both inputs in their order.
  expected: async ({ events, certainty }, params) => ({
    rows: certainty === 'exact' ? broadcastRows(events, params) : [],
  }),

  justify: ({ events }, params, rows) => broadcastProblem(events, params, rows),
}

function rules({ splits }: BroadcastParams) {
  return keyedBroadcastProcessFunction({
    state: { count: valueState<number>() },
    broadcastState: { seen: mapState<number, number>(), rules: mapState<number, number>() },
    processElement(event: Event, ctx, out: Out<Row>) {
      const count = (ctx.state.count.value() ?? 0) + 1
      ctx.state.count.update(count)
      const { seen, rules } = ctx.broadcastState
      const shown = Array.from({ length: splits }, (_, split) => {
        const ids = [0, 1, 2, 3].map((rule) => rules.get(split * 4 + rule) ?? '')
        return `${seen.get(split) ?? 0}:${ids.join()}`
      })
      out.emit([keyText(ctx.key), event.id, count, shown.join(' ')])
    },
    processBroadcastElement(event: Event, ctx, out: Out<Row>) {
      const { seen, rules } = ctx.broadcastState
      const split = event.id % splits
      seen.put(split, (seen.get(split) ?? 0) + 1)
      const change = ruleChange(event)
      if (change === 'put') rules.put(split * 4 + ruleOf(event), event.id)
      else if (change === 'remove') rules.remove(split * 4 + ruleOf(event))
      else for (let rule = 0; rule < 4; rule++) rules.remove(split * 4 + rule)
      if (!isVisiting(event)) return
      ctx.applyToKeyedState('count', (key, count) => {
        out.emit([keyText(key), -1 - event.id, count.value() ?? null, 'visit'])
      })
    },
  })
}
