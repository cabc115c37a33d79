import type { Out } from '../../../operators/collector.ts'
import { processFunction } from '../../../operators/process.ts'
import type { Random } from '../../../runtime/clock.ts'
import { aggregatingState, listState, mapState } from '../../../runtime/state/state.ts'
import { reducingState, valueState } from '../../../runtime/state/state.ts'
import { pick } from '../../simulation/rows.ts'
import { type Event, keyText } from '../event.ts'
import type { OracleOperator, Row } from '../oracle-operator.ts'
import { randomSpan, type RandomStream } from '../random-stream.ts'
import { rowsByKey } from './keyed-model.ts'
import { changesOf, TtlModel } from './ttl-model.ts'

interface Params {
  readonly ttlMs: number
  readonly update: 'onCreateAndWrite' | 'onReadAndWrite'
}

/** State of all five kinds that expires by the watermark: each record shows what is there, and changes some of it (R30). */
export const eventTimeTtl: OracleOperator<Params> = {
  name: 'event-time-ttl',
  inputs: 1,
  // What has expired depends on the watermark alone.
  certainties: ['exact'],
  isOrdered: true,
  maxEvents: 1_500,

  draw: (random: Random, stream: RandomStream) => ({
    ttlMs: randomSpan(random, stream, stream.spanMs),
    update: pick(random, ['onCreateAndWrite', 'onReadAndWrite'] as const),
  }),

  build({ first, keyOf }, params, options) {
    return { main: first.keyBy(keyOf).process(showAndChange(params), options) }
  },

  late: () => 'false',

  expected: async ({ events }, { ttlMs, update }) => ({
    rows: rowsByKey(events, () => new TtlModel(ttlMs, update === 'onReadAndWrite')),
  }),
}

function showAndChange({ ttlMs, update }: Params) {
  const ttl = { duration: ttlMs, timeDomain: 'event', update } as const
  const sum = (a: number, b: number): number => a + b
  return processFunction({
    state: {
      value: valueState<number>({ ttl }),
      list: listState<number>({ ttl }),
      map: mapState<number, number>({ ttl }),
      reduced: reducingState(sum, { ttl }),
      folded: aggregatingState({ create: () => 0, add: sum, result: (all) => -all }, { ttl }),
    },
    processElement(event: Event, ctx, out: Out<Row>) {
      const { value, list, map, reduced, folded } = ctx.state
      const entries = [...map.entries()].map(([key, id]) => `${key}:${id}`).join()
      out.emit([
        keyText(ctx.key),
        event.id,
        value.value() ?? null,
        list.get().join(),
        entries,
        reduced.get() ?? null,
        folded.get() ?? null,
      ])
      const changes = changesOf(event)
      if (changes.clears) for (const state of [value, list, map, reduced, folded]) state.clear()
      if (changes.value) value.update(event.id)
      if (changes.list) list.add(event.id)
      if (changes.map) map.put(event.n + 20, event.id)
      if (changes.reduced) reduced.add(event.n)
      if (changes.folded) folded.add(event.n)
    },
  })
}
