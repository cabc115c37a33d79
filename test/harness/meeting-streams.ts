import { collectionSink, coProcessFunction, type DataStream, type Out, valueState } from 'millrace'

/** A record that is nothing but its time. */
export interface Tick {
  readonly time: number
}

/**
 * Keeps the records of the left input until event time has passed them, as a join does, and emits how many it has whenever
 * one more comes.
 */
const buffering = coProcessFunction({
  state: { kept: valueState<number>() },
  processElement1(_tick: Tick, ctx, out: Out<number>) {
    const kept = (ctx.state.kept.value() ?? 0) + 1
    ctx.state.kept.update(kept)
    ctx.timers.registerEventTime(ctx.timestamp)
    out.emit(kept)
  },
  processElement2() {},
  onTimer(_timestamp, ctx) {
    ctx.state.kept.update((ctx.state.kept.value() ?? 0) - 1)
  },
})

/** Lets a fast stream wait for a slow one; how many of its records did so, as each came, is collected as "kept". */
export function meet(fast: DataStream<Tick>, slow: DataStream<Tick>): void {
  fast
    .keyBy(() => 'all')
    .connect(slow.keyBy(() => 'all'))
    .process(buffering, { uid: 'buffering' })
    .sinkTo(collectionSink<number>(), { uid: 'kept' })
}
