import { describe, expect, test } from 'vitest'
import type { DataStream, KeyedStream } from '../../../operators/streams.ts'
import { purgingTrigger } from '../../../operators/window/purging-trigger.ts'
import { eventTimeSessionWindows } from '../../../operators/window/session-windows.ts'
import { eventTimeTrigger } from '../../../operators/window/time-triggers.ts'
import { tumblingEventTimeWindows } from '../../../operators/window/tumbling-windows.ts'
import { operatorHarness } from '../../../testing/operator-harness.ts'
import { ids, type Item, named, runWindows, START, type Step } from './window-run.ts'

type Keyed = KeyedStream<Item, string>

const at = (timestamp: number): Step => ({ key: 'a', timestamp, gap: 10 })
const watermark = (time: number): Step => ({ watermark: time })
const advance = (ms: number): Step => ({ advance: ms })

const tumbling = (keyed: Keyed): DataStream<string> =>
  keyed
    .window(tumblingEventTimeWindows(10))
    .allowedLateness(100)
    .lateFiring({ atMostEvery: 20 })
    .aggregate(ids, named, { uid: 'windows' })

const sessions = (keyed: Keyed): DataStream<string> =>
  keyed
    .window(eventTimeSessionWindows(10))
    .allowedLateness(100)
    .lateFiring({ atMostEvery: 20 })
    .aggregate(ids, named, { uid: 'windows' })

async function rows(build: (keyed: Keyed) => DataStream<string>, given: readonly Step[]) {
  const { output, entriesLeft, processingTimersLeft } = await runWindows(build, given)
  expect([entriesLeft, processingTimersLeft]).toEqual([0, 0])
  return output
}

describe('late firing (semantics 2.3, coalesced)', () => {
  test('puts off what late records fire, until an interval after the first of them', async () => {
    const given = [at(1), watermark(9), at(2), advance(15), at(3), advance(5), advance(1)]
    expect(await rows(tumbling, given)).toEqual([
      ...[[], ['a [0,10) 0'], [], [], [], [], ['a [0,10) 0+2+4'], []],
    ])
  })

  test('begins another interval with the next late record', async () => {
    const given = [at(1), watermark(9), at(2), advance(21), at(3), advance(20), advance(1)]
    expect((await rows(tumbling, given)).slice(2)).toEqual([
      ...[[], ['a [0,10) 0+2'], [], [], ['a [0,10) 0+2+4'], []],
    ])
  })

  test('fires what is pending when the window is cleaned up, with the watermark or at the end of input', async () => {
    const fired = ['a [0,10) 0+2']
    const before = [at(1), watermark(9), at(2)]
    expect((await rows(tumbling, [...before, watermark(108), watermark(109)])).slice(2)).toEqual([
      ...[[], [], fired, []],
    ])
    expect((await rows(tumbling, before)).slice(2)).toEqual([[], fired])
  })

  test('fires what is pending at the end of input where the lateness has no end (semantics 2.3)', async () => {
    const forEver = (keyed: Keyed): DataStream<string> =>
      keyed
        .window(tumblingEventTimeWindows(10))
        .allowedLateness(Number.MAX_SAFE_INTEGER)
        .lateFiring({ atMostEvery: 20 })
        .aggregate(ids, named, { uid: 'windows' })
    const before = [at(1), watermark(9), at(2)]
    const { output, processingTimersLeft } = await runWindows(forEver, before)
    expect(output.slice(2)).toEqual([[], ['a [0,10) 0+2']])
    expect(processingTimersLeft).toBe(0)
    const inTime = [...before, advance(21)]
    expect((await runWindows(forEver, inTime)).output.slice(2)).toEqual([[], ['a [0,10) 0+2'], []])
  })

  test('leaves alone what fires in its own time, and windows that it is not about', async () => {
    const given = [at(1), at(12), watermark(9), at(2), watermark(19), advance(21)]
    expect(await rows(tumbling, given)).toEqual([
      ...[[], [], ['a [0,10) 0'], [], ['a [10,20) 1'], ['a [0,10) 0+3'], []],
    ])
  })

  test('drops what is in the window behind it where the trigger does', async () => {
    const build = (keyed: Keyed): DataStream<string> =>
      keyed
        .window(tumblingEventTimeWindows(10))
        .trigger(purgingTrigger(eventTimeTrigger()))
        .allowedLateness(100)
        .lateFiring({ atMostEvery: 20 })
        .aggregate(ids, named, { uid: 'windows' })
    const given = [at(1), watermark(9), at(2), at(3), advance(21), at(4), advance(21)]
    expect(await rows(build, given)).toEqual([
      ...[[], ['a [0,10) 0'], [], [], ['a [0,10) 2+3'], [], ['a [0,10) 5'], []],
    ])
  })

  test('goes on for a session that others have become, from the earliest of what was pending', async () => {
    const given = [at(0), at(20), watermark(40), at(1), advance(10), at(21), at(11), advance(11)]
    expect((await rows(sessions, given)).slice(2)).toEqual([
      ...[['a [0,10) 0', 'a [20,30) 1'], [], [], [], [], ['a [0,31) 0+3+1+5+6'], []],
    ])
  })

  test('is forgotten where sessions become one that is not over yet: that fires in its own time', async () => {
    const given = [at(0), watermark(9), at(1), at(8), watermark(17), advance(30)]
    expect(await rows(sessions, given)).toEqual([
      ...[[], ['a [0,10) 0'], [], [], ['a [0,18) 0+2+3'], [], []],
    ])
  })

  test('what is pending is in the checkpoint, with its time', async () => {
    const build = (items: DataStream<Item>) => tumbling(items.keyBy(({ key }) => key))
    const item = (id: string): Item => ({ id, key: 'a', gap: 1, timestamp: 1 })
    let harness = await operatorHarness(build, { processingTime: START })
    harness.processElement(item('x'), 1)
    harness.processWatermark(9)
    harness.processElement(item('y'), 1)
    harness = await harness.restore(await harness.snapshot())
    harness.processElement(item('z'), 1)
    harness.setProcessingTime(START + 20)
    expect(harness.outputValues()).toEqual([])
    harness.setProcessingTime(START + 21)
    expect(harness.outputValues()).toEqual(['a [0,10) x+y+z'])
    await harness.close()
  })
})
