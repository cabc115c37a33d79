import type { Random } from '../../../runtime/clock.ts'
import { below, pick } from '../../simulation/rows.ts'
import { type Event, keyText } from '../event.ts'
import type { OracleOperator, Row, TimedEvent } from '../oracle-operator.ts'
import { type KeyModel, rowsByKey } from './keyed-model.ts'

/** Ways to say which record is better. */
const RANKINGS = {
  number: { by: (event: Event) => event.n },
  bigint: { by: (event: Event) => BigInt(event.n) },
  text: { by: (event: Event) => String(event.n + 100).padStart(3, '0') },
  compare: { compare: (a: Event, b: Event) => b.n - a.n },
} as const

interface Params {
  readonly n: number
  readonly ranking: keyof typeof RANKINGS
}

/** The n best records of each key so far, of equal ones the earlier: a list for each record that changes it. */
export const topN: OracleOperator<Params> = {
  name: 'top-n',
  inputs: 1,
  certainties: ['exact', 'in-time', 'loose'],
  isOrdered: true,

  draw: (random: Random) => ({
    n: pick(random, [1, 2, 3, 1 + below(random, 20)]),
    ranking: pick(random, Object.keys(RANKINGS) as Params['ranking'][]),
  }),

  build({ first, keyOf }, { n, ranking }, options) {
    const best = first.keyBy(keyOf).topN(n, { ...options, ...RANKINGS[ranking] })
    const main = best.map((list): Row => [
      keyText(keyOf(list[0]!)),
      list.map(({ id }) => id).join(),
    ])
    return { main }
  },

  late: () => 'false',

  expected: async ({ events }, { n }) => ({ rows: rowsByKey(events, () => new BestOfKey(n)) }),
}

class BestOfKey implements KeyModel {
  readonly #n: number
  #best: readonly TimedEvent[] = []

  constructor(n: number) {
    this.#n = n
  }

  add(event: TimedEvent): readonly Row[] {
    // Sorting is stable: of equal ones the earlier comes first.
    this.#best = [...this.#best, event].sort((a, b) => b.n - a.n).slice(0, this.#n)
    if (!this.#best.includes(event)) return []
    return [[event.keyText, this.#best.map(({ id }) => id).join(), event.t]]
  }
}
