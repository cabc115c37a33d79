import type { Random } from '../../../runtime/clock.ts'
import { below, pick } from '../../simulation/rows.ts'
import { keyText } from '../event.ts'
import type { OracleOperator, Row, TimedEvent } from '../oracle-operator.ts'
import { randomSpan, type RandomStream } from '../random-stream.ts'
import { type KeyModel, rowsByKey } from './keyed-model.ts'

interface Params {
  readonly keep: 'first' | 'last'
  /** Infinity: keys are remembered for ever. */
  readonly ttlMs: number | null
}

/** The first or the last record of each key, for ever or for a time (R30); when a time is over, only watermarks tell. */
export const deduplicated: OracleOperator<Params> = {
  name: 'deduplicate',
  inputs: 1,
  certainties: ['exact', 'exact', 'exact', 'in-time', 'loose'],
  isOrdered: true,

  draw: (random: Random, stream: RandomStream) => ({
    keep: pick(random, ['first', 'last'] as const),
    ttlMs:
      stream.certainty === 'exact' && below(random, 5) > 0
        ? randomSpan(random, stream, stream.spanMs)
        : null,
  }),

  build({ first, keyOf }, { keep, ttlMs }, options) {
    const kept = first.keyBy(keyOf).deduplicate({ ...options, keep, ttl: ttlMs ?? 'never' })
    return { main: kept.map((event): Row => [keyText(keyOf(event)), event.id]) }
  },

  late: () => 'false',

  async expected({ table, events }, { keep, ttlMs }) {
    if (ttlMs !== null) {
      const Model = keep === 'first' ? FirstOfKey : LastOfKey
      return { rows: rowsByKey(events, () => new Model(ttlMs)) }
    }
    const order = keep === 'first' ? 'seq' : 't desc, seq desc'
    const rows = await table.rows(`
      select key, id, t from events
      qualify row_number() over (partition by key order by ${order}) = 1`)
    return { rows }
  },
}

class FirstOfKey implements KeyModel {
  readonly #ttlMs: number
  #forgottenAt = -Infinity

  constructor(ttlMs: number) {
    this.#ttlMs = ttlMs
  }

  add({ keyText, id, t, watermark }: TimedEvent): readonly Row[] {
    if (this.#forgottenAt > watermark) return []
    this.#forgottenAt = t + this.#ttlMs
    return [[keyText, id, t]]
  }
}

class LastOfKey implements KeyModel {
  readonly #ttlMs: number
  #last: TimedEvent | undefined

  constructor(ttlMs: number) {
    this.#ttlMs = ttlMs
  }

  add(event: TimedEvent): readonly Row[] {
    const rows = this.#advance(event.watermark)
    if (this.#last === undefined || event.t >= this.#last.t) this.#last = event
    return [...rows, ...this.#advance(event.watermark)]
  }

  end(): readonly Row[] {
    return this.#advance(Infinity)
  }

  /** Puts the record out whose time is over. */
  #advance(watermark: number): readonly Row[] {
    const last = this.#last
    if (last === undefined || last.t + this.#ttlMs > watermark) return []
    this.#last = undefined
    return [[last.keyText, last.id, last.t + this.#ttlMs]]
  }
}
