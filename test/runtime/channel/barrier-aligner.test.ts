import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BarrierAligner } from '../../../runtime/channel/barrier-aligner.ts'
import type { CheckpointBarrier } from '../../../runtime/element.ts'

const barrier = (checkpointId: number): CheckpointBarrier => ({
  checkpointId,
  baseId: 0,
  kind: 'checkpoint',
})

const blocked = (aligner: BarrierAligner, channels: number): number[] =>
  Array.from({ length: channels }, (_, input) => input).filter((input) => aligner.isBlocked(input))

/** What has happened, and everything worked out of it anew each time. */
class NaiveAligner {
  readonly channels: number
  readonly ended = new Set<number>()
  readonly delivered = new Set<number>()
  pending = 0
  over = 0

  constructor(channels: number) {
    this.channels = channels
  }

  barrier(input: number, id: number): string {
    if (this.ended.has(input) || id <= this.over || id < this.pending) return 'ignored'
    if (id > this.pending) {
      if (this.pending > 0) this.finish(this.pending)
      this.pending = id
    }
    this.delivered.add(input)
    return this.complete() ? 'aligned' : 'waiting'
  }

  end(input: number): boolean {
    this.ended.add(input)
    return this.complete()
  }

  abort(id: number): void {
    if (id > this.over && this.pending <= id) this.finish(id)
  }

  complete(): boolean {
    if (this.pending === 0) return false
    const have = new Set([...this.ended, ...this.delivered])
    if (have.size < this.channels) return false
    this.finish(this.pending)
    return true
  }

  finish(id: number): void {
    this.over = Math.max(this.over, id)
    this.pending = 0
    this.delivered.clear()
  }
}

describe('barrier aligner', () => {
  it('does as the plain rule does, for any sequence of calls', () => {
    const scenario = fc.integer({ min: 1, max: 5 }).chain((channels) => {
      const input = fc.nat(channels - 1)
      const id = fc.integer({ min: 1, max: 6 })
      const call = fc.oneof(
        { weight: 6, arbitrary: fc.tuple(fc.constant('barrier' as const), input, id) },
        { weight: 1, arbitrary: fc.tuple(fc.constant('end' as const), input, id) },
        { weight: 1, arbitrary: fc.tuple(fc.constant('abort' as const), input, id) },
      )
      return fc.tuple(fc.constant(channels), fc.array(call, { maxLength: 40 }))
    })
    fc.assert(
      fc.property(scenario, ([channels, calls]) => {
        const aligner = new BarrierAligner(channels)
        const naive = new NaiveAligner(channels)
        for (const [kind, input, id] of calls) {
          if (kind === 'barrier')
            expect(aligner.barrier(input, barrier(id))).toBe(naive.barrier(input, id))
          else if (kind === 'end') expect(aligner.endOfInput(input)).toBe(naive.end(input))
          else {
            aligner.abort(id)
            naive.abort(id)
          }
          expect(aligner.pending?.checkpointId ?? 0).toBe(naive.pending)
          const all = Array.from({ length: channels }, (_, channel) => channel)
          const isAwaited = (channel: number): boolean =>
            naive.pending > 0 && !naive.delivered.has(channel) && !naive.ended.has(channel)
          expect(aligner.missing).toEqual(all.filter(isAwaited))
          expect(blocked(aligner, channels)).toEqual([...naive.delivered].sort((a, b) => a - b))
        }
      }),
      { numRuns: 1_000 },
    )
  })

  it('blocks an input from its barrier until the last one has come', () => {
    const aligner = new BarrierAligner(3)
    expect(aligner.barrier(1, barrier(1))).toBe('waiting')
    expect(aligner.barrier(0, barrier(1))).toBe('waiting')
    expect(blocked(aligner, 3)).toEqual([0, 1])
    expect(aligner.barrier(2, barrier(1))).toBe('aligned')
    expect(blocked(aligner, 3)).toEqual([])
    expect(aligner.pending).toBeUndefined()
  })

  it('is aligned at once with a single input, which is never blocked', () => {
    const aligner = new BarrierAligner(1)
    expect(aligner.barrier(0, barrier(1))).toBe('aligned')
    expect(aligner.isBlocked(0)).toBe(false)
    expect(aligner.barrier(0, barrier(5))).toBe('aligned')
  })

  it('lets a newer barrier take the place of the pending one, whose inputs go on', () => {
    const aligner = new BarrierAligner(3)
    aligner.barrier(0, barrier(1))
    aligner.barrier(1, barrier(1))
    expect(aligner.barrier(2, barrier(2))).toBe('waiting')
    expect(blocked(aligner, 3)).toEqual([2])
    expect(aligner.barrier(0, barrier(1))).toBe('ignored')
    expect(blocked(aligner, 3)).toEqual([2])
    aligner.barrier(0, barrier(2))
    expect(aligner.barrier(1, barrier(2))).toBe('aligned')
  })

  it('counts an ended input as having delivered every later barrier (R9)', () => {
    const aligner = new BarrierAligner(2)
    expect(aligner.endOfInput(0)).toBe(false)
    expect(aligner.barrier(1, barrier(1))).toBe('aligned')
    expect(aligner.barrier(1, barrier(2))).toBe('aligned')
  })

  it('is aligned by the end of the only input that was missing (R9)', () => {
    const aligner = new BarrierAligner(3)
    aligner.barrier(0, barrier(1))
    aligner.barrier(1, barrier(1))
    expect(aligner.endOfInput(2)).toBe(true)
    expect(blocked(aligner, 3)).toEqual([])
    expect(aligner.endOfInput(2)).toBe(false)
  })

  it('goes on after an abort, and ignores what comes later of that checkpoint', () => {
    const aligner = new BarrierAligner(2)
    aligner.barrier(0, barrier(3))
    aligner.abort(2)
    expect(aligner.isBlocked(0)).toBe(true)
    aligner.abort(3)
    expect(aligner.isBlocked(0)).toBe(false)
    expect(aligner.barrier(1, barrier(3))).toBe('ignored')
    expect(aligner.isBlocked(1)).toBe(false)
    aligner.abort(5)
    expect(aligner.barrier(0, barrier(4))).toBe('ignored')
    expect(aligner.barrier(0, barrier(6))).toBe('waiting')
  })
})
