import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Port } from '../../../runtime/channel/port.ts'
import { RemoteChannel } from '../../../runtime/channel/remote-channel.ts'
import type { LinkMessage } from '../../../runtime/messages.ts'
import { ManualClock } from '../../../testing/manual-clock.ts'
import { channelContract } from '../../contract/channel.ts'
import { RemoteRig, logs } from '../../contract/channel-rig.ts'

channelContract({ name: 'remote', create: () => new RemoteRig() })
channelContract({ name: 'remote with little credit', create: () => new RemoteRig(64) })

const barrier = { checkpointId: 1, baseId: 0, kind: 'checkpoint' } as const

describe('remote channel', () => {
  it('sends a batch when it has reached a quarter of the credit (R7, R8)', () => {
    const rig = new RemoteRig(4_096)
    let sent = 0
    for (; rig.underWay === 0 && sent < 1_000; sent++) rig.channel.emit({ n: sent }, sent)
    rig.deliver()
    expect(rig.batches).toHaveLength(1)
    expect(rig.batches[0]).toBeGreaterThanOrEqual(1_024)
    expect(rig.batches[0]).toBeLessThan(1_024 + 100)
    expect(rig.received).toHaveLength(sent)
  })

  it('keeps watermarks and statuses in the batch: they flush nothing (R8)', () => {
    const rig = new RemoteRig()
    rig.channel.emit(1, 1)
    rig.channel.watermark(1)
    rig.channel.status('idle')
    expect(rig.underWay).toBe(0)
    rig.channel.barrier(barrier)
    rig.deliver()
    expect(rig.batches).toHaveLength(1)
  })

  it('sends what has been waiting for the buffer timeout, counted from the turn that has put it in (R8)', () => {
    const rig = new RemoteRig()
    const flush = (): void => rig.channel.flush(rig.clock.elapsed() - 10, rig.clock.elapsed())
    flush()
    rig.channel.emit(1, 1)
    flush()
    rig.clock.advance(9)
    rig.channel.emit(2, 2)
    flush()
    expect(rig.underWay).toBe(0)
    rig.clock.advance(1)
    flush()
    expect(rig.underWay).toBe(1)
    flush()
    rig.clock.advance(50)
    flush()
    expect(rig.underWay).toBe(1)
    rig.channel.watermark(3)
    flush()
    rig.clock.advance(9)
    flush()
    expect(rig.underWay).toBe(1)
    rig.clock.advance(1)
    flush()
    expect(rig.underWay).toBe(2)
  })

  it('lets credit be overdrawn by the outputs of one record, then takes no input until it is repaid (R7)', () => {
    const rig = new RemoteRig(4_096)
    rig.setOpen(false)
    expect(rig.channel.isReady()).toBe(true)
    for (let i = 0; i < 1_000; i++) rig.channel.emit({ output: i }, i)
    rig.channel.flush(Infinity, 0)
    rig.deliver()
    const total = rig.batches.reduce((sum, length) => sum + length, 0)
    expect(total).toBeGreaterThan(3 * 4_096)
    expect([rig.channel.isReady(), rig.wakes]).toEqual([false, 0])
    rig.channel.restoreCredit(total - 4_096, undefined)
    expect([rig.channel.isReady(), rig.wakes]).toEqual([false, 0])
    rig.channel.restoreCredit(1, undefined)
    expect([rig.channel.isReady(), rig.wakes]).toEqual([true, 1])
  })

  it('lets one record that is larger than all credit pass, then takes no input until it is repaid (R7)', () => {
    const rig = new RemoteRig(4_096)
    rig.setOpen(false)
    rig.channel.emit('x'.repeat(100_000), 1)
    rig.deliver()
    expect(rig.batches[0]).toBeGreaterThan(100_000)
    expect(rig.channel.isReady()).toBe(false)
    rig.setOpen(true)
    rig.deliver()
    expect([rig.channel.isReady(), rig.wakes]).toEqual([true, 1])
    expect(rig.received).toEqual([logs.record('x'.repeat(100_000), 1)])
  })

  it('sends control elements without credit (R7)', () => {
    const rig = new RemoteRig(64)
    rig.setOpen(false)
    rig.channel.emit('x'.repeat(1_000), 1)
    expect(rig.channel.isReady()).toBe(false)
    expect(rig.channel.isReadyForBarrier()).toBe(true)
    rig.channel.watermark(1)
    rig.channel.barrier(barrier)
    rig.channel.endOfInput()
    rig.setOpen(true)
    rig.deliver()
    expect(rig.received.slice(1)).toEqual([logs.watermark(1), logs.barrier(barrier), logs.end()])
  })

  it('counts what waits in the open batch against the credit (R7)', () => {
    const rig = new RemoteRig(200)
    rig.setOpen(false)
    let taken = 0
    for (; rig.channel.isReady() && taken < 1_000; taken++) rig.channel.emit(taken, taken)
    rig.channel.flush(Infinity, 0)
    rig.deliver()
    const total = rig.batches.reduce((sum, length) => sum + length, 0)
    expect(total).toBeGreaterThanOrEqual(200)
    // Beyond it by less than one record, although no batch was full at that moment.
    expect(total).toBeLessThan(200 + 16)
  })

  it('gets back exactly the bytes that it sent, once they are consumed (R7)', () => {
    const rig = new RemoteRig(4_096)
    for (let i = 0; i < 5_000; i++) {
      rig.channel.emit({ i, text: 'x'.repeat(i % 50) }, i)
      if (!rig.channel.isReady()) rig.deliver()
    }
    rig.channel.barrier(barrier)
    rig.deliver()
    expect(rig.returned).toBe(rig.batches.reduce((sum, length) => sum + length, 0))
    expect(rig.received).toHaveLength(5_001)
    // Nothing is owed any more: the whole credit but one byte can be taken away.
    rig.channel.restoreCredit(-4_095, undefined)
    expect(rig.channel.isReady()).toBe(true)
    rig.channel.restoreCredit(-1, undefined)
    expect(rig.channel.isReady()).toBe(false)
  })

  it('tells whenever it has no credit left, so that a sender that found it ready need not ask again (R6, R7)', () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ emit: fc.nat(120), text: fc.constantFrom('ö', 'ж') }) },
      { weight: 2, arbitrary: fc.record({ times: fc.nat(40) }) },
      fc.constantFrom('watermark', 'status', 'read first', 'barrier', 'flush', 'wait', 'ask'),
      fc.record({ consume: fc.boolean() }),
    )
    fc.assert(
      fc.property(
        fc.constantFrom(64, 300, 2_000, 40_000),
        fc.array(step, { size: 'max', maxLength: 150 }),
        (creditBytes, steps) => {
          const rig = new RemoteRig(creditBytes)
          const { channel } = rig
          let found = NaN // What `filled` was when it was found ready.
          for (const what of steps) {
            if (typeof what === 'object' && 'text' in what) {
              channel.emit({ text: what.text.repeat(what.emit) }, 1)
            } else if (typeof what === 'object' && 'times' in what) {
              for (let i = 0; i < what.times; i++) channel.emit({ i }, i)
            } else if (typeof what === 'object') {
              rig.setOpen(what.consume)
              rig.deliver()
            } else if (what === 'watermark') for (let i = 0; i < 20; i++) channel.watermark(i)
            else if (what === 'status') for (let i = 0; i < 20; i++) channel.status('idle')
            else if (what === 'read first') channel.endOfReadFirst()
            else if (what === 'barrier') channel.barrier(barrier)
            else if (what === 'flush') channel.flush(Infinity, 0)
            else if (what === 'wait') rig.clock.advance(400)
            else if (channel.isReady()) found = rig.filled
            if (found === rig.filled && !channel.isReady()) return false
          }
          return true
        },
      ),
      { numRuns: 300 },
    )
  })

  it('tells so too where a batch turns out larger than it seemed, and where the receiver is slow (R7)', () => {
    const wide = new RemoteRig(4_000)
    while (wide.underWay < 3) wide.channel.emit({ text: 'x' }, 1)
    wide.channel.emit({ text: 'ж'.repeat(600) }, 1)
    expect([wide.underWay, wide.channel.isReady(), wide.filled]).toEqual([3, true, 0])
    wide.channel.flush(Infinity, 0)
    expect([wide.underWay, wide.channel.isReady(), wide.filled]).toEqual([4, false, 1])

    const slow = new RemoteRig(4_000)
    slow.channel.emit(1, 1)
    slow.channel.flush(Infinity, 0)
    for (let i = 0; i < 25; i++) slow.channel.emit({ i }, 1)
    slow.clock.advance(400)
    expect([slow.underWay, slow.channel.isReady(), slow.filled]).toEqual([1, true, 0])
    slow.channel.restoreCredit(40, undefined)
    expect([slow.underWay, slow.channel.isReady(), slow.filled]).toEqual([1, false, 1])
  })

  it('uses all buffers again that come back, and keeps no more than the credit of them (N13)', () => {
    const sent: { readonly buffer: ArrayBuffer; readonly length: number }[] = []
    const port: Port<LinkMessage, LinkMessage> = {
      post: (message) => message.type === 'batch' && sent.push(message),
      onMessage: () => {},
      close: () => {},
    }
    const clock = new ManualClock()
    const none = (): void => {}
    const creditBytes = 32 * 1_024
    const options = { id: 1, port, clock, creditBytes, wake: none, filled: none }
    const channel = new RemoteChannel(options)
    const send = (batches: number): typeof sent => {
      for (let i = 0; i < batches; i++) {
        channel.emit(i, i)
        channel.flush(Infinity, 0)
      }
      return sent.splice(0)
    }
    let last = send(6)
    for (let round = 0; round < 3; round++) {
      const buffers = last.map(({ buffer }) => buffer)
      for (const buffer of buffers) expect(buffer.byteLength).toBe(creditBytes / 4)
      for (const { buffer, length } of last) channel.restoreCredit(length, buffer)
      // One more, as the encoder has the next buffer in hand.
      last = send(7)
      expect(last.filter(({ buffer }) => buffers.includes(buffer))).toHaveLength(4)
    }
  })

  it('is not held up by another channel between the same two threads (R7)', () => {
    const posted: LinkMessage[] = []
    const port: Port<LinkMessage, LinkMessage> = {
      post: (message) => posted.push(message),
      onMessage: () => {},
      close: () => {},
    }
    const [full, free] = [1, 2].map(
      (id) =>
        new RemoteChannel({
          id,
          port,
          clock: new ManualClock(),
          creditBytes: 1_000,
          wake: () => {},
          filled: () => {},
        }),
    )
    full!.emit('x'.repeat(5_000), 1)
    expect([full!.isReady(), free!.isReady()]).toEqual([false, true])
    free!.endOfInput()
    expect(posted.map((message) => 'channel' in message && message.channel)).toEqual([1, 2])
  })
})
