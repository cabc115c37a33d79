import type { Out } from '../../../operators/collector.ts'
import type { AsyncFunction } from '../../../operators/async/async-function.ts'
import type { Random } from '../../../runtime/clock.ts'
import { below, pick } from '../../simulation/rows.ts'
import { type Event, keyText } from '../event.ts'
import type { OracleOperator, Row } from '../oracle-operator.ts'
import { logUniform } from '../random-stream.ts'

interface Params {
  readonly capacity: number
  /** One in so many calls fails the first time; 0 for none. */
  readonly failEvery: number
  /** Calls take up to so many turns. */
  readonly turns: number
}

/** What an asynchronous function is asked, and what it answers: none, one or two numbers for an event. */
type Answer = readonly [event: Event, place: number]

/**
 * `orderedWait` or `unorderedWait`: none, one or two rows a record, each with the watermark that has gone before it; that is
 * the one before the record, as neither overtakes the other (semantics 2.16).
 */
function asyncWait(method: 'orderedWait' | 'unorderedWait'): OracleOperator<Params> {
  return {
    name: method === 'orderedWait' ? 'ordered-wait' : 'unordered-wait',
    inputs: 1,
    certainties: ['exact', 'exact', 'in-time', 'loose'],
    isOrdered: method === 'orderedWait',
    isRescaled: method === 'unorderedWait',
    maxEvents: 400,

    draw: (random: Random) => ({
      capacity: logUniform(random, 1, 30),
      failEvery: pick(random, [0, 5, 50]),
      turns: 1 + below(random, 6),
    }),

    build({ first, keyOf: key, certainty }, params, options) {
      const { capacity } = params
      const spread = first.partitionCustom((event, partitions) => event.key % partitions)
      const retry = { maxAttempts: 2, delay: 1 }
      const answers = spread[method](ask(params), { ...options, capacity, retry })
      const main = answers.process(([event, place]: Answer, ctx, out: Out<Row>) => {
        const watermark = certainty === 'exact' ? ctx.currentWatermark : 0
        out.emit([keyText(key(event)), event.id, place, watermark])
      })
      return { main }
    },

    late: () => 'false',

    expected: async ({ table, certainty }) => ({
      rows: await table.rows(`
        select key, id, place, ${certainty === 'exact' ? 'if(watermark < -8e15, null, watermark)' : '0'}, t
        from events, range(2) places(place) where place < id % 3 order by split, seq, place`),
    }),
  }
}

export const orderedWait: OracleOperator<Params> = asyncWait('orderedWait')
export const unorderedWait: OracleOperator<Params> = asyncWait('unorderedWait')

function ask({ failEvery, turns }: Params): AsyncFunction<Event, Answer> {
  return async (event, ctx) => {
    const { id } = event
    for (let turn = (id * 7) % turns; turn > 0; turn--) await nextTurn()
    if (failEvery > 0 && id % failEvery === 0 && ctx.callNumber === 1) throw new Error('busy')
    return Array.from({ length: id % 3 }, (_, place): Answer => [event, place])
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
