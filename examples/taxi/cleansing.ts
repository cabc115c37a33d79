import { fileSink, fileSource, job, json, param } from 'millrace'
import { bundledRides, isInNewYork, type Ride, rideRows, toRide } from './ride.ts'

/** The rides that begin and end within New York; others are errors of the devices. */
export default job(
  'taxi-cleansing',
  {
    params: {
      input: param.string(bundledRides, 'Taxi rides: a CSV file, a folder or a glob'),
      out: param.string('out/taxi-cleansing', 'Where the rides go'),
      rate: param.number(0, 'Rows per second; 0 is as fast as possible'),
    },
  },
  (env, params) => {
    env
      .fromSource(fileSource({ path: params.input, format: rideRows, rate: params.rate }), {
        uid: 'rides',
      })
      .map(toRide)
      .filter(isInNewYork, { uid: 'in-new-york' })
      .sinkTo(fileSink({ dir: params.out, format: json<Ride>() }), { uid: 'clean-rides' })
  },
)
