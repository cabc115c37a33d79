import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WatermarkValve } from '../../../runtime/channel/watermark-valve.ts'
import type { WatermarkStatus } from '../../../runtime/element.ts'

type Call =
  | { readonly kind: 'advance'; readonly input: number; readonly timestamp: number }
  | { readonly kind: 'status'; readonly input: number; readonly status: WatermarkStatus }

/** The rule, said once more without any cleverness. */
class NaiveValve {
  readonly inputs: { watermark: number; status: WatermarkStatus }[]
  watermark: number

  constructor(channels: number, restored: number) {
    this.inputs = Array.from({ length: channels }, () => ({
      watermark: -Infinity,
      status: 'active',
    }))
    this.watermark = restored
  }

  get status(): WatermarkStatus {
    const all = this.inputs.map((input) => input.status)
    return all.includes('active') ? 'active' : all.includes('idle') ? 'idle' : 'finished'
  }

  /** Where an input stands, if none that is active stands lower. */
  lowestOf(input: number): number | undefined {
    const active = this.inputs.filter((one) => one.status === 'active')
    const lowest = Math.min(...active.map((one) => one.watermark))
    const one = this.inputs[input]!
    return one.status === 'active' && one.watermark === lowest ? lowest : undefined
  }

  call(call: Call): void {
    const input = this.inputs[call.input]!
    if (input.status === 'finished') return
    if (call.kind === 'status') input.status = call.status
    else if (call.timestamp === Infinity) input.status = 'finished'
    else if (input.status === 'idle') return
    else input.watermark = Math.max(input.watermark, call.timestamp)
    const of = (status: WatermarkStatus) =>
      this.inputs.filter((one) => one.status === status).map((one) => one.watermark)
    const merged =
      this.status === 'active'
        ? Math.min(...of('active'))
        : this.status === 'idle'
          ? Math.max(...of('idle'))
          : Infinity
    this.watermark = Math.max(this.watermark, merged)
  }
}

function apply(valve: WatermarkValve, call: Call): void {
  if (call.kind === 'advance') valve.advance(call.input, call.timestamp)
  else valve.setStatus(call.input, call.status)
}

describe('watermark valve', () => {
  it('does as the plain rule does, for any sequence of calls', () => {
    const scenario = fc.integer({ min: 1, max: 9 }).chain((channels) => {
      const input = fc.nat(channels - 1)
      const timestamp = fc.oneof(
        fc.integer({ min: -20, max: 20 }),
        fc.constantFrom(-Infinity, Infinity),
      )
      const status = fc.constantFrom<WatermarkStatus>('active', 'idle', 'idle', 'finished')
      const call = fc.oneof(
        fc.record({ kind: fc.constant('advance' as const), input, timestamp }),
        fc.record({ kind: fc.constant('status' as const), input, status }),
      )
      return fc.tuple(
        fc.constant(channels),
        fc.option(fc.integer()),
        fc.array(call, { maxLength: 60 }),
      )
    })
    fc.assert(
      fc.property(scenario, ([channels, restored, calls]) => {
        const valve = new WatermarkValve(channels)
        if (restored !== null) valve.restore(restored)
        const naive = new NaiveValve(channels, restored ?? -Infinity)
        for (const call of calls) {
          apply(valve, call)
          naive.call(call)
          expect([valve.watermark, valve.status]).toEqual([naive.watermark, naive.status])
          const { lowest } = valve
          expect(lowest === undefined).toBe(naive.status !== 'active')
          if (lowest !== undefined) expect(lowest.watermark).toBe(naive.lowestOf(lowest.input))
        }
      }),
      { numRuns: 1_000 },
    )
  })

  it('takes the minimum over all channels, and waits for those that have said nothing', () => {
    const valve = new WatermarkValve(3)
    valve.advance(0, 10)
    valve.advance(1, 20)
    expect(valve.watermark).toBe(-Infinity)
    valve.advance(2, 5)
    expect(valve.watermark).toBe(5)
    valve.advance(2, 30)
    expect(valve.watermark).toBe(10)
  })

  it('holds the watermark of an idle channel out of the minimum', () => {
    const valve = new WatermarkValve(2)
    valve.advance(0, 10)
    valve.setStatus(1, 'idle')
    expect([valve.watermark, valve.status]).toEqual([10, 'active'])
  })

  it('rises to the highest idle watermark when the last active channel becomes idle', () => {
    const valve = new WatermarkValve(2)
    valve.advance(0, 10)
    valve.advance(1, 20)
    valve.setStatus(0, 'idle')
    valve.setStatus(1, 'idle')
    expect([valve.watermark, valve.status]).toEqual([20, 'idle'])
  })

  it('is held back, not lowered, by a channel that becomes active again behind it', () => {
    const valve = new WatermarkValve(2)
    valve.advance(0, 10)
    valve.setStatus(1, 'idle')
    valve.setStatus(1, 'active')
    valve.advance(1, 3)
    valve.advance(0, 50)
    expect(valve.watermark).toBe(10)
    valve.advance(1, 11)
    expect(valve.watermark).toBe(11)
  })

  it('is not pushed on by what a finished channel said last while others are idle (FLINK-38477)', () => {
    const valve = new WatermarkValve(2)
    valve.advance(1, 7)
    valve.setStatus(1, 'idle')
    valve.advance(0, Infinity)
    expect([valve.watermark, valve.status]).toEqual([7, 'idle'])
    valve.setStatus(0, 'finished')
    expect([valve.watermark, valve.status]).toEqual([7, 'idle'])
    valve.setStatus(1, 'active')
    valve.advance(1, 8)
    expect([valve.watermark, valve.status]).toEqual([8, 'active'])
  })

  it('comes to the end of time when all have finished, also those that said nothing (R9)', () => {
    const valve = new WatermarkValve(2)
    valve.setStatus(0, 'finished')
    valve.advance(1, 4)
    expect(valve.watermark).toBe(4)
    valve.setStatus(1, 'finished')
    expect([valve.watermark, valve.status]).toEqual([Infinity, 'finished'])
  })

  it('does not fall below the restored watermark (R12)', () => {
    const valve = new WatermarkValve(1)
    valve.restore(100)
    valve.advance(0, 50)
    expect(valve.watermark).toBe(100)
    valve.advance(0, 101)
    expect(valve.watermark).toBe(101)
  })

  it('starts with all channels active at the lowest watermark (semantics 2.6)', () => {
    const valve = new WatermarkValve(2)
    expect([valve.watermark, valve.status]).toEqual([-Infinity, 'active'])
  })

  it('ignores a watermark that is not above the last of its channel (semantics 2.6)', () => {
    const valve = new WatermarkValve(2)
    valve.advance(0, 10)
    valve.advance(1, 20)
    valve.advance(0, 5)
    valve.advance(0, 10)
    expect(valve.watermark).toBe(10)
  })

  it('ignores what an idle channel says, but for its end (semantics 2.6, FLINK-40499)', () => {
    const valve = new WatermarkValve(2)
    valve.advance(0, 10)
    valve.advance(1, 20)
    valve.setStatus(0, 'idle')
    expect(valve.watermark).toBe(20)
    valve.advance(0, 50)
    valve.setStatus(1, 'idle')
    expect([valve.watermark, valve.status]).toEqual([20, 'idle'])
    valve.advance(0, Infinity)
    valve.advance(1, Infinity)
    expect([valve.watermark, valve.status]).toEqual([Infinity, 'finished'])
  })

  it('leaves out a channel that becomes idle while it holds the others back (semantics 2.6)', () => {
    const valve = new WatermarkValve(3)
    valve.advance(0, 10)
    valve.advance(1, 20)
    valve.advance(2, 30)
    valve.setStatus(0, 'idle')
    expect(valve.watermark).toBe(20)
    valve.setStatus(2, 'idle')
    expect([valve.watermark, valve.status]).toEqual([20, 'active'])
  })

  it('comes to the highest of all when the last becomes idle, whichever that is (semantics 2.6, FLINK-40475)', () => {
    for (const last of [0, 1, 2]) {
      const valve = new WatermarkValve(3)
      for (const input of [0, 1, 2]) valve.advance(input, (input + 1) * 10)
      for (const input of [0, 1, 2]) if (input !== last) valve.setStatus(input, 'idle')
      valve.setStatus(last, 'idle')
      expect([valve.watermark, valve.status]).toEqual([30, 'idle'])
    }
  })

  it('follows the minimum again after all were idle and some are active (semantics 2.6, FLINK-40475)', () => {
    const valve = new WatermarkValve(2)
    for (const input of [0, 1]) {
      valve.advance(input, 10)
      valve.setStatus(input, 'idle')
    }
    valve.setStatus(0, 'active')
    valve.setStatus(1, 'active')
    valve.advance(0, 20)
    expect(valve.watermark).toBe(10)
    valve.advance(1, 15)
    expect([valve.watermark, valve.status]).toEqual([15, 'active'])
  })
})
