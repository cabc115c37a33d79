import {
  boundedOutOfOrderness,
  fileSink,
  fileSource,
  job,
  json,
  type Out,
  param,
  processFunction,
  valueState,
} from 'millrace'
import { bundledRides, type Ride, rideRows, timeOf, toRide } from './ride.ts'

type RideEvent = Pick<Ride, 'kind' | 'at'>

/** What is told of a long ride. */
export interface LongRide {
  readonly rideId: number
  readonly taxiId: number
  readonly minutes: number
}

/** Rides that took more than an hour, from their START and END, whichever comes first. */
export default job(
  'taxi-long-rides',
  {
    params: {
      input: param.string(bundledRides, 'Taxi rides: a CSV file, a folder or a glob'),
      out: param.string('out/taxi-long-rides', 'Where the long rides go'),
      disorder: param.duration('1m', 'How far events may be out of order'),
      rate: param.number(0, 'Rows per second; 0 is as fast as possible'),
      longest: param.duration('12h', 'How long the END of a ride is waited for'),
    },
  },
  (env, params) => {
    env
      .fromSource(fileSource({ path: params.input, format: rideRows, rate: params.rate }), {
        uid: 'rides',
        watermarks: boundedOutOfOrderness(params.disorder, timeOf),
      })
      .map(toRide)
      .keyBy((ride) => ride.rideId)
      .process(longRides(params.longest), { uid: 'long-rides' })
      .sinkTo(fileSink({ dir: params.out, format: json<LongRide>() }), { uid: 'long-rides-out' })
  },
)

/** Joins the two events of a ride; one whose other is waited for in vain leaves nothing behind. */
export const longRides = (longestMs: number) => {
  // A START is older than its END: when the watermark has come to an END, its START comes no more.
  const endOfWait = ({ kind, at }: RideEvent) => (kind === 'START' ? at + longestMs : at)
  return processFunction({
    state: { waiting: valueState<RideEvent>() },

    processElement({ kind, at, rideId, taxiId }: Ride, ctx, out: Out<LongRide>) {
      const { waiting } = ctx.state
      const other = waiting.value()
      if (other === undefined) {
        waiting.update({ kind, at })
        ctx.timers.registerEventTime(endOfWait({ kind, at }))
      } else if (other.kind !== kind) {
        waiting.clear()
        ctx.timers.deleteEventTime(endOfWait(other))
        const minutes = Math.abs(at - other.at) / 60_000
        if (minutes > 60) out.emit({ rideId, taxiId, minutes })
      }
    },

    onTimer(_timestamp, ctx) {
      ctx.state.waiting.clear()
    },
  })
}
