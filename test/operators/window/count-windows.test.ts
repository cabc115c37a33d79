import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Out } from '../../../operators/collector.ts'
import type { DataStream, KeyedStream } from '../../../operators/streams.ts'
import type { GlobalWindow } from '../../../operators/window/time-window.ts'
import { windowProcessFunction } from '../../../operators/window/window-function.ts'
import { ids, type Item, runWindows, type Step, steps } from './window-run.ts'

type Keyed = KeyedStream<Item, string>

const at = (timestamp: number): Step => ({ key: 'a', timestamp, gap: 10 })

const windowed =
  (size: number, slide?: number) =>
  (keyed: Keyed): DataStream<string> =>
    keyed
      .countWindow(size, slide)
      .aggregate(ids, (all, ctx, out: Out<string>) => out.emit(`${ctx.key} ${all}`), {
        uid: 'windows',
      })

const shapes = fc.record({
  size: fc.integer({ min: 1, max: 6 }),
  slide: fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined }),
})

describe('countWindow (semantics 2.1)', () => {
  test('emits slices of the records of each key, whatever their timestamps and the watermark', async () => {
    const property = fc.asyncProperty(shapes, steps, async ({ size, slide }, given) => {
      const all: Record<string, string[]> = { a: [], b: [] }
      const expected = given.flatMap((step, index) => {
        if (!('key' in step)) return []
        const seen = all[step.key]!
        seen.push(String(index))
        if (seen.length % (slide ?? size) !== 0) return []
        return [`${step.key} ${seen.slice(-size).join('+')}`]
      })
      const { output, dropped } = await runWindows(windowed(size, slide), given)
      expect([output.flat(), dropped]).toEqual([expected, 0])
    })
    await fc.assert(property, { numRuns: 100 })
  })

  test('is dropped each time that it fires, and a rest never fires', async () => {
    const given = [at(1), at(2), at(3), at(4), at(5)]
    const { output, entriesLeft } = await runWindows(windowed(2), given)
    expect(output).toEqual([[], ['a 0+1'], [], ['a 2+3'], [], []])
    // The rest, and how many records it has.
    expect(entriesLeft).toBe(2)
    expect((await runWindows(windowed(2), given.slice(0, 4))).entriesLeft).toBe(0)
  })

  test('with a slide has the last records every slide, fewer in the beginning', async () => {
    const given = [at(1), at(2), at(3), at(4), at(5), at(6)]
    const { output } = await runWindows(windowed(3, 2), given)
    expect(output.flat()).toEqual(['a 0+1', 'a 1+2+3', 'a 3+4+5'])
  })

  test('with a slide above the size leaves records out', async () => {
    const { output } = await runWindows(windowed(1, 3), [at(1), at(2), at(3), at(4), at(5), at(6)])
    expect(output.flat()).toEqual(['a 2', 'a 5'])
  })

  test('with a slide shows process the records themselves', async () => {
    const listed = windowProcessFunction<Item, string, {}, {}, string, GlobalWindow>({
      process: (elements, ctx, out: Out<string>) =>
        out.emit(`${ctx.window.maxTimestamp} ${elements.map(({ id }) => id).join('+')}`),
    })
    const build = (keyed: Keyed) => keyed.countWindow(2, 1).process(listed, { uid: 'windows' })
    const { output } = await runWindows(build, [at(1), at(2), at(3)])
    expect(output.flat()).toEqual(['Infinity 0', 'Infinity 0+1', 'Infinity 1+2'])
  })
})
