import { describe, expect, it } from 'vitest'
import { dataGeneratorSource } from '../../connectors/datagen-source.ts'
import { sourceContract } from '../contract/source.ts'
import { rescaled, SourceRun } from '../contract/source-run.ts'

sourceContract({
  name: 'generator',
  create: () => dataGeneratorSource({ generate: (i) => ({ id: i }), count: 5 }),
  expected: [0, 1, 2, 3, 4].map((id) => ({ id })),
})

sourceContract({
  name: 'generator with a rate',
  create: () => dataGeneratorSource({ generate: (i) => i, count: 4, rate: 10 }),
  expected: [0, 1, 2, 3],
  hasQuietTimes: true,
})

describe('dataGeneratorSource', () => {
  const open = (options: object, parallelism = 1) =>
    new SourceRun<number>(dataGeneratorSource({ generate: (i: number) => i, ...options }), {
      parallelism,
    }).start()

  it('gives each subtask the indices that leave its number', async () => {
    const run = await open({ count: 7 }, 3)
    await run.read()
    for (const { value, subtaskIndex } of run.records) expect(value % 3).toBe(subtaskIndex)
  })

  it('plays at its rate over all subtasks, and does not burst after a pause', async () => {
    const run = await open({ rate: 100 }, 2)
    const play = (ms: number) => {
      const before = run.records.length
      for (let t = 0; t < ms; t += 10) {
        run.clock.advance(10)
        for (let i = 0; i < 3; i++) run.poll()
      }
      return run.records.length - before
    }
    run.poll()
    expect(run.values).toEqual([0, 1])
    expect(play(10_000)).toBeGreaterThanOrEqual(996)
    expect(run.records.length).toBeLessThanOrEqual(1_002)
    run.clock.advance(60_000)
    expect(play(1_000)).toBeLessThanOrEqual(202)
  })

  it('says that a fetch came back empty when nothing is due, of a split that is read (R11)', async () => {
    const run = await open({ rate: 10 })
    const empty = () => run.splits.get('generator-0')?.emptyFetches
    run.poll()
    expect([run.values, empty()]).toEqual([[0], 0])
    expect(run.poll()).toBe('wait')
    expect([run.values, empty()]).toEqual([[0], 1])
    const fast = await open({ count: 200 })
    await fast.read()
    expect(fast.splits.get('generator-0')?.emptyFetches).toBe(0)
  })

  it('makes the lowest index next where a reader was given several splits, at another parallelism (R11)', async () => {
    const before = await open({ count: 100 }, 3)
    await before.read(30)
    const restored = rescaled(before.snapshot(1), 1)
    const source = dataGeneratorSource({ generate: (i: number) => i, count: 100 })
    const after = await new SourceRun<number>(source, { restored }).start()
    const rest = Array.from({ length: 100 }, (_, i) => i).filter((i) => !before.values.includes(i))
    expect(await after.read()).toEqual(rest)
  })

  it.each([
    [2, 1],
    [2, 3],
    [3, 2],
  ])(
    'plays at the same rate over all subtasks from %i of them to %i (semantics 2.9)',
    async (from, to) => {
      const before = await open({ rate: 100 }, from)
      const restored = rescaled(before.snapshot(1), to)
      const source = dataGeneratorSource({ generate: (i: number) => i, rate: 100 })
      const run = await new SourceRun<number>(source, { restored, parallelism: to }).start()
      for (let t = 0; t < 10_000; t += 10) {
        for (let i = 0; i < 3; i++) run.poll()
        run.clock.advance(10)
      }
      expect(run.records.length).toBeGreaterThanOrEqual(996)
      expect(run.records.length).toBeLessThanOrEqual(1_004)
    },
  )

  it('takes timestamps from the records', async () => {
    const run = await open({ count: 2, timestampOf: (value: number) => value + 1_000 })
    await run.read()
    expect(run.records.map((record) => record.timestamp)).toEqual([1_000, 1_001])
  })

  it('is endless without a count', () => {
    expect(dataGeneratorSource({ generate: (i) => i }).boundedness).toBe('unbounded')
  })

  it.each([
    ['count', { count: 1.5 }],
    ['rate', { rate: -1 }],
    ['rate', { rate: Number.NaN }],
  ])('refuses a bad %s', (option, options) => {
    expect(() => dataGeneratorSource({ generate: (i) => i, ...options })).toThrow(
      expect.objectContaining({
        code: 'MR_SOURCE_INVALID',
        fields: expect.objectContaining({ option }),
      }),
    )
  })
})
