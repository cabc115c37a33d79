import { beforeEach, describe, expect, it } from 'vitest'
import type { SourceState } from '../../../runtime/checkpoint/source-state.ts'
import { MIN_TIMESTAMP } from '../../../runtime/element.ts'
import type { PollResult, SourceReader } from '../../../runtime/source.ts'
import { SourceDriver, type SourceDriverOptions } from '../../../runtime/task/source-driver.ts'
import type { WatermarkStrategy } from '../../../runtime/watermark-strategy.ts'
import { ManualClock } from '../../../testing/manual-clock.ts'

/** A reader that the test drives by hand. */
class HandReader implements SourceReader<unknown, string> {
  splits: string[] = []
  isComplete = false
  next: () => PollResult = () => 'wait'

  open(): void {}

  addSplits(splits: readonly string[]): void {
    this.splits.push(...splits)
  }

  noMoreSplits(): void {
    this.isComplete = true
  }

  poll(): PollResult {
    return this.next()
  }

  snapshotState(): readonly string[] {
    return [...this.splits]
  }
}

/** The highest timestamp less one, as state. */
const ascending: WatermarkStrategy<unknown> = {
  timestampOf: (value) => (value as { t: number }).t,
  createGenerator: () => {
    let max = MIN_TIMESTAMP
    return {
      onEvent: (_value, timestamp) => (max = Math.max(max, timestamp)),
      currentWatermark: () => max - 1,
      snapshotState: () => max,
      restoreState: (state) => (max = state as number),
    }
  },
  idleTimeoutMs: 1_000,
}

describe('SourceDriver', () => {
  let clock: ManualClock
  let emitted: [unknown, number][]
  let activations: number
  let reader: HandReader

  beforeEach(() => {
    clock = new ManualClock()
    emitted = []
    activations = 0
    reader = new HandReader()
  })

  async function open(options: Partial<SourceDriverOptions> = {}): Promise<SourceDriver> {
    const driver = new SourceDriver({
      strategy: ascending,
      clock,
      output: { emit: (value, timestamp) => emitted.push([value, timestamp]) },
      mayEmit: () => true,
      restored: undefined,
      restoredWatermark: MIN_TIMESTAMP,
      isBounded: false,
      onActive: () => activations++,
      onWatermark: (watermark) => emitted.push(['watermark', watermark]),
      warn: () => {},
      describe: (error) => error as Error,
      ...options,
    })
    await driver.open(reader)
    return driver
  }

  const t0 = 1_700_000_000_000

  function timeOf(driver: SourceDriver): [string, number] {
    driver.tick()
    return [driver.status, driver.watermark - t0]
  }

  it('keeps in a snapshot where the first few unfinished splits stand, for messages (R39)', async () => {
    const driver = await open()
    reader.splits = ['done', 'a:1', 'b:2', 'c:3', 'd:4', 'e:5']
    expect(driver.snapshotState(1).positions).toBeUndefined()
    const describeSplit = (split: string) => (split === 'done' ? undefined : split)
    Object.assign(reader, { describeSplit })
    expect(driver.snapshotState(2).positions).toEqual(['a:1', 'b:2', 'c:3', '…'])
    reader.splits = ['done', 'a:1']
    expect(driver.snapshotState(3).positions).toEqual(['a:1'])
  })

  it('names source and record where the way out of a record fails (R39)', async () => {
    const thrown = new RangeError('no way')
    const driver = await open({
      output: {
        emit: () => {
          throw thrown
        },
      },
      describe: (error, value, timestamp) =>
        new Error(`${String(value)} at ${timestamp}`, { cause: error }),
      strategy: undefined,
    })
    expect(() => driver.split('a').emit('record', t0)).toThrow(
      expect.objectContaining({ message: `record at ${t0}`, cause: thrown }),
    )
  })

  it('gives each record its timestamp and follows the lowest split', async () => {
    const driver = await open()
    const [a, b] = [driver.split('a'), driver.split('b')]
    a.emit({ t: t0 + 10 })
    b.emit({ t: t0 + 5 })
    expect(emitted.map(([, timestamp]) => timestamp - t0)).toEqual([10, 5])
    expect(timeOf(driver)).toEqual(['active', 4])
    expect(driver.maxTimestamp).toBe(t0 + 10)
  })

  it('is idle only after empty fetches for longer than the timeout (R11)', async () => {
    const driver = await open()
    const a = driver.split('a')
    a.emit({ t: t0 })
    clock.advance(5_000)
    expect(timeOf(driver)[0]).toBe('active')
    a.fetchedEmpty()
    clock.advance(600)
    a.fetchedEmpty()
    clock.advance(400)
    expect(timeOf(driver)[0]).toBe('active')
    clock.advance(1)
    expect(timeOf(driver)[0]).toBe('idle')
  })

  it('is active again before the first record of a split that comes to an idle reader (R11)', async () => {
    const before: number[] = []
    const driver = await open({ output: { emit: () => before.push(activations) } })
    driver.tick()
    clock.advance(1_001)
    expect(timeOf(driver)[0]).toBe('idle')
    driver.split('late').emit({ t: t0 })
    expect(before).toEqual([1])
    expect(driver.status).toBe('active')
    driver.split('late').emit({ t: t0 + 1 })
    expect(before).toEqual([1, 1])
  })

  it('counts a record between empty fetches as activity (R11)', async () => {
    const driver = await open()
    const a = driver.split('a')
    a.fetchedEmpty()
    clock.advance(900)
    a.emit({ t: t0 })
    a.fetchedEmpty()
    clock.advance(900)
    expect(timeOf(driver)[0]).toBe('active')
  })

  it('does not count the time in which it could not be polled (R11)', async () => {
    const driver = await open()
    const a = driver.split('a')
    a.emit({ t: t0 })
    a.fetchedEmpty()
    clock.advance(500)
    driver.hold(true)
    driver.hold(true)
    clock.advance(60_000)
    driver.hold(false)
    clock.advance(500)
    expect(timeOf(driver)[0]).toBe('active')
    clock.advance(1)
    expect(timeOf(driver)[0]).toBe('idle')
  })

  it('says what its watermark waits for, by the clock of idleness, and while splits are to be assigned (R11)', async () => {
    const driver = await open({ strategy: { ...ascending, idleTimeoutMs: 10_000 } })
    const a = driver.split('a')
    a.emit({ t: t0 })
    expect(driver.holdReason).toMatchObject({ kind: 'no-watermark-yet', lastTimestamp: t0 })
    driver.tick()
    expect(driver.holdReason).toMatchObject({ kind: 'slow-split', splitId: 'a' })
    a.fetchedEmpty()
    clock.advance(4_000)
    driver.hold(true)
    clock.advance(60_000)
    const empty = { kind: 'no-record', emptyMs: 4_000, idleInMs: 6_000 }
    expect(driver.holdReason).toMatchObject(empty)
    driver.hold(false)
    expect(driver.holdReason).toMatchObject(empty)
    const bounded = await open({ isBounded: true })
    bounded.split('a')
    expect(bounded.holdReason).toEqual({ kind: 'waiting-for-splits' })
    bounded.noMoreSplits()
    expect(bounded.holdReason.kind).toBe('no-record-yet')
  })

  it('remembers the highest timestamp of splits that have finished', async () => {
    const driver = await open()
    const [a, b] = [driver.split('a'), driver.split('b')]
    a.emit({ t: t0 + 10 })
    b.emit({ t: t0 + 5 })
    a.finish()
    expect(driver.maxTimestamp).toBe(t0 + 10)
    b.emit({ t: t0 + 20 })
    expect(driver.maxTimestamp).toBe(t0 + 20)
  })

  it('says that it is active before the record that ends idleness', async () => {
    const driver = await open()
    const a = driver.split('a')
    a.fetchedEmpty()
    clock.advance(1_001)
    expect(timeOf(driver)[0]).toBe('idle')
    a.emit({ t: t0 })
    expect([activations, driver.status, emitted.length]).toEqual([1, 'active', 1])
    a.emit({ t: t0 })
    expect(activations).toBe(1)
  })

  it('holds time back while splits of a bounded source are still to be assigned (R11)', async () => {
    const driver = await open({ isBounded: true })
    driver.split('a').emit({ t: t0 + 10 })
    expect(timeOf(driver)).toEqual(['active', MIN_TIMESTAMP])
    driver.split('b').emit({ t: t0 + 3 })
    driver.noMoreSplits()
    expect(timeOf(driver)).toEqual(['active', 2])
  })

  it('is active without splits until the timeout has passed, since they may be on their way (R11, semantics 2.6, FLINK-39586)', async () => {
    const driver = await open()
    expect(timeOf(driver)[0]).toBe('active')
    clock.advance(1_000)
    expect(timeOf(driver)[0]).toBe('active')
    clock.advance(1)
    expect(timeOf(driver)[0]).toBe('idle')
    driver.split('a')
    expect(timeOf(driver)).toEqual(['active', MIN_TIMESTAMP])
  })

  it('restores splits, their status and generators, and its watermark (R11, R12)', async () => {
    const first = await open()
    reader.splits = ['a', 'b']
    const [a, b] = [first.split('a'), first.split('b')]
    a.emit({ t: t0 + 9 })
    b.emit({ t: t0 + 5 })
    b.fetchedEmpty()
    clock.advance(1_001)
    expect(timeOf(first)).toEqual(['active', 8])
    const restored: SourceState = structuredClone(first.snapshotState(1))

    reader = new HandReader()
    const second = await open({ restored, restoredWatermark: first.watermark })
    expect([reader.splits, reader.isComplete]).toEqual([['a', 'b'], false])
    second.split('a')
    const restoredB = second.split('b')
    expect(timeOf(second)).toEqual(['active', 8])
    expect(restoredB.watermark).toBe(t0 + 4)
    restoredB.emit({ t: t0 + 6 })
    expect(timeOf(second)).toEqual(['active', 8])
    expect(activations).toBe(1)
  })

  it('remembers that no more splits come', async () => {
    const first = await open({ isBounded: true })
    first.noMoreSplits()
    const restored = first.snapshotState(1)
    reader = new HandReader()
    await open({ restored, isBounded: true })
    expect(reader.isComplete).toBe(true)
  })

  it('tells the reader to pause when no more may be emitted (R7)', async () => {
    let credit = 2
    const driver = await open({ mayEmit: () => --credit > 0 })
    const a = driver.split('a')
    expect([a.emit({ t: t0 }), a.emit({ t: t0 })]).toEqual([true, false])
  })

  it('refuses what is no timestamp, naming the record (R39)', async () => {
    const driver = await open({
      describe: (error, value) =>
        new Error(`${JSON.stringify(value)}: ${(error as Error).message}`),
    })
    const a = driver.split('a')
    expect(() => a.emit({ t: 1.5 })).toThrow('{"t":1.5}: the record was given the timestamp 1.5')
    expect(emitted).toEqual([])
  })

  describe('with watermarks that records carry', () => {
    const perRecord: WatermarkStrategy<unknown> = { ...ascending, emission: 'per-record' }
    const record = (time: number): [unknown, number] => [{ t: t0 + time }, t0 + time]
    const watermark = (time: number): [unknown, number] => ['watermark', t0 + time]

    it('sends one right behind its record, as far as the slowest split allows (semantics 2.6)', async () => {
      const driver = await open({ strategy: perRecord })
      const [a, b] = [driver.split('a'), driver.split('b')]
      a.emit({ t: t0 + 10 })
      b.emit({ t: t0 + 5 })
      a.emit({ t: t0 + 11 })
      b.emit({ t: t0 + 30 })
      b.emit({ t: t0 + 29 })
      expect(emitted).toEqual([
        record(10),
        record(5),
        watermark(4),
        record(11),
        record(30),
        watermark(10),
        record(29),
      ])
    })

    it('sends none while splits of a bounded source are still to be assigned (R11)', async () => {
      const driver = await open({ strategy: perRecord, isBounded: true })
      driver.split('a').emit({ t: t0 + 10 })
      expect(emitted).toEqual([record(10)])
      driver.noMoreSplits()
      driver.split('a').emit({ t: t0 + 11 })
      expect(emitted.slice(1)).toEqual([record(11), watermark(10)])
    })

    it('sends none that is not above the restored one (R12)', async () => {
      const driver = await open({ strategy: perRecord, restoredWatermark: t0 + 20 })
      const a = driver.split('a')
      a.emit({ t: t0 + 10 })
      a.emit({ t: t0 + 30 })
      expect(emitted).toEqual([record(10), record(30), watermark(29)])
    })
  })

  it('a finished split that held the watermark back lets it go with the next look (semantics 2.6)', async () => {
    const driver = await open()
    const [a, b] = [driver.split('a'), driver.split('b')]
    a.emit({ t: t0 + 10 })
    b.emit({ t: t0 + 5 })
    expect(timeOf(driver)).toEqual(['active', 4])
    b.finish()
    expect(driver.watermark).toBe(t0 + 4)
    expect(timeOf(driver)).toEqual(['active', 9])
  })

  it('says what it knows when its last split becomes idle, and nothing more until it is active (semantics 2.6)', async () => {
    let clockTime = t0
    const strategy: WatermarkStrategy<unknown> = {
      createGenerator: () => ({
        onEvent() {},
        currentWatermark: () => clockTime,
        snapshotState: () => null,
        restoreState() {},
      }),
      idleTimeoutMs: 10,
    }
    const driver = await open({ strategy })
    const a = driver.split('a')
    a.fetchedEmpty()
    clock.advance(11)
    expect(timeOf(driver)).toEqual(['idle', 0])
    clockTime = t0 + 5
    expect(timeOf(driver)).toEqual(['idle', 0])
    a.emit({ t: t0 + 9 }, t0 + 9)
    expect(timeOf(driver)).toEqual(['active', 5])
  })

  it('refuses what is no watermark (semantics 2.6)', async () => {
    for (const watermark of [Number.NaN, 0.5, Infinity, 2 ** 53]) {
      const generator = { ...ascending.createGenerator(), currentWatermark: () => watermark }
      const strategy: WatermarkStrategy<unknown> = {
        ...ascending,
        createGenerator: () => generator,
      }
      const driver = await open({ strategy })
      driver.split('a')
      expect(() => driver.tick()).toThrow(expect.objectContaining({ code: 'MR_WATERMARK_INVALID' }))
    }
  })

  describe('of a source that keeps together with others', () => {
    const alignment = { group: 'all', maxDriftMs: 10, updateIntervalMs: 1_000 }
    const aligned: WatermarkStrategy<unknown> = { ...ascending, alignment }
    let paused: string[][]

    beforeEach(() => {
      paused = []
      Object.assign(reader, { pauseSplits: (ids: ReadonlySet<string>) => paused.push([...ids]) })
    })

    it('pauses the splits that are ahead, and all of it when all are (semantics 2.6)', async () => {
      const driver = await open({ strategy: aligned })
      const [a, b] = [driver.split('a'), driver.split('b')]
      driver.align(t0)
      a.emit({ t: t0 + 12 })
      b.emit({ t: t0 + 11 })
      driver.tick()
      expect([paused, driver.isPaused]).toEqual([[['a']], false])
      b.emit({ t: t0 + 12 })
      driver.tick()
      expect([paused.at(-1), driver.isPaused]).toEqual([['a', 'b'], true])
      driver.align(t0 + 1)
      expect(driver.isPaused).toBe(true)
      driver.tick()
      expect([paused.at(-1), driver.isPaused]).toEqual([[], false])
    })

    it('pauses what is restored with a watermark until it knows how far the others are (semantics 2.6, R12)', async () => {
      const first = await open({ strategy: aligned })
      first.split('a').emit({ t: t0 })
      first.tick()
      const restored = structuredClone(first.snapshotState(1))
      const second = await open({ strategy: aligned, restored, restoredWatermark: t0 - 1 })
      second.split('a')
      second.tick()
      expect(second.isPaused).toBe(true)
      second.align(t0 - 5)
      second.tick()
      expect(second.isPaused).toBe(false)
    })

    it('is not paused while splits of a bounded source are still to be assigned (R11, semantics 2.6)', async () => {
      const driver = await open({ strategy: aligned, isBounded: true })
      driver.split('a').emit({ t: t0 })
      driver.tick()
      expect(driver.isPaused).toBe(false)
      driver.noMoreSplits()
      driver.tick()
      expect(driver.isPaused).toBe(true)
    })

    it('makes the reader return when a record carries its watermark too far (semantics 2.6)', async () => {
      const driver = await open({ strategy: { ...aligned, emission: 'per-record' } })
      const [a, b] = [driver.split('a'), driver.split('b')]
      driver.align(t0)
      expect(a.emit({ t: t0 + 11 })).toBe(true)
      expect(a.emit({ t: t0 + 12 })).toBe(false)
      expect([paused, driver.isPaused]).toEqual([[['a']], false])
      expect(b.emit({ t: t0 + 12 })).toBe(false)
      expect(driver.isPaused).toBe(true)
    })

    it('does not become idle while it is paused (R11)', async () => {
      const driver = await open({ strategy: aligned })
      const a = driver.split('a')
      a.emit({ t: t0 })
      a.fetchedEmpty()
      driver.tick()
      clock.advance(60_000)
      expect([timeOf(driver)[0], driver.isPaused]).toEqual(['active', true])
      driver.align(t0)
      driver.tick()
      clock.advance(1_000)
      expect(timeOf(driver)[0]).toBe('active')
      clock.advance(1)
      expect(timeOf(driver)[0]).toBe('idle')
    })
  })
})
