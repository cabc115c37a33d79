import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type AddedWindow,
  MergingWindowSet,
  type OpenWindow,
  type WindowRun,
  type WindowRunStore,
} from '../../../operators/window/merging-window-set.ts'

/** Runs in plain maps; counts what is read and written. */
class PlainRunStore implements WindowRunStore {
  readonly runs: Map<number, WindowRun> = new Map()
  borders: number[] | undefined
  written = 0

  setBorders(borders: number[] | undefined): void {
    this.borders = borders
  }

  run(border: number): WindowRun | undefined {
    return this.runs.get(border)
  }

  setRun(border: number, run: WindowRun): void {
    this.written += run.length
    this.runs.set(border, run)
  }

  removeRun(border: number): void {
    this.runs.delete(border)
  }
}

/** The same with one array that is looked through. */
class PlainSet {
  windows: OpenWindow[] = []

  add(start: number, end: number): AddedWindow {
    const touched = this.windows
      .filter((other) => other.start <= end && other.end >= start)
      .sort((a, b) => a.start - b.start)
    const window = {
      start: Math.min(start, ...touched.map((other) => other.start)),
      end: Math.max(end, ...touched.map((other) => other.end)),
      stateStart: touched[0]?.stateStart ?? start,
    }
    this.windows = [...this.windows.filter((other) => !touched.includes(other)), window]
    const [only] = touched
    const isCovered =
      touched.length === 1 && only!.start === window.start && only!.end === window.end
    return { window, merged: isCovered ? [] : touched, isNew: only === undefined }
  }

  find(start: number): OpenWindow | undefined {
    return this.windows.find((window) => window.start === start)
  }

  remove(start: number): void {
    this.windows = this.windows.filter((window) => window.start !== start)
  }
}

const operations = (range: number, maxGap: number): fc.Arbitrary<(readonly [number, number])[]> =>
  fc.array(
    fc.tuple(
      fc.integer({ min: 0, max: range }),
      // 0: the window with this start is removed.
      fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 1, max: maxGap }) }, fc.constant(0)),
    ),
    { maxLength: 400, size: 'max' },
  )

describe('MergingWindowSet', () => {
  test.each([
    [60, 8],
    [2_000, 3],
    [100_000, 40],
  ])(
    'says what a list that is looked through says, up to %i with gaps up to %i (semantics 2.2)',
    (range, maxGap) => {
      fc.assert(
        fc.property(operations(range, maxGap), (given) => {
          const set = new MergingWindowSet(new PlainRunStore())
          const plain = new PlainSet()
          for (const [start, gap] of given) {
            if (gap > 0) expect(set.add(start, start + gap)).toEqual(plain.add(start, start + gap))
            else {
              const at = plain.windows[start % Math.max(1, plain.windows.length)]?.start ?? start
              set.remove(at)
              plain.remove(at)
            }
            expect(set.find(start)).toEqual(plain.find(start))
          }
          for (const window of plain.windows) expect(set.find(window.start)).toEqual(window)
        }),
        { numRuns: 60 },
      )
    },
  )

  test('windows that touch merge: exactly the gap later is still the same session (semantics 2.2)', () => {
    const set = new MergingWindowSet(new PlainRunStore())
    set.add(0, 10)
    expect(set.add(10, 20).window).toEqual({ start: 0, end: 20, stateStart: 0 })
    expect(set.add(31, 41).merged).toEqual([])
    expect(set.find(0)).toEqual({ start: 0, end: 20, stateStart: 0 })
  })

  test('the new window is never among those that have become another (semantics 2.2)', () => {
    const set = new MergingWindowSet(new PlainRunStore())
    expect(set.add(0, 10).merged).toEqual([])
    expect(set.add(3, 8).merged).toEqual([])
    expect(set.add(5, 15).merged).toEqual([{ start: 0, end: 10, stateStart: 0 }])
  })

  test('the state of the earliest window is kept, that of the others is merged into it (semantics 2.2)', () => {
    const set = new MergingWindowSet(new PlainRunStore())
    set.add(0, 10)
    set.add(20, 30)
    set.add(40, 50)
    const { window, merged } = set.add(8, 40)
    expect(window).toEqual({ start: 0, end: 50, stateStart: 0 })
    expect(merged.map(({ stateStart }) => stateStart)).toEqual([0, 20, 40])
  })

  test('a change writes one short run, however many windows are open (semantics 2.2)', () => {
    const store = new PlainRunStore()
    const set = new MergingWindowSet(store)
    const count = 20_000
    for (let i = 0; i < count; i++) set.add((i * 7_919) % 1_000_003, ((i * 7_919) % 1_000_003) + 1)
    store.written = 0
    for (let i = 0; i < 1_000; i++) set.add(1_000_010 + i * 7, 1_000_011 + i * 7)
    expect(store.written).toBeLessThan(1_000 * 65 * 3)
    for (const [border, run] of store.runs)
      expect([border, run.length <= 64 * 3]).toEqual([border, true])
  })

  test('keeps nothing of windows that are gone', () => {
    const store = new PlainRunStore()
    const set = new MergingWindowSet(store)
    for (let i = 0; i < 1_000; i++) set.add(i * 10, i * 10 + 5)
    expect(store.borders!.length).toBeGreaterThan(10)
    for (let i = 999; i >= 0; i--) set.remove(((i * 7) % 1_000) * 10)
    expect([store.borders, store.runs.size]).toEqual([undefined, 0])
  })
})
