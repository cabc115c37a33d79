import { describe, expect, expectTypeOf, it } from 'vitest'
import { ABORT, at, collectionSource, pause } from '../../connectors/collection-source.ts'
import type { Source } from '../../runtime/source.ts'
import { sourceContract } from '../contract/source.ts'
import { SourceRun, type SourceRunOptions, readSource } from '../contract/source-run.ts'

sourceContract({
  name: 'collection',
  create: () => collectionSource<unknown>([1, pause(50), null, { a: 1 }, at('x', 7), undefined]),
  expected: [1, null, { a: 1 }, 'x', undefined],
  hasQuietTimes: true,
})

const open = (source: Source<number>, options: SourceRunOptions = {}) =>
  new SourceRun(source, options).start()

describe('collectionSource', () => {
  it('infers the record type past markers', () => {
    expectTypeOf(collectionSource([1, ABORT, at(2, 5)])._type).toEqualTypeOf<number | undefined>()
  })

  it('gives records the timestamps of at()', async () => {
    const run = await open(collectionSource([at(1, 10), 2]))
    await run.read()
    expect(run.records.map((record) => record.timestamp)).toEqual([10, undefined])
  })

  it('aborts at each marker once, in attempts of one run without any checkpoint', async () => {
    const source = () => collectionSource([1, ABORT, 2, ABORT, 3])
    const seen: (readonly number[])[] = []
    for (const attempt of [1, 2]) {
      const run = await open(source(), { attempt })
      await expect(run.read()).rejects.toMatchObject({
        code: 'MR_SOURCE_ABORTED',
        name: 'RestartableError',
        fields: { attempt, marker: attempt },
      })
      seen.push(run.values)
    }
    const last = await open(source(), { attempt: 3 })
    seen.push(await last.read())
    expect(seen).toEqual([[1], [1, 2], [1, 2, 3]])
  })

  it('passes over the marker that ended the run before, when that run is resumed', async () => {
    const source = () => collectionSource([1, ABORT, 2, ABORT, 3])
    const first = await open(source())
    await first.read(1)
    const restored = first.snapshot(1)
    await expect(first.read()).rejects.toThrow('abort marker 1')
    const second = await open(source(), { restored })
    await expect(second.read()).rejects.toThrow('abort marker 2')
    expect(second.values).toEqual([2])
  })

  it('pauses by the clock', async () => {
    const run = await open(collectionSource([1, pause(1_000), 2]))
    run.poll()
    expect(run.poll()).toBe('wait')
    run.clock.advance(999)
    expect(run.poll()).toBe('wait')
    run.clock.advance(1)
    run.poll()
    expect(run.values).toEqual([1, 2])
  })

  it('says that a fetch came back empty when it pauses, and only then (R11)', async () => {
    const run = await open(collectionSource([1, ABORT, 2, pause(1_000), 3]), { attempt: 2 })
    const empty = () => run.splits.get('collection')?.emptyFetches
    run.poll(2)
    expect([run.values, empty()]).toEqual([[1, 2], 0])
    run.poll()
    expect(empty()).toBe(1)
    run.clock.advance(1_000)
    await run.read()
    expect([run.values, empty()]).toEqual([[1, 2, 3], 1])
  })

  it('ends at once without values', async () => {
    expect(await readSource(collectionSource([]))).toEqual([])
  })
})
