import {
  broadcastProcessFunction,
  collectionSink,
  dataGeneratorSource,
  job,
  mapState,
  type Out,
} from 'millrace'

/** How many rates each price has found. */
const counting = broadcastProcessFunction({
  broadcastState: { rates: mapState<number, boolean>() },
  processElement(_price: number, ctx, out: Out<number>) {
    out.emit([...ctx.broadcastState.rates.keys()].length)
  },
  processBroadcastElement(rate: number, ctx) {
    ctx.broadcastState.rates.put(rate, true)
  },
})

/** Prices that come fast, and two hundred rates that come slowly and are read first. */
export default job('rates-first', {}, (env) => {
  const generate = (n: number): number => n
  const rates = env.fromSource(dataGeneratorSource({ count: 200, generate, rate: 400 }), {
    uid: 'rates',
    readFirst: true,
  })
  env
    .fromSource(dataGeneratorSource({ count: 5_000, generate }), { uid: 'prices' })
    .rebalance()
    .connect(rates.broadcast())
    .process(counting, { uid: 'counting' })
    .sinkTo(collectionSink<number>(), { uid: 'found' })
})
