import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { OutputChannel } from '../../runtime/channel/output-channel.ts'
import type { CheckpointBarrier } from '../../runtime/element.ts'
import { anyRecord, anyValue } from '../harness/arbitrary-values.ts'
import { type ChannelRig, logs } from './channel-rig.ts'

/** One thing sent, and what the receiver is to see of it. */
interface Sent {
  readonly line: string
  send(channel: OutputChannel): void
}

const barrierOf = (checkpointId: number): CheckpointBarrier => ({
  checkpointId,
  baseId: checkpointId - 1,
  kind: checkpointId % 2 === 0 ? 'stop' : 'checkpoint',
})

const anySent: fc.Arbitrary<Sent> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(fc.oneof(anyRecord, anyValue), fc.integer(), fc.boolean())
      .map(([value, timestamp, isKeyed]) => ({
        line: logs.record(value, timestamp),
        send: (channel: OutputChannel) => {
          if (isKeyed) channel.emitKeyed(value, timestamp, 'key', 5)
          else channel.emit(value, timestamp)
        },
      })),
  },
  fc.integer().map((timestamp) => ({
    line: logs.watermark(timestamp),
    send: (channel: OutputChannel) => channel.watermark(timestamp),
  })),
  fc.constantFrom('active' as const, 'idle' as const, 'finished' as const).map((status) => ({
    line: logs.status(status),
    send: (channel: OutputChannel) => channel.status(status),
  })),
  fc.integer({ min: 1, max: 9 }).map((id) => ({
    line: logs.barrier(barrierOf(id)),
    send: (channel: OutputChannel) => channel.barrier(barrierOf(id)),
  })),
  fc.constant({
    line: logs.endOfReadFirst(),
    send: (channel: OutputChannel) => channel.endOfReadFirst(),
  }),
)

export interface ChannelContractOptions {
  readonly name: string
  readonly create: () => ChannelRig
}

/** What every channel must do, direct or between threads (R6). */
export function channelContract({ name, create }: ChannelContractOptions): void {
  describe(`channel contract: ${name}`, () => {
    it('hands over records, watermarks, statuses and barriers in the order in which they were sent (R6, R8, R10)', () => {
      const steps = fc.array(fc.tuple(anySent, fc.boolean()), { maxLength: 60, size: 'max' })
      fc.assert(
        fc.property(steps, (all) => {
          const rig = create()
          for (const [sent, delivers] of all) {
            sent.send(rig.channel)
            if (delivers) rig.deliver()
          }
          rig.channel.endOfInput()
          rig.deliver()
          expect(rig.received).toEqual([...all.map(([sent]) => sent.line), logs.end()])
        }),
        { numRuns: 50 },
      )
    })

    it('lets the caller take no input while the receiver takes none, and loses nothing (R6, R7)', () => {
      const rig = create()
      rig.setOpen(false)
      rig.setTakesBarriers(false)
      let sent = 0
      while (rig.channel.isReady()) {
        rig.channel.emit({ sent }, sent)
        rig.deliver()
        sent++
        expect(sent).toBeLessThan(10_000)
      }
      rig.setOpen(true)
      rig.channel.flush(Infinity, 0)
      rig.deliver()
      rig.deliver()
      expect(rig.channel.isReady()).toBe(true)
      expect(rig.received).toEqual(
        Array.from({ length: sent }, (_, n) => logs.record({ sent: n }, n)),
      )
    })

    it('hands over a barrier and the end of input without waiting for more (R8)', () => {
      for (const finish of ['barrier', 'end'] as const) {
        const rig = create()
        rig.channel.emit(1, 10)
        rig.channel.watermark(5)
        if (finish === 'barrier') rig.channel.barrier(barrierOf(1))
        else rig.channel.endOfInput()
        rig.deliver()
        const last = finish === 'barrier' ? logs.barrier(barrierOf(1)) : logs.end()
        expect(rig.received).toEqual([logs.record(1, 10), logs.watermark(5), last])
      }
    })

    it('takes a barrier when the receiver takes nothing else, or keeps it in order', () => {
      const rig = create()
      rig.setOpen(false)
      expect(rig.channel.isReadyForBarrier()).toBe(true)
      rig.channel.barrier(barrierOf(1))
      rig.setOpen(true)
      rig.deliver()
      expect(rig.received).toEqual([logs.barrier(barrierOf(1))])
    })

    it('refuses a value outside the type table, with the path of the field (R18)', () => {
      const rig = create()
      expect(() => rig.channel.emit({ items: [{ when: () => 1 }] }, 0)).toThrow(
        expect.objectContaining({
          code: 'MR_VALUE_UNSUPPORTED',
          message: expect.stringMatching(/^record\.items\[0\]\.when is a function/),
        }),
      )
      expect(() => rig.channel.emitKeyed(Symbol('s'), 0, 'key', 5)).toThrow('record is a symbol')
      rig.channel.emit({ items: [] }, 1)
      rig.channel.endOfInput()
      rig.deliver()
      expect(rig.received).toEqual([logs.record({ items: [] }, 1), logs.end()])
    })
  })
}
