import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_CHAIN, planFolding } from '../../../runtime/checkpoint/fold-plan.ts'
import { FoldingChain } from '../../../runtime/checkpoint/folding-chain.ts'
import type { SegmentReference } from '../../../runtime/checkpoint/manifest.ts'

const MIB = 1_024 * 1_024
let files = 0

function segmentOf(bytes: number): SegmentReference {
  return { file: `chk-1/s-${files++}`, bytes, entries: 1, range: { first: 0, last: 9 } }
}

const chainOf = (...sizes: number[]) => sizes.map((size) => segmentOf(size * MIB))

describe('planFolding', () => {
  it('leaves short chains and single segments alone', () => {
    expect(planFolding([], 0)).toBeUndefined()
    expect(planFolding(chainOf(5), 0)).toBeUndefined()
    expect(planFolding(chainOf(100, 1, 1, 1), 0)).toBeUndefined()
  })

  it('folds from the beginning when the later segments have outgrown the first', () => {
    expect(planFolding(chainOf(10, 4, 4, 4), 0)).toEqual({ first: 0, count: 4 })
    expect(planFolding(chainOf(1, 9, 9), 0)).toBeUndefined()
  })

  it('does not touch a large first segment for small ones behind it', () => {
    const plan = planFolding(chainOf(1_000, 1, 1, 1, 1, 1, 1, 1), 0)
    expect(plan).toEqual({ first: 1, count: 7 })
  })

  it('folds the newest of about the same size', () => {
    expect(planFolding(chainOf(1_000, 100, 30, 1, 1, 1, 1, 1), 0)).toEqual({ first: 3, count: 5 })
  })

  it('leaves what is being folded already, and folds behind it', () => {
    const chain = chainOf(9, 9, 9, 9, 9, 1, 1, 1, 1, 1)
    expect(planFolding(chain, 5)).toEqual({ first: 5, count: 5 })
    expect(planFolding(chain.slice(0, 8), 5)).toBeUndefined()
  })

  it('always finds something in a chain that is nearly as long as it may be', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 1_000 * MIB }), {
      minLength: 12,
      maxLength: 20,
    })
    fc.assert(
      fc.property(sizes, fc.nat(10), (list, busy) => {
        const plan = planFolding(list.map(segmentOf), busy)!
        expect(plan.count).toBeGreaterThan(1)
        expect(plan.count).toBeLessThanOrEqual(8)
        expect(plan.first).toBeGreaterThanOrEqual(busy)
        expect(plan.first + plan.count).toBeLessThanOrEqual(list.length)
      }),
    )
  })
})

describe('folding over many checkpoints (R29)', () => {
  /** Plays checkpoints of `delta` bytes on a state of `state` bytes; a fold is as large as what it holds can be. */
  function play(checkpoints: number, state: number, delta: () => number) {
    const chain = new FoldingChain([])
    let written = 0
    let folded = 0
    let longest = 0
    let largest = 0
    for (let i = 0; i < checkpoints; i++) {
      const bytes = delta()
      written += bytes
      chain.adopt([...chain.current, segmentOf(bytes)])
      longest = Math.max(longest, chain.current.length)
      largest = Math.max(largest, sum(chain.current))
      for (let plan = chain.plan(); plan !== undefined; plan = chain.plan()) {
        const fold = chain.begin(plan, 'x')
        const result = segmentOf(Math.min(state, sum(fold.run)))
        folded += sum(fold.run)
        chain.end(fold, result)
      }
    }
    return { factor: folded / written, longest, largest }
  }
  const sum = (chain: readonly SegmentReference[]) =>
    chain.reduce((all, { bytes }) => all + bytes, 0)

  it('keeps chains short, and their size and the work in proportion', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 10_000, max: 1_000 * MIB }),
        fc.array(fc.integer({ min: 1, max: 1_000 }), { minLength: 1, maxLength: 10 }),
        (state, shares) => {
          let i = 0
          const played = play(1_000, state, () => {
            return Math.ceil((state * shares[i++ % shares.length]!) / 1_000)
          })
          expect(played.longest).toBeLessThan(MAX_CHAIN)
          expect(played.largest).toBeLessThanOrEqual(8 * state + MIB)
          expect(played.factor).toBeLessThan(8)
        },
      ),
      { numRuns: 50 },
    )
  })
})

describe('FoldingChain', () => {
  it('uses a fold as soon as it is done, and forgets it when a manifest has used it', () => {
    const [a, b, c, d, e] = chainOf(1, 1, 1, 1, 1) as SegmentReference[]
    const chain = new FoldingChain([a!, b!, c!])
    const fold = chain.begin({ first: 0, count: 2 }, 'chk-1/fold')
    expect(fold.isBeginning).toBe(true)
    expect(chain.current).toEqual([a, b, c])
    chain.adopt([a!, b!, c!, d!])
    const x = segmentOf(2)
    chain.end(fold, x)
    expect(chain.current).toEqual([x, c, d])
    expect(chain.files).toEqual(['chk-1/fold'])
    chain.adopt([a!, b!, c!, d!, e!])
    expect(chain.current).toEqual([x, c, d, e])
    chain.adopt([x, c!, d!, e!])
    expect(chain.current).toEqual([x, c, d, e])
    expect(chain.files).toEqual([])
  })

  it('tells a file that is named twice for different key groups apart (R28)', () => {
    const [a, b] = chainOf(1, 1) as SegmentReference[]
    const of = (segment: SegmentReference, group: number) => ({
      ...segment,
      range: { first: group, last: group },
    })
    const all = [of(a!, 1), of(b!, 1), of(a!, 2), of(b!, 2)]
    const chain = new FoldingChain(all)
    const x = segmentOf(2)
    chain.end(chain.begin({ first: 2, count: 2 }, 'x'), x)
    expect(chain.current).toEqual([all[0], all[1], x])
  })

  it('removes what a fold left nothing of, and goes on when one failed', () => {
    const [a, b, c] = chainOf(1, 1, 1) as SegmentReference[]
    const chain = new FoldingChain([a!, b!, c!])
    chain.end(chain.begin({ first: 1, count: 2 }, 'x'), 'failed')
    expect(chain.current).toEqual([a, b, c])
    expect(chain.files).toEqual([])
    chain.end(chain.begin({ first: 0, count: 2 }, 'x'), undefined)
    expect(chain.current).toEqual([c])
  })

  it('folds a fold again before any manifest has named it', () => {
    const [a, b, c, d] = chainOf(1, 1, 1, 1) as SegmentReference[]
    const chain = new FoldingChain([a!, b!, c!, d!])
    const long = chain.begin({ first: 0, count: 2 }, 'long')
    const inner = chain.begin({ first: 2, count: 2 }, 'inner')
    const x = segmentOf(2)
    chain.end(inner, x)
    const y = segmentOf(2)
    chain.end(long, y)
    expect(chain.current).toEqual([y, x])
    const outer = chain.begin({ first: 0, count: 2 }, 'outer')
    const z = segmentOf(4)
    chain.end(outer, z)
    expect(chain.current).toEqual([z])
    expect(chain.files).toEqual(['long', 'inner', 'outer'])
    chain.adopt([y, x])
    expect(chain.current).toEqual([z])
    expect(chain.files).toEqual(['outer'])
    chain.adopt([z])
    expect(chain.files).toEqual([])
  })
})
