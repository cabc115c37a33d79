import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import type { TimedEvent } from './oracle-operator.ts'
import type { Event } from './event.ts'

/** Stands for "no watermark yet" in SQL. */
const NO_WATERMARK = -9_000_000_000_000_000

/**
 * The events of a case in an in-memory DuckDB, for questions in SQL.
 *
 * Table `events`: id, split, seq (place in the split), side, key (as text), n, t, watermark (the highest that the split gave
 * before the event, a very low number for none). Table `in_time`: those of them that are not late.
 */
export class EventTable {
  readonly #connection: DuckDBConnection

  constructor(connection: DuckDBConnection) {
    this.#connection = connection
  }

  static async open(): Promise<EventTable> {
    const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
    const connection = await instance.connect()
    await connection.run(
      'create table raw (id integer, split integer, seq integer, side integer, key varchar, n bigint, t bigint, mark bigint)',
    )
    await connection.run('create table late_ids (id integer)')
    return new EventTable(connection)
  }

  /** Takes the events of a case in place of those before. */
  async load(
    splits: readonly (readonly Event[])[],
    textOf: (event: Event) => string,
  ): Promise<readonly TimedEvent[]> {
    const connection = this.#connection
    await connection.run('truncate raw')
    await connection.run('truncate late_ids')
    const appender = await connection.createAppender('raw')
    for (const [split, events] of splits.entries()) {
      for (const [seq, event] of events.entries()) {
        appender.appendInteger(event.id)
        appender.appendInteger(split)
        appender.appendInteger(seq)
        appender.appendInteger(event.side)
        appender.appendVarchar(textOf(event))
        appender.appendBigInt(BigInt(event.n))
        appender.appendBigInt(BigInt(event.t))
        if (event.mark === null) appender.appendNull()
        else appender.appendBigInt(BigInt(event.mark))
        appender.endRow()
      }
    }
    appender.closeSync()
    await connection.run(`create or replace table events as
      select id, split, seq, side, key, n, t, coalesce(max(mark) over (
        partition by split order by seq rows between unbounded preceding and 1 preceding
      ), ${NO_WATERMARK}) as watermark from raw`)
    const rows = await this.rows('select id, watermark, key from events order by split, seq')
    const all = splits.flatMap((events, split) => events.map((event) => ({ ...event, split })))
    return all.map((event, index) => {
      const [, watermark, keyText] = rows[index]!
      return {
        ...event,
        keyText: keyText as string,
        watermark: watermark === NO_WATERMARK ? -Infinity : (watermark as number),
      }
    })
  }

  /** Ids of the events that meet a condition. */
  async idsWhere(condition: string): Promise<Set<number>> {
    const rows = await this.rows(`select id from events where ${condition}`)
    return new Set(rows.map(([id]) => id as number))
  }

  /** Says which events are late: `in_time` holds the others. */
  async setLate(ids: ReadonlySet<number>): Promise<void> {
    const appender = await this.#connection.createAppender('late_ids')
    for (const id of ids) {
      appender.appendInteger(id)
      appender.endRow()
    }
    appender.closeSync()
    await this.#connection.run(
      'create or replace table in_time as select * from events anti join late_ids using (id)',
    )
  }

  /** Asks; whole numbers come as numbers. */
  async rows(sql: string): Promise<(string | number | null)[][]> {
    const reader = await this.#connection.runAndReadAll(sql)
    return reader
      .getRows()
      .map((row) =>
        row.map((value) =>
          typeof value === 'bigint' ? Number(value) : (value as string | number | null),
        ),
      )
  }
}
