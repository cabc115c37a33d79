import { describe, expect, it } from 'vitest'
import { type Out, processFunction } from 'millrace'
import { operatorHarness } from 'millrace/testing'

/** What a record asks for: timers to register and to delete, by domain. */
interface Ask {
  readonly key: string
  readonly event?: readonly number[]
  readonly deleteEvent?: readonly number[]
  readonly processing?: readonly number[]
  readonly deleteProcessing?: readonly number[]
}

/** Does as it is asked, and tells of each timer: key, domain, time, and the watermark it sees. */
const timed = () =>
  processFunction({
    processElement(ask: Ask, ctx, out: Out<string>) {
      for (const time of ask.event ?? []) ctx.timers.registerEventTime(time)
      for (const time of ask.deleteEvent ?? []) ctx.timers.deleteEventTime(time)
      for (const time of ask.processing ?? []) ctx.timers.registerProcessingTime(time)
      for (const time of ask.deleteProcessing ?? []) ctx.timers.deleteProcessingTime(time)
      if (ctx.timestamp < ctx.timers.currentWatermark) out.emit(`late ${ask.key}`)
    },
    onTimer(timestamp, ctx, out) {
      out.emit(`${ctx.key} ${ctx.timeDomain} ${timestamp} at ${ctx.timers.currentWatermark}`)
    },
  })

/** At each timer of the key registers one a millisecond later, up to 5. */
const chained = () =>
  processFunction({
    processElement(_ask: Ask, ctx, _out: Out<number>) {
      ctx.timers.registerEventTime(1)
    },
    onTimer(timestamp, ctx, out) {
      out.emit(timestamp)
      if (timestamp < 5) ctx.timers.registerEventTime(timestamp + 1)
    },
  })

const keyed = { keyBy: (ask: Ask) => ask.key }
const NOON = Date.UTC(2026, 0, 1, 12)

describe('timers (semantics 2.5)', () => {
  it('are a set: twice registered fires once, once deleted is gone, deleting what is not there does nothing', async () => {
    const harness = await operatorHarness(timed(), keyed)
    harness.processElement({ key: 'a', event: [5, 5, 7], deleteEvent: [7, 9] }, 1)
    expect(harness.numEventTimeTimers).toBe(1)
    harness.processWatermark(10)
    expect(harness.outputValues()).toEqual(['a event 5 at 10'])
    await harness.close()
  })

  it('of two keys and of two domains at one time are different timers', async () => {
    const harness = await operatorHarness(timed(), { ...keyed, processingTime: NOON })
    harness.processElement({ key: 'a', event: [NOON + 5], processing: [NOON + 5] }, 1)
    harness.processElement({ key: 'b', event: [NOON + 5], deleteProcessing: [NOON + 5] }, 1)
    expect([harness.numEventTimeTimers, harness.numProcessingTimeTimers]).toEqual([2, 1])
    harness.processWatermark(NOON + 5)
    expect(harness.outputValues().sort()).toEqual(
      ['a', 'b'].map((key) => `${key} event ${NOON + 5} at ${NOON + 5}`),
    )
    await harness.close()
  })

  it('fire in the order of their time, when the watermark has been set already', async () => {
    const harness = await operatorHarness(timed(), keyed)
    harness.processElement({ key: 'b', event: [9, 3] }, 1)
    harness.processElement({ key: 'a', event: [6, 20] }, 1)
    harness.processWatermark(10)
    expect(harness.outputValues()).toEqual([
      'b event 3 at 10',
      'a event 6 at 10',
      'b event 9 at 10',
    ])
    await harness.close()
  })

  it('that callbacks register for the past fire in the same pass, and only then the watermark goes on', async () => {
    const harness = await operatorHarness(chained(), keyed)
    harness.processElement({ key: 'a' }, 0)
    harness.processWatermark(3)
    expect(harness.output()).toEqual([
      { value: 1, timestamp: 1 },
      { value: 2, timestamp: 2 },
      { value: 3, timestamp: 3 },
      { watermark: 3 },
    ])
    expect(harness.numEventTimeTimers).toBe(1)
    await harness.close()
  })

  it('registered at or below the watermark fire at its next advance, not at once', async () => {
    const harness = await operatorHarness(timed(), keyed)
    harness.processWatermark(100)
    harness.processElement({ key: 'a', event: [50, 100] }, 100)
    expect(harness.outputValues()).toEqual([])
    harness.processWatermark(101)
    expect(harness.outputValues()).toEqual(['a event 50 at 101', 'a event 100 at 101'])
    await harness.close()
  })

  it('far in the future fire at the end of input', async () => {
    const harness = await operatorHarness(timed(), keyed)
    harness.processElement({ key: 'a', event: [Number.MAX_SAFE_INTEGER] }, 1)
    harness.processWatermark(1e12)
    expect(harness.outputValues()).toEqual([])
    harness.endInput()
    expect(harness.outputValues()).toEqual([`a event ${Number.MAX_SAFE_INTEGER} at Infinity`])
    await harness.close()
  })

  it('of processing time for T fire once the clock is past T; an earlier one comes first', async () => {
    const harness = await operatorHarness(timed(), { ...keyed, processingTime: NOON })
    harness.processElement({ key: 'a', processing: [NOON + 20] }, 1)
    harness.processElement({ key: 'a', processing: [NOON + 10] }, 1)
    harness.setProcessingTime(NOON + 10)
    expect(harness.outputValues()).toEqual([])
    harness.setProcessingTime(NOON + 11)
    expect(harness.outputValues()).toEqual([`a processing ${NOON + 10} at -Infinity`])
    harness.setProcessingTime(NOON + 100)
    expect(harness.outputValues()).toHaveLength(2)
    await harness.close()
  })

  it('are in the snapshot: those of event time wait for the watermark, overdue ones of processing time fire at once', async () => {
    const harness = await operatorHarness(timed(), { ...keyed, processingTime: NOON })
    harness.processElement({ key: 'a', event: [50], processing: [NOON + 10] }, 1)
    const snapshot = await harness.snapshot()
    await harness.close()
    const later = await operatorHarness(timed(), {
      ...keyed,
      snapshot,
      processingTime: NOON + 1_000,
    })
    expect(later.outputValues()).toEqual([`a processing ${NOON + 10} at -Infinity`])
    later.processWatermark(49)
    expect(later.outputValues()).toHaveLength(1)
    later.processWatermark(50)
    expect(later.outputValues()[1]).toBe('a event 50 at 50')
    await later.close()
  })

  it('do not make a process function drop late records', async () => {
    const harness = await operatorHarness(timed(), keyed)
    harness.processWatermark(100)
    harness.processElement({ key: 'a' }, 99)
    expect(harness.outputValues()).toEqual(['late a'])
    await harness.close()
  })
})
