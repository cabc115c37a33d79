import {
  aggregatingState,
  boundedOutOfOrderness,
  broadcastProcessFunction,
  collectionSink,
  collectionSource,
  count,
  dataGeneratorSource,
  job,
  listState,
  mapState,
  type Out,
  param,
  processFunction,
  reducingState,
  tumblingEventTimeWindows,
  valueState,
} from 'millrace'

/** What the states of a key hold after a record. */
export interface Kept {
  readonly key: number
  readonly n: number
  readonly last: readonly number[]
  readonly byParity: readonly (readonly [string, number])[]
  readonly sum: number
  readonly mean: number | undefined
}

export const FIRST_TIMESTAMP = 1_700_000_000_000
const DAY_MS = 86_400_000

/** Keeps something in a state of each kind, and tells with each record what. */
const keep = processFunction({
  state: {
    n: valueState<number>(),
    last: listState<number>(),
    byParity: mapState<string, number>(),
    sum: reducingState((a: number, b: number) => a + b),
    mean: aggregatingState({
      create: () => ({ sum: 0, count: 0 }),
      add: (all, value: number) => ({ sum: all.sum + value, count: all.count + 1 }),
      result: (all) => all.sum / all.count,
    }),
    recent: valueState<number>({ ttl: '1d' }),
  },
  processElement(index: number, ctx, out: Out<Kept>) {
    const { n, last, byParity, sum, mean, recent } = ctx.state
    n.update((n.value() ?? 0) + 1)
    last.update([...last.get(), index].slice(-3))
    const parity = index % 40 < 20 ? 'even' : 'odd'
    byParity.put(parity, (byParity.get(parity) ?? 0) + 1)
    sum.add(index)
    mean.add(index)
    recent.update(index)
    if (index < 20) ctx.timers.registerEventTime(FIRST_TIMESTAMP + DAY_MS)
    out.emit({
      key: index % 20,
      n: n.value()!,
      last: last.get(),
      byParity: [...byParity.entries()],
      sum: sum.get()!,
      mean: mean.get(),
    })
  },
  onTimer() {},
})

const limited = broadcastProcessFunction({
  broadcastState: { limits: mapState<string, number>() },
  processElement(index: number, ctx, out: Out<number>) {
    if (index === -1) out.emit([...ctx.broadcastState.limits.keys()].length)
  },
  processBroadcastElement([name, limit]: readonly [string, number], ctx) {
    ctx.broadcastState.limits.put(name, limit)
  },
})

/** State of every kind, timers, open windows and broadcast state. */
export default job(
  'keeping',
  { params: { count: param.number(400), rate: param.number(0) } },
  (env, params) => {
    const numbers = env.fromSource(dataGeneratorSource({ ...params, generate: (index) => index }), {
      uid: 'numbers',
      watermarks: boundedOutOfOrderness<number>('0s', (index) => FIRST_TIMESTAMP + index),
    })
    const limits: (readonly [string, number])[] = [
      ['low', 1],
      ['high', 9],
    ]
    numbers
      .keyBy((index) => index % 20)
      .process(keep, { uid: 'keep' })
      .sinkTo(collectionSink<Kept>(), { uid: 'kept' })
    numbers
      .keyBy((index) => index % 20)
      .window(tumblingEventTimeWindows('1d'))
      .aggregate(count(), { uid: 'daily' })
      .sinkTo(collectionSink<number>(), { uid: 'counts' })
    numbers
      .connect(env.fromSource(collectionSource(limits), { uid: 'limits' }).broadcast())
      .process(limited, { uid: 'limited' })
      .sinkTo(collectionSink<number>(), { uid: 'none' })
  },
)
