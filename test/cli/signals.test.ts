import { describe, expect, it } from 'vitest'
import { StopRequest, type StopSignal } from '../../cli/signals.ts'
import { ManualClock } from '../../testing/manual-clock.ts'

function request() {
  const clock = new ManualClock()
  const calls: string[] = []
  const stop = new StopRequest({
    clock,
    onStop: () => calls.push('stop'),
    onGiveUp: () => calls.push('give up'),
  })
  return { clock, calls, stop }
}

describe('StopRequest', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('stops at %s with exit code %d (R14)', (signal, exitCode) => {
    const { stop, calls } = request()
    expect(stop.exitCode).toBeUndefined()
    expect(stop.signal.aborted).toBe(false)
    stop.receive(signal)
    expect(stop.signal.aborted).toBe(true)
    expect(stop.exitCode).toBe(exitCode)
    expect(calls).toEqual(['stop'])
  })

  it('takes a signal that comes back within a second for the same one (N21)', () => {
    const { clock, stop, calls } = request()
    stop.receive('SIGINT')
    for (const [wait, signal] of [
      [0, 'SIGINT'],
      [500, 'SIGTERM'],
      [499, 'SIGINT'],
    ] as const) {
      clock.advance(wait)
      stop.receive(signal)
    }
    expect(calls).toEqual(['stop'])
    expect(stop.exitCode).toBe(130)
  })

  it.each(['SIGINT', 'SIGTERM'] as StopSignal[])('gives up at a later %s, once (N21)', (signal) => {
    const { clock, stop, calls } = request()
    stop.receive('SIGINT')
    clock.advance(1_000)
    stop.receive(signal)
    stop.receive(signal)
    expect(calls).toEqual(['stop', 'give up'])
  })

  it('stops when nobody reads the output any more, and leaves a stop that has begun alone', () => {
    const closed = request()
    closed.stop.outputClosed()
    expect(closed.stop.signal.aborted).toBe(true)
    expect(closed.stop.exitCode).toBe(0)

    const { clock, stop, calls } = request()
    stop.receive('SIGTERM')
    clock.advance(5_000)
    stop.outputClosed()
    expect(calls).toEqual(['stop'])
    expect(stop.exitCode).toBe(143)
  })
})
