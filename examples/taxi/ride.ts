import { fileURLToPath } from 'node:url'
import { csv } from 'millrace'

/** A ride begins with a START and ends with an END; both tell all that is known by then. */
export interface Ride {
  readonly rideId: number
  readonly kind: 'START' | 'END'
  /** Event time: when it began or ended, in ms since the epoch. */
  readonly at: number
  readonly startLon: number
  readonly startLat: number
  readonly endLon: number
  readonly endLat: number
  readonly passengers: number
  readonly taxiId: number
  readonly driverId: number
}

/** Made up by `scripts/make-taxi-rides.ts`. */
export const bundledRides: string = fileURLToPath(
  new URL('../data/taxi-rides.csv.gz', import.meta.url),
)

/** The columns of the ride file, which has no header. */
export const rideRows = csv({
  header: false,
  columns: {
    rideId: 'number',
    kind: 'string',
    eventTime: 'string',
    // The start of an END; the end of a START is not known, and 1970.
    otherTime: 'string',
    startLon: 'number',
    startLat: 'number',
    endLon: 'number',
    endLat: 'number',
    passengers: 'number',
    taxiId: 'number',
    driverId: 'number',
  },
})

/** Times are in UTC: `2013-01-01 00:00:36`. */
export function timeOf(row: { readonly eventTime: string }): number {
  return Date.parse(`${row.eventTime.replace(' ', 'T')}Z`)
}

export function toRide(row: RideRow): Ride {
  const { kind, eventTime: _eventTime, otherTime: _otherTime, ...rest } = row
  if (kind !== 'START' && kind !== 'END') throw new Error(`a ride has the event "${kind}"`)
  return { ...rest, kind, at: timeOf(row) }
}

type RideRow = Omit<Ride, 'kind' | 'at'> & {
  readonly kind: string
  readonly eventTime: string
  readonly otherTime: string
}

/** Whether a ride begins and ends within New York; the coordinates of others are often errors of the devices. */
export function isInNewYork(ride: Ride): boolean {
  return isPlace(ride.startLon, ride.startLat) && isPlace(ride.endLon, ride.endLat)
}

function isPlace(longitude: number, latitude: number): boolean {
  return longitude >= -74.05 && longitude <= -73.7 && latitude >= 40.5 && latitude <= 41
}
