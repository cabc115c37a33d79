import {
  boundedOutOfOrderness,
  count,
  fileSink,
  fileSource,
  job,
  json,
  type Out,
  param,
  slidingEventTimeWindows,
} from 'millrace'
import { bundledRides, isInNewYork, type Ride, rideRows, timeOf, toRide } from './ride.ts'

/** A cell of the city where many rides began, or ended, in a quarter of an hour. */
export interface PopularPlace {
  readonly kind: Ride['kind']
  /** Cells of about 100 by 140 m, counted from the north-west corner: to the east and to the south. */
  readonly x: number
  readonly y: number
  /** When the quarter of an hour ended, in ms since the epoch. */
  readonly end: number
  readonly rides: number
}

/** Places where rides begin or end in large numbers, every five minutes. */
export default job(
  'taxi-popular-places',
  {
    params: {
      input: param.string(bundledRides, 'Taxi rides: a CSV file, a folder or a glob'),
      out: param.string('out/taxi-popular-places', 'Where the places go'),
      disorder: param.duration('1m', 'How far events may be out of order'),
      rate: param.number(0, 'Rows per second; 0 is as fast as possible'),
      least: param.number(40, 'How many rides in a quarter of an hour make a place popular'),
      cleaned: param.boolean(true, 'Leave out rides that begin or end outside of New York'),
    },
  },
  (env, params) => {
    env
      .fromSource(fileSource({ path: params.input, format: rideRows, rate: params.rate }), {
        uid: 'rides',
        watermarks: boundedOutOfOrderness(params.disorder, timeOf),
      })
      .map(toRide)
      .filter((ride) => !params.cleaned || isInNewYork(ride))
      .keyBy(placeOf)
      .window(slidingEventTimeWindows('15m', '5m'))
      .aggregate(
        count(),
        (rides, { key: [kind, x, y], window }, out: Out<PopularPlace>) => {
          if (rides >= params.least) out.emit({ kind, x, y, end: window.end, rides })
        },
        { uid: 'rides-per-place' },
      )
      .sinkTo(fileSink({ dir: params.out, format: json<PopularPlace>() }), { uid: 'places' })
  },
)

/** Where a START began, or an END ended. */
function placeOf({ kind, startLon, startLat, endLon, endLat }: Ride) {
  const [longitude, latitude] = kind === 'START' ? [startLon, startLat] : [endLon, endLat]
  const x = Math.floor((74.05 - Math.abs(longitude)) / 0.0014)
  const y = Math.floor((41 - latitude) / 0.00125)
  return [kind, x, y] as const
}
