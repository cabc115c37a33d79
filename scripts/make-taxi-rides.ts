import { writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { madeUpRides } from './made-up-rides.ts'

// Writes the rides that the taxi examples read by default.
writeFileSync('examples/data/taxi-rides.csv.gz', gzipSync(madeUpRides(), { level: 9 }))
