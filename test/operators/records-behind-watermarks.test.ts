import { expect, it } from 'vitest'
import {
  collectionSink,
  collectionSource,
  job,
  mapState,
  type Out,
  processFunction,
  punctuatedWatermarks,
} from 'millrace'
import { forSeeds, testJob } from 'millrace/testing'

/** A record, and how far its input is complete with it, if it says so. */
interface Row {
  readonly time: number
  readonly key: number
  readonly completeTo?: number
}

/** One record makes many, with a watermark in the middle of them. */
const expanding = job('expanding', {}, (env) => {
  env
    .fromSource(collectionSource([0, 1_000, 2_000]), { uid: 'starts' })
    .flatMap(
      (start: number, out: Out<Row>) => {
        for (let key = 0; key < 60; key++) out.emit({ time: start + key, key })
        out.emit({ time: start + 500, key: 60, completeTo: start + 500 })
        for (let key = 0; key < 60; key++) out.emit({ time: start + 501 + key, key })
      },
      { uid: 'expanded' },
    )
    .assignTimestampsAndWatermarks(
      punctuatedWatermarks(
        (row: Row) => row.completeTo,
        (row: Row) => row.time,
      ),
      { uid: 'time' },
    )
    .keyBy((row: Row) => row.key)
    .process(
      processFunction({
        state: { open: mapState<number, true>() },
        processElement(row: Row, ctx, out: Out<string>) {
          const { currentWatermark } = ctx.timers
          for (const time of ctx.state.open.keys()) {
            if (time <= currentWatermark) out.emit(`${row.time} before the timer of ${time}`)
          }
          ctx.state.open.put(row.time, true)
          ctx.timers.registerEventTime(row.time)
        },
        onTimer(time: number, ctx) {
          ctx.state.open.remove(time)
        },
      }),
      { uid: 'checked' },
    )
    .sinkTo(collectionSink(), { uid: 'out' })
})

it.each([1, 2])(
  'lets no record overtake a watermark that came before it out of one input, at parallelism %i (R8, R13)',
  async (parallelism) => {
    await forSeeds(10, async (seed) => {
      const { collected } = await testJob(expanding, { seed, parallelism })
      expect(collected['out']).toEqual([])
    })
  },
)
