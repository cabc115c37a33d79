import { type CoProcessFunction, coProcessFunction } from '../../operators/co-process.ts'
import { processFunction, type ProcessFunction } from '../../operators/process.ts'
import { outputTag } from '../../operators/output-tag.ts'
import type { Out } from '../../operators/collector.ts'
import type { AggregateFunction } from '../../operators/window/aggregate-function.ts'
import type { WindowFunction } from '../../operators/window/window-function.ts'
import { RestartableError } from '../../runtime/errors.ts'
import type { Key } from '../../runtime/key.ts'
import type { TimerService } from '../../runtime/operator.ts'
import { listState, mapState, type MapState, valueState } from '../../runtime/state/state.ts'
import type { Row } from './rows.ts'

/** Where the side output of `splitting` goes. */
export const ODD = outputTag<Row>('odd')

/** A key as text, the same for equal keys. */
export function keyText(key: Key): string {
  return Array.isArray(key) ? key.map(keyText).join('|') : String(key)
}

export function bucketEnd(t: number, size: number): number {
  return Math.floor(t / size) * size + size
}

/** The row that a bucket or window of a key comes to. */
export function bucketRow(uid: string, key: Key, end: number, sum: number): Row {
  return { id: `${uid}/${keyText(key)}@${end}`, key: keyText(key), n: sum, t: end - 1 }
}

/** A timer fires once, and only for a bucket that is there. */
function extraTimer(timestamp: number): Error {
  return new Error(`a timer fires at ${timestamp} for a bucket that is not there`)
}

/** Sums per key and bucket of event time, kept in map state. */
export function bucketsInMap(uid: string, size: number): ProcessFunction<Row, Row> {
  return processFunction({
    state: { sums: mapState<number, number>() },
    processElement(row: Row, ctx, _out: Out<Row>) {
      const end = bucketEnd(ctx.timestamp, size)
      ctx.state.sums.put(end, (ctx.state.sums.get(end) ?? 0) + row.n)
      ctx.timers.registerEventTime(end - 1)
    },
    onTimer(timestamp, ctx, out) {
      const sum = ctx.state.sums.get(timestamp + 1)
      if (sum === undefined) throw extraTimer(timestamp)
      ctx.state.sums.remove(timestamp + 1)
      out.emit(bucketRow(uid, ctx.key, timestamp + 1, sum))
    },
  })
}

/** The same, kept as a list of all that came. */
export function bucketsInList(uid: string, size: number): ProcessFunction<Row, Row> {
  return processFunction({
    state: { rows: listState<{ end: number; n: number }>() },
    processElement(row: Row, ctx, _out: Out<Row>) {
      const end = bucketEnd(ctx.timestamp, size)
      ctx.state.rows.add({ end, n: row.n })
      ctx.timers.registerEventTime(end - 1)
    },
    onTimer(timestamp, ctx, out) {
      const rows = ctx.state.rows.get()
      const due = rows.filter(({ end }) => end === timestamp + 1)
      ctx.state.rows.update(rows.filter(({ end }) => end !== timestamp + 1))
      if (due.length === 0) throw extraTimer(timestamp)
      const sum = due.reduce((total, { n }) => total + n, 0)
      out.emit(bucketRow(uid, ctx.key, timestamp + 1, sum))
    },
  })
}

/** The same, kept as one value that is changed in place and stored again. */
export function bucketsInValue(uid: string, size: number): ProcessFunction<Row, Row> {
  return processFunction({
    state: { sums: valueState<Map<number, number>>() },
    processElement(row: Row, ctx, _out: Out<Row>) {
      const end = bucketEnd(ctx.timestamp, size)
      const sums = ctx.state.sums.value() ?? new Map<number, number>()
      sums.set(end, (sums.get(end) ?? 0) + row.n)
      ctx.state.sums.update(sums)
      ctx.timers.registerEventTime(end - 1)
    },
    onTimer(timestamp, ctx, out) {
      const sums = ctx.state.sums.value()
      const sum = sums?.get(timestamp + 1)
      if (sums === undefined || sum === undefined) throw extraTimer(timestamp)
      sums.delete(timestamp + 1)
      if (sums.size > 0) ctx.state.sums.update(sums)
      else ctx.state.sums.clear()
      out.emit(bucketRow(uid, ctx.key, timestamp + 1, sum))
    },
  })
}

/** Sums per key and bucket of two inputs that share the state of the key. */
export function bucketsOfBoth(uid: string, size: number): CoProcessFunction<Row, Row, Row> {
  const add = (
    row: Row,
    timestamp: number,
    sums: MapState<number, number>,
    timers: TimerService,
  ) => {
    const end = bucketEnd(timestamp, size)
    sums.put(end, (sums.get(end) ?? 0) + row.n)
    timers.registerEventTime(end - 1)
  }
  return coProcessFunction({
    state: { sums: mapState<number, number>() },
    processElement1(row: Row, ctx, _out: Out<Row>) {
      add(row, ctx.timestamp, ctx.state.sums, ctx.timers)
    },
    processElement2(row: Row, ctx, _out: Out<Row>) {
      add(row, ctx.timestamp, ctx.state.sums, ctx.timers)
    },
    onTimer(timestamp, ctx, out) {
      const sum = ctx.state.sums.get(timestamp + 1)
      if (sum === undefined) throw extraTimer(timestamp)
      ctx.state.sums.remove(timestamp + 1)
      out.emit(bucketRow(uid, ctx.key, timestamp + 1, sum))
    },
  })
}

export const windowSum: AggregateFunction<Row, { sum: number }, number> = {
  create: () => ({ sum: 0 }),
  add: (accumulator, row) => ({ sum: accumulator.sum + row.n }),
  result: ({ sum }) => sum,
}

export function windowRow(uid: string): WindowFunction<number, Row> {
  return (sum, ctx, out) => out.emit(bucketRow(uid, ctx.key, ctx.window.end, sum))
}

/** The running sum of each key: right only when nothing is lost, doubled or out of order. */
export function running(): ProcessFunction<Row, Row> {
  return processFunction({
    state: { sum: valueState<number>() },
    processElement(row: Row, ctx, out: Out<Row>) {
      const sum = (ctx.state.sum.value() ?? 0) + row.n
      ctx.state.sum.update(sum)
      out.emit({ ...row, n: sum })
    },
  })
}

/** Holds rows back for a while of processing time; the end of input lets go what is left. */
export function lingering(delayMs: number): ProcessFunction<Row, Row> {
  return processFunction({
    state: { held: listState<Row>() },
    processElement(row: Row, ctx, _out: Out<Row>) {
      if (ctx.state.held.get().length === 0) {
        ctx.timers.registerProcessingTime(ctx.timers.currentProcessingTime + delayMs)
      }
      ctx.state.held.add(row)
    },
    onTimer(_timestamp, ctx, out) {
      for (const row of ctx.state.held.get()) out.emit(row)
      ctx.state.held.clear()
    },
  })
}

/** Even numbers go on, odd ones to the side. */
export function splitting(): ProcessFunction<Row, Row> {
  return processFunction({
    processElement(row: Row, ctx, out: Out<Row>) {
      if (row.n % 2 === 0) out.emit(row)
      else ctx.output(ODD, row)
    },
  })
}

/** Fails at one row, in the first attempt of each run. */
export function flaky(id: string): ProcessFunction<Row, Row> {
  return processFunction({
    processElement(row: Row, ctx, out: Out<Row>) {
      if (row.id === id && ctx.attempt === 1) {
        throw new RestartableError('MR_FUNCTION_FAILED', `Row ${id} fails in the first attempt.`)
      }
      out.emit(row)
    },
  })
}
