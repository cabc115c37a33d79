import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SplitTurns } from '../../connectors/split-turns.ts'

interface TestFile {
  readonly name: string
  isWaiting: boolean
  isPaused: boolean
  readonly output: { watermark: number }
}

const file = (name: string, watermark = -Infinity): TestFile => ({
  name,
  isWaiting: false,
  isPaused: false,
  output: { watermark },
})

function turnsOf(...files: readonly TestFile[]): SplitTurns<TestFile> {
  const turns = new SplitTurns<TestFile>()
  for (const one of files) turns.add(one)
  return turns
}

/** Serves the next file so many records; returns its name. */
function serve(turns: SplitTurns<TestFile>, records = 64): string | undefined {
  const next = turns.next()
  if (next !== undefined) turns.served(next, records)
  return next?.name
}

describe('SplitTurns', () => {
  it('takes files in turn while they have no watermark', () => {
    const turns = turnsOf(file('a'), file('b'), file('c'))
    expect(Array.from({ length: 7 }, () => serve(turns))).toEqual([...'abcabca'])
  })

  it('takes the file with the lowest watermark first (R11)', () => {
    const [a, b] = [file('a', 20), file('b', 10)]
    const turns = turnsOf(a, b)
    expect(serve(turns)).toBe('b')
    b.output.watermark = 30
    expect(serve(turns)).toBe('a')
    a.output.watermark = 25
    expect(serve(turns)).toBe('a')
  })

  it('passes over files that wait for data, and has none when all do', () => {
    const [a, b] = [file('a', 1), file('b', 2)]
    const turns = turnsOf(a, b)
    a.isWaiting = true
    expect(serve(turns)).toBe('b')
    b.isWaiting = true
    expect(serve(turns)).toBe(undefined)
    a.isWaiting = false
    expect(serve(turns)).toBe('a')
  })

  it('passes over paused files, and takes one of them on request where all are paused (semantics 2.6)', () => {
    const [a, b, c] = [file('a', 1), file('b', 2), file('c', 3)]
    const turns = turnsOf(b, a, c)
    a.isPaused = true
    b.isPaused = true
    expect([turns.next(), turns.nextPaused()]).toEqual([c, undefined])
    c.isWaiting = true
    expect([turns.next(), turns.nextPaused()]).toEqual([undefined, undefined])
    c.isPaused = true
    expect([turns.next(), turns.nextPaused()]).toEqual([undefined, a])
    a.isWaiting = true
    expect(turns.nextPaused()).toBe(b)
  })

  it('lets others go first after 1,024 records without a new watermark', () => {
    const [a, b] = [file('a', 1), file('b', 2)]
    const turns = turnsOf(a, b)
    const order = Array.from({ length: 34 }, () => serve(turns)).join('')
    expect(order).toBe('a'.repeat(16) + 'b'.repeat(16) + 'aa')
  })

  it('forgets a file that is done', () => {
    const [a, b] = [file('a'), file('b')]
    const turns = turnsOf(a, b)
    turns.remove(a)
    expect(turns.all).toEqual([b])
    expect(serve(turns)).toBe('b')
    turns.served(a, 10)
  })

  it('keeps event time together over files of any pace (R11)', () => {
    const paces = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 2, maxLength: 8 })
    fc.assert(
      fc.property(paces, (all) => {
        const files = all.map((pace, i) => ({ pace, ...file(String(i), 0) }))
        const turns = turnsOf(...files)
        for (let turn = 0; turn < 500; turn++) {
          const next = turns.next() as (typeof files)[number]
          next.output.watermark += 64 * next.pace
          turns.served(next, 64)
          const times = files.map(({ output }) => output.watermark)
          expect(Math.max(...times) - Math.min(...times)).toBeLessThanOrEqual(64 * Math.max(...all))
        }
      }),
      { numRuns: 20 },
    )
  })
})
