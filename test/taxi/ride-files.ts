import { existsSync } from 'node:fs'
import { join } from 'node:path'

export const BUNDLED_RIDES: string = join(process.cwd(), 'examples/data/taxi-rides.csv.gz')

/** The whole file of real rides, where it is there: in `$MILLRACE_SHARED`, default `../shared`. */
export function wholeRideFile(): string | undefined {
  const path = join(process.env['MILLRACE_SHARED'] ?? '../shared', 'data/nycTaxiRides-100k.csv.gz')
  return existsSync(path) ? path : undefined
}
