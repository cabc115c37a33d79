import { describe, expect, it } from 'vitest'
import type { Source } from '../../runtime/source.ts'
import { rescaled, SourceRun, type SourceRunOptions } from './source-run.ts'

/** What the contract suite needs to know of a source. */
export interface SourceContractOptions {
  readonly name: string
  /** Makes a source that is the same every time; bounded, at least three records. */
  readonly create: () => Source<unknown>
  /** All its records at parallelism 1, in order. */
  readonly expected: readonly unknown[]
  /** Whether there are times in which it has no record to give. Default: it always has. */
  readonly hasQuietTimes?: boolean
  /** For each run, such as a clock. */
  readonly runOptions?: SourceRunOptions
}

/** Numbers of readers, before and after. */
const RESCALES = [
  [1, 3],
  [2, 3],
  [3, 1],
  [3, 2],
] as const

/** What every source must do, whatever it reads. */
export function sourceContract(options: SourceContractOptions): void {
  const { name, create, expected, hasQuietTimes = false, runOptions = {} } = options
  const open = (options: SourceRunOptions = {}) =>
    new SourceRun<unknown>(create(), { ...runOptions, ...options }).start()

  describe(`source contract: ${name}`, () => {
    it('emits all its records in order, ends, and finishes its splits', async () => {
      const run = await open()
      expect(await run.read()).toEqual(expected)
      expect(run.isEnded).toBe(true)
      expect([...run.splits.values()].every((split) => split.isFinished)).toBe(true)
      await run.close()
    })

    it('emits the same records at parallelism 3, in any order', async () => {
      const run = await open({ parallelism: 3 })
      const texts = (values: readonly unknown[]) => values.map((v) => JSON.stringify(v)).sort()
      expect(texts(await run.read())).toEqual(texts(expected))
      await run.close()
    })

    it('stops at once when emit returns false, and loses nothing (R7)', async () => {
      const run = await open()
      run.onRecord = () => false
      let polls = 0
      while (!run.isEnded) {
        const before = run.records.length
        if (run.poll() === 'wait') await run.read(before + 1)
        expect(run.records.length - before).toBeLessThanOrEqual(1)
        polls++
      }
      expect(polls).toBeGreaterThanOrEqual(expected.length)
      expect(run.values).toEqual(expected)
      await run.close()
    })

    it('resumes exactly behind every record (R32)', async () => {
      for (let taken = 0; taken <= expected.length; taken++) {
        const first = await open()
        await first.read(taken)
        expect(first.values).toEqual(expected.slice(0, taken))
        const restored = first.snapshot(1)
        await first.close()
        const second = await open({ restored })
        expect(await second.read()).toEqual(expected.slice(taken))
        await second.close()
      }
    })

    it('resumes a resumed run', async () => {
      let restored: ReturnType<SourceRun<unknown>['snapshot']> | undefined
      const values: unknown[] = []
      for (let id = 1; id <= expected.length + 1; id++) {
        const run = await open({ restored })
        values.push(...(await run.read(1)))
        restored = run.snapshot(id)
        await run.close()
      }
      expect(values).toEqual(expected)
    })

    it('keeps a finished split until a checkpoint that recorded it has completed (R31)', async () => {
      const run = await open()
      await run.read(1)
      const early = run.snapshot(1)
      await run.read()
      const before = run.snapshot(2)
      expect(before.readers.flat()).toHaveLength(run.splits.size)
      run.complete(1)
      expect(run.snapshot(3).readers.flat()).toHaveLength(run.splits.size)
      run.complete(2)
      expect(run.snapshot(4).readers.flat()).toEqual([])
      expect(early.readers.flat()).toHaveLength(run.splits.size)
      await run.close()

      const again = await open({ restored: before })
      expect(await again.read()).toEqual([])
      expect(again.isEnded).toBe(true)
      await again.close()
    })

    it('assigns a split to exactly one part of the checkpoint, also before the first poll (R31)', async () => {
      const run = await open({ parallelism: 2 })
      const restored = run.snapshot(1)
      await run.close()
      const again = await open({ parallelism: 2, restored })
      expect(await again.read()).toHaveLength(expected.length)
      await again.close()
    })

    it('goes on behind every record at any other parallelism, each split with one reader (semantics 2.9, R31)', async () => {
      const texts = (values: readonly unknown[]) => values.map((v) => JSON.stringify(v)).sort()
      for (const [from, to] of RESCALES) {
        for (let taken = 0; taken <= expected.length; taken++) {
          const first = await open({ parallelism: from })
          await first.read(taken)
          const restored = rescaled(first.snapshot(1), to)
          await first.close()
          const second = await open({ parallelism: to, restored })
          expect(texts([...first.values, ...(await second.read())])).toEqual(texts(expected))
          expect(second.isEnded).toBe(true)
          await second.close()
        }
      }
    })

    it('says that a fetch came back empty where it has nothing to give, and only there (R11)', async () => {
      const run = await open()
      await run.read()
      const hasBeenEmpty = [...run.splits.values()].map((split) => split.emptyFetches > 0)
      expect(hasBeenEmpty).toEqual(hasBeenEmpty.map(() => hasQuietTimes))
      await run.close()
    })

    it('can be closed in the middle, and twice opened in one process', async () => {
      const run = await open()
      await run.read(1)
      await run.close()
      const again = await open()
      expect(await again.read()).toEqual(expected)
      await again.close()
    })
  })
}
