import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import type { DataStream } from 'millrace'
import { operatorHarness, verifyOperator } from 'millrace/testing'
import { describe, expect, it } from 'vitest'
import { longRides } from '../../examples/taxi/long-rides.ts'
import type { Ride } from '../../examples/taxi/ride.ts'
import { madeUpRides } from '../../scripts/made-up-rides.ts'
import { BUNDLED_RIDES } from './ride-files.ts'

const MINUTE = 60_000

const ride = (rideId: number, kind: Ride['kind'], minute: number): Ride => ({
  rideId,
  kind,
  at: minute * MINUTE,
  startLon: 0,
  startLat: 0,
  endLon: 0,
  endLat: 0,
  passengers: 1,
  taxiId: 100 + rideId,
  driverId: 1,
})

const joined = (rides: DataStream<Ride>) =>
  rides.keyBy((one) => one.rideId).process(longRides(12 * 60 * MINUTE), { uid: 'long' })

const at = (one: Ride) => ({ value: one, timestamp: one.at })

describe('the long rides of the taxi example', () => {
  it('joins START and END in either order, above an hour only', async () => {
    await verifyOperator(joined, {
      input: [
        at(ride(1, 'START', 0)),
        at(ride(2, 'START', 0)),
        at(ride(3, 'END', 70)),
        at(ride(1, 'END', 61)),
        at(ride(2, 'END', 60)),
        at(ride(3, 'START', 5)),
        { watermark: 60 * MINUTE },
        at(ride(4, 'START', 65)),
        at(ride(4, 'END', 200)),
      ],
      expected: [
        { rideId: 1, taxiId: 101, minutes: 61 },
        { rideId: 3, taxiId: 103, minutes: 65 },
        { rideId: 4, taxiId: 104, minutes: 135 },
      ],
    })
  })

  it('keeps nothing of a ride that is complete, nor of one whose other event is missing', async () => {
    const harness = await operatorHarness(joined)
    const held = () => [harness.numKeyedStateEntries, harness.numEventTimeTimers]
    const give = (one: Ride): void => harness.processElement(one, one.at)
    give(ride(1, 'START', 1))
    give(ride(2, 'END', 20))
    give(ride(3, 'START', 3))
    give(ride(3, 'END', 30))
    expect(held()).toEqual([2, 2])
    harness.processWatermark(20 * MINUTE)
    expect(held()).toEqual([1, 1])
    harness.processWatermark(721 * MINUTE - 1)
    expect(held()).toEqual([1, 1])
    harness.processWatermark(721 * MINUTE)
    expect(held()).toEqual([0, 0])
    give(ride(4, 'START', 800))
    harness.endInput()
    expect(held()).toEqual([0, 0])
    await harness.close()
  })

  it('takes one event that comes twice as one', async () => {
    await verifyOperator(joined, {
      input: [ride(1, 'START', 0), ride(1, 'START', 0), ride(1, 'END', 90)].map(at),
      expected: [{ rideId: 1, taxiId: 101, minutes: 90 }],
    })
  })
})

describe('the made-up rides', () => {
  it('are those that the script makes (npm run rides)', () => {
    const bundled = gunzipSync(readFileSync(BUNDLED_RIDES)).toString()
    expect(bundled === madeUpRides()).toBe(true)
  })

  it('have all that the jobs look at: rides without END, long ones, one of an hour, places outside', () => {
    const lines = madeUpRides().trimEnd().split('\n')
    const rows = lines.map((line) => line.split(','))
    const ids = (kind: string) =>
      new Set(rows.filter(([, k]) => k === kind).map(([rideId]) => rideId))
    expect(ids('START').size - ids('END').size).toBeGreaterThan(100)
    expect(rows.filter((row) => row[4] === '0').length).toBeGreaterThan(10)
    const minutes = rows
      .filter(([, kind]) => kind === 'END')
      .map(([, , end, start]) => (Date.parse(end!) - Date.parse(start!)) / MINUTE)
    expect(minutes).toContain(60)
    expect(minutes).toContain(0)
    expect(minutes.filter((length) => length > 60).length).toBeGreaterThan(20)
    expect(rows.map(([, , time]) => time)).toEqual(rows.map(([, , time]) => time!).toSorted())
  })
})
