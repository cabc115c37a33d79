import {
  collectionSink,
  coProcessFunction,
  dataGeneratorSource,
  job,
  type Out,
  punctuatedWatermarks,
  valueState,
} from 'millrace'

const T0 = 1_700_000_000_000

interface Tick {
  readonly time: number
}

/** Keeps ticks of the left input until event time has passed them, and emits how many it has with each. */
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

/** A fast source and a slow one that keep together: neither is more than 20 ticks ahead. */
export default job('meeting', {}, (env) => {
  const timeOf = ({ time }: Tick): number => time
  const alignment = { group: 'both', maxDrift: 20 } as const
  const watermarks = punctuatedWatermarks(timeOf, timeOf, { alignment })
  const ticks = (rate: number) =>
    dataGeneratorSource({ count: 3_000, generate: (i): Tick => ({ time: T0 + i }), rate })
  const fast = env.fromSource(ticks(0), { uid: 'fast', watermarks })
  const slow = env.fromSource(ticks(3_000), { uid: 'slow', watermarks })
  fast
    .keyBy(() => 'all')
    .connect(slow.keyBy(() => 'all'))
    .process(buffering, { uid: 'buffering' })
    .sinkTo(collectionSink<number>(), { uid: 'kept' })
})
