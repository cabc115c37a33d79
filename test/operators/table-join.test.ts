import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  broadcastTableJoin,
  collectionSink,
  collectionSource,
  job,
  tableJoin,
  type TableRows,
  type Upsert,
} from 'millrace'
import { testJob } from 'millrace/testing'

interface Query {
  readonly n: number
  readonly key: string
}

const KEYS = ['a', 'b', 'c']
const upserts = fc.array(
  fc.record({
    key: fc.constantFrom(...KEYS),
    value: fc.option(fc.integer({ min: 1, max: 9 }), { nil: null }),
  }),
  { maxLength: 12 },
)

/** The table after all changes, as a map would be. */
function tableOf(changes: readonly Upsert<string, number>[]): Map<string, number> {
  const table = new Map<string, number>()
  for (const { key, value } of changes) {
    if (value === null) table.delete(key)
    else table.set(key, value)
  }
  return table
}

const queries = KEYS.map((key, n) => ({ n, key }))

describe.each(['keyed', 'broadcast'] as const)('a join with a %s table', (kind) => {
  it('sees the last row of each key, and none of a key that was deleted, at any parallelism', async () => {
    await fc.assert(
      fc.asyncProperty(upserts, fc.integer({ min: 1, max: 3 }), async (changes, parallelism) => {
        const joined = job('joined', {}, (env) => {
          const table = env.fromSource(collectionSource<Upsert<string, number>>(changes), {
            uid: 'table',
            readFirst: true,
          })
          const events = env.fromSource(collectionSource<Query>(queries), { uid: 'events' })
          const result =
            kind === 'keyed'
              ? events
                  .keyBy(({ key }) => key)
                  .connect(table.keyBy(({ key }) => key))
                  .process(
                    tableJoin(({ n }: Query, row?: number) =>
                      row === undefined ? undefined : [n, row],
                    ),
                    { uid: 'join' },
                  )
              : events.connect(table.broadcast()).process(
                  broadcastTableJoin(({ n, key }: Query, rows: TableRows<string, number>) => {
                    const row = rows.get(key)
                    return row === undefined ? undefined : [n, row]
                  }),
                  { uid: 'join' },
                )
          result.sinkTo(collectionSink(), { uid: 'out' })
        })
        const { collected } = await testJob(joined, { parallelism })
        const wanted = tableOf(changes)
        const found = (collected['out'] ?? []).toSorted() as [number, number][]
        expect(found).toEqual(
          queries.flatMap(({ n, key }) => (wanted.has(key) ? [[n, wanted.get(key)]] : [])),
        )
      }),
      { numRuns: 40 },
    )
  })
})
