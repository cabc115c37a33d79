import {
  broadcastProcessFunction,
  collectionSink,
  collectionSource,
  dataGeneratorSource,
  job,
  listState,
  mapState,
  monotonousTimestamps,
  type Out,
  param,
  processFunction,
  reducingState,
  tumblingEventTimeWindows,
  valueState,
} from 'millrace'

/** A record: ten keys in turn, a millisecond each. */
export interface Tick {
  readonly index: number
  readonly key: string
}

/** What is known of a key by then. */
export interface Row extends Tick {
  /** How many records of the key there have been, by each kind of state. */
  readonly n: readonly number[]
}

const KEYS = 10

export function tickOf(index: number): Tick {
  return { index, key: `k${index % KEYS}` }
}

/** What the job must put out for a record, wherever it was interrupted. */
export function rowOf(index: number): Row {
  const n = Math.floor(index / KEYS) + 1
  // The list is emptied at every third record, the value with a time to live is used by every one.
  return { ...tickOf(index), n: [n, n, n, ((n - 1) % 3) + 1, n] }
}

/**
 * The job of the savepoints in this folder: all kinds of state, timers, windows and broadcast state, whose results tell
 * whether anything is lost. What it declares must not change: those savepoints are of it.
 */
export default job(
  'golden',
  { params: { count: param.number(1e6), rate: param.number(0) } },
  (env, { count, rate }) => {
    const ticks = env.fromSource(dataGeneratorSource({ count, rate, generate: tickOf }), {
      uid: 'ticks',
      watermarks: monotonousTimestamps((tick) => tick.index),
    })
    ticks
      .keyBy((tick) => tick.key)
      .process(counts(), { uid: 'counts' })
      .sinkTo(collectionSink(), { uid: 'rows' })
    ticks
      .keyBy((tick) => tick.key)
      .window(tumblingEventTimeWindows(1_000))
      .reduce((a, b) => ({ ...a, index: a.index + b.index }), { uid: 'windows' })
      .sinkTo(collectionSink(), { uid: 'sums' })
    const names = env.fromSource(collectionSource(['first', 'second']), { uid: 'names' })
    ticks
      .connect(names.broadcast())
      .process(known(), { uid: 'known' })
      .sinkTo(collectionSink(), { uid: 'known-names' })
  },
)

const counts = () =>
  processFunction({
    state: {
      value: valueState<number>(),
      map: mapState<string, number>(),
      sum: reducingState<number>((a, b) => a + b),
      list: listState<Date | bigint>(),
      aged: valueState<{ n: number }>({ ttl: { duration: '1d', timeDomain: 'event' } }),
    },
    processElement({ index, key }: Tick, ctx, out: Out<Row>) {
      const { value, map, sum, list, aged } = ctx.state
      value.update((value.value() ?? 0) + 1)
      map.put(`page-${index % 3}`, (map.get(`page-${index % 3}`) ?? 0) + 1)
      sum.add(1)
      list.add(index % 2 === 0 ? BigInt(index) : new Date(index))
      aged.update({ n: (aged.value()?.n ?? 0) + 1 })
      const pages = [...map.values()].reduce((a, b) => a + b, 0)
      const inList = list.get().length
      out.emit({ index, key, n: [value.value()!, pages, sum.get()!, inList, aged.value()!.n] })
      if (inList === 3) list.clear()
      ctx.timers.registerEventTime(index + 5_000)
    },
    onTimer(timestamp, ctx, out) {
      out.emit({ index: -timestamp, key: String(ctx.key), n: [] })
    },
  })

const known = () =>
  broadcastProcessFunction({
    broadcastState: { names: mapState<string, number>() },
    processElement({ index }: Tick, ctx, out: Out<string>) {
      if (index % 1_000 === 999) out.emit([...ctx.broadcastState.names.keys()].join())
    },
    processBroadcastElement(name: string, ctx) {
      ctx.broadcastState.names.put(name, name.length)
    },
  })
