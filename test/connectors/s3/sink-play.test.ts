import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { temporaryFolders } from '../temporary-folder.ts'
import { PLAY_FORMATS } from './play-formats.ts'
import { SinkPlay, type Step } from './sink-play.ts'

const newFolder = temporaryFolders()

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      rows: fc.integer({ min: 1, max: 6 }),
      size: fc.constantFrom(0, 30_000, 2_000_000),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('cut' as const),
      isPublished: fc.boolean(),
      commits: fc.constantFrom(
        ...(['all', 'all', 'all', 'none', 'unheard', 'without table'] as const),
      ),
      isLast: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('advance' as const),
      ms: fc.integer({ min: 1, max: 150_000 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('restart' as const),
      back: fc.constantFrom(0, 1, 2, 3),
      parallelism: fc.integer({ min: 1, max: 3 }),
      closes: fc.boolean(),
    }),
  },
)

describe('s3Sink through crashes (R2, R3, R24, R33)', () => {
  it.each([
    [true, 'lines'],
    [true, 'gzip'],
    [true, 'avro'],
    [true, 'parquet'],
    [false, 'lines'],
  ] as const)(
    'has each row once whatever happens: objects that span checkpoints %s, %s',
    async (spansCheckpoints, format) => {
      const path = join(await newFolder(), 'object')
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
          const play = new SinkPlay(spansCheckpoints, PLAY_FORMATS[format], path)
          await play.start(2)
          for (const one of steps) {
            await play.step(one)
            const isBetween = one.do === 'cut' || one.do === 'restart'
            if (isBetween) expect(await play.problem()).toBe(undefined)
          }
          await play.step({ do: 'restart', back: 0, parallelism: 2, closes: false })
          await play.step({ do: 'write', rows: 3, size: 10 })
          await play.cut({ do: 'cut', isPublished: true, commits: 'all', isLast: true })
          await play.close()
          expect(await play.visible()).toEqual(Array.from({ length: play.rows }, (_, i) => i))
          expect(play.bucket.uploads.size).toBe(0)
          expect(play.unlisted).toEqual([])
        }),
        { numRuns: format === 'lines' ? 25 : 12 },
      )
    },
    120_000,
  )
})
