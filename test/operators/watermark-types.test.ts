import { expectTypeOf, test } from 'vitest'
import {
  collectionSource,
  customWatermarks,
  type DataStream,
  monotonousTimestamps,
  noWatermarks,
  punctuatedWatermarks,
  type StreamEnvironment,
} from 'millrace'

// These are checked by the compiler (tsconfig.test.json): the functions are never called.

interface Reading {
  readonly time: number
  readonly isMarker: boolean
}

function unused(_code: (env: StreamEnvironment, readings: DataStream<Reading>) => void): void {}

const READINGS: readonly Reading[] = []

test('punctuated watermarks infer the record, at sources and behind other operators (N1)', () => {
  unused((env, readings) => {
    env.fromSource(collectionSource(READINGS), {
      uid: 'a',
      watermarks: punctuatedWatermarks(
        (reading, timestamp) => {
          expectTypeOf(reading).toEqualTypeOf<Reading>()
          expectTypeOf(timestamp).toEqualTypeOf<number>()
          return reading.isMarker ? reading.time : undefined
        },
        (reading) => reading.time,
      ),
    })
    readings.assignTimestampsAndWatermarks(
      punctuatedWatermarks((reading) => (reading.isMarker ? reading.time : undefined)),
      { uid: 'b' },
    )
    readings.assignTimestampsAndWatermarks(
      // @ts-expect-error a promise is no watermark
      punctuatedWatermarks(async (reading) => reading.time),
      { uid: 'c' },
    )
  })
})

test('custom watermarks infer the record of the generator (N1)', () => {
  unused((env) => {
    env.fromSource(collectionSource(READINGS), {
      uid: 'a',
      watermarks: customWatermarks({
        timestampOf: (reading) => reading.time,
        createGenerator: () => ({
          onEvent(reading, timestamp) {
            expectTypeOf(reading).toEqualTypeOf<Reading>()
            expectTypeOf(timestamp).toEqualTypeOf<number>()
          },
          currentWatermark: () => 0,
          snapshotState: () => null,
          restoreState() {},
        }),
      }),
    })
    customWatermarks({
      // @ts-expect-error a generator without state could not be restored
      createGenerator: () => ({ onEvent() {}, currentWatermark: () => 0 }),
    })
  })
})

test('a strategy for other records does not fit', () => {
  unused((env, readings) => {
    env.fromSource(collectionSource(READINGS), {
      uid: 'a',
      watermarks: noWatermarks((reading) => reading.time),
    })
    readings.assignTimestampsAndWatermarks(
      // @ts-expect-error readings have no such field
      noWatermarks((reading: { readonly other: number }) => reading.other),
      { uid: 'b' },
    )
  })
})

test('sources without watermarks cannot be aligned, and an alignment needs a drift', () => {
  unused((env) => {
    const alignment = { group: 'all', maxDrift: '1m' } as const
    env.fromSource(collectionSource(READINGS), {
      uid: 'a',
      watermarks: monotonousTimestamps((reading) => reading.time, { alignment }),
    })
    // @ts-expect-error the others would stand still
    noWatermarks(undefined, { alignment })
    // @ts-expect-error how far may they be apart?
    monotonousTimestamps(undefined, { alignment: { group: 'all' } })
  })
})
