import type { Key } from '../runtime/key.ts'
import { mapState, valueState } from '../runtime/state/state.ts'
import type { Upsert } from '../runtime/upsert.ts'
import {
  broadcastProcessFunction,
  type BroadcastProcessFunction,
} from './broadcast/broadcast-process.ts'
import { type CoProcessFunction, coProcessFunction } from './co-process.ts'
import type { Out } from './collector.ts'

/**
 * Joins the records of a keyed stream with the row that a table has for their key at that moment: the first input are the
 * records, the second the changes of the table, both with the key of the table.
 *
 * The table is keyed state: the last row of each key; one that is deleted (null) leaves nothing. Between the two inputs there is
 * no order: a record that comes before its row is joined with undefined. Where the table has to be complete first, read its source
 * with `readFirst`. A result that is undefined is left out.
 *
 * @example
 * events
 *   .keyBy((event) => event.card)
 *   .connect(cards.keyBy((change) => change.key))
 *   .process(tableJoin((event: Event, card?: Card) => ({ ...event, limit: card?.limit ?? 0 })), { uid: 'with-card' })
 */
export function tableJoin<T, V, R, K extends Key = Key>(
  join: (record: T, row: V | undefined) => R | undefined,
): CoProcessFunction<T, Upsert<K, V>, R, K> {
  return coProcessFunction({
    state: { row: valueState<V>() },
    processElement1(record: T, ctx, out: Out<R>) {
      const result = join(record, ctx.state.row.value())
      if (result !== undefined) out.emit(result)
    },
    processElement2({ value }: Upsert<K, V>, ctx) {
      if (value === null) ctx.state.row.clear()
      else ctx.state.row.update(value)
    },
  })
}

/** A table as `broadcastTableJoin` shows it. */
export interface TableRows<K, V> {
  /** The row of a key; undefined when it has none. */
  get(key: K): V | undefined
}

/**
 * Joins the records of a stream with a table that every subtask holds in broadcast state: for small tables, and where the records
 * are keyed in another way than the table, or look at several rows.
 *
 * The table has to fit into the memory of each subtask. Otherwise as `tableJoin`.
 *
 * @example
 * prices
 *   .connect(rates.broadcast())
 *   .process(broadcastTableJoin((price: Price, rates: TableRows<string, number>) => price.amount * (rates.get(price.currency) ?? 1)), { uid: 'in-euro' })
 */
export function broadcastTableJoin<T, K extends string | number, V, R>(
  join: (record: T, rows: TableRows<K, V>) => R | undefined,
): BroadcastProcessFunction<T, Upsert<K, V>, R> {
  return broadcastProcessFunction({
    broadcastState: { rows: mapState<K, V>() },
    processElement(record: T, ctx, out: Out<R>) {
      const result = join(record, ctx.broadcastState.rows as TableRows<K, V>)
      if (result !== undefined) out.emit(result)
    },
    processBroadcastElement({ key, value }: Upsert<K, V>, ctx) {
      if (value === null) ctx.broadcastState.rows.remove(key)
      else ctx.broadcastState.rows.put(key, value)
    },
  })
}
