import type { Random } from '../../../runtime/clock.ts'
import { below, pick } from '../../simulation/rows.ts'
import { keyText } from '../event.ts'
import type { OracleOperator, Row } from '../oracle-operator.ts'

const KINDS = ['sum', 'min', 'max', 'minBy', 'maxBy'] as const

interface Params {
  readonly kind: (typeof KINDS)[number]
  /** Which of equal records minBy and maxBy keep. */
  readonly first: boolean
}

/** `sum`, `min`, `max`, `minBy` and `maxBy` of a keyed stream: what the key has come to, for each record. */
export const rollingAggregates: OracleOperator<Params> = {
  name: 'rolling-aggregates',
  inputs: 1,
  certainties: ['exact', 'in-time', 'loose'],
  isOrdered: true,

  draw: (random: Random) => ({ kind: pick(random, KINDS), first: below(random, 2) === 0 }),

  build({ first: events, keyOf }, { kind, first }, options) {
    const keyed = events.keyBy(keyOf)
    const rolled =
      kind === 'minBy' || kind === 'maxBy'
        ? keyed[kind]('n', { ...options, first })
        : keyed[kind]('n', options)
    return { main: rolled.map((event): Row => [keyText(keyOf(event)), event.id, event.n]) }
  },

  late: () => 'false',

  async expected({ table }, { kind, first }) {
    const place = first ? 'seq' : '-seq'
    const columns = {
      sum: 'first(id) over so_far, (sum(n) over so_far)::bigint',
      min: 'first(id) over so_far, min(n) over so_far',
      max: 'first(id) over so_far, max(n) over so_far',
      minBy: `arg_min(id, n * 100000 + ${place}) over so_far, min(n) over so_far`,
      maxBy: `arg_max(id, n * 100000 - ${place}) over so_far, max(n) over so_far`,
    }
    const rows = await table.rows(`
      select key, ${columns[kind]}, t from events
      window so_far as (partition by key order by seq rows unbounded preceding) order by split, seq`)
    return { rows }
  },
}
