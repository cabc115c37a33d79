import { describe, expect, it } from 'vitest'
import { outputTag } from '../../operators/output-tag.ts'
import { processFunction } from '../../operators/process.ts'
import type { Out } from '../../operators/collector.ts'
import type { DataStream } from '../../operators/streams.ts'
import { boundedOutOfOrderness } from '../../operators/watermarks.ts'
import { tumblingEventTimeWindows } from '../../operators/window/tumbling-windows.ts'
import { valueState } from '../../runtime/state/state.ts'
import { ManualClock } from '../../testing/manual-clock.ts'
import { operatorHarness } from '../../testing/operator-harness.ts'

interface Order {
  readonly customer: string
  readonly cents: number
}

const LARGE = outputTag<Order>('large')

/** Sums per customer until a minute has passed since the first order, by either clock. */
const totals = () =>
  processFunction({
    state: { sum: valueState<number>() },
    processElement(order: Order, ctx, _out: Out<string>) {
      if (order.cents > 1_000) ctx.output(LARGE, order)
      if (ctx.state.sum.value() === undefined) {
        ctx.timers.registerEventTime(ctx.timestamp + 60_000)
        ctx.timers.registerProcessingTime(ctx.timers.currentProcessingTime + 60_000)
      }
      ctx.state.sum.update((ctx.state.sum.value() ?? 0) + order.cents)
      ctx.count('orders')
    },
    onTimer(_timestamp, ctx, out) {
      const sum = ctx.state.sum.value()
      if (sum === undefined) return
      out.emit(`${ctx.key}: ${sum} by ${ctx.timeDomain} time`)
      ctx.state.sum.clear()
    },
  })

const underTest = (orders: DataStream<Order>) =>
  orders.keyBy((order) => order.customer).process(totals(), { uid: 'totals' })

const T0 = 1_700_000_000_000

describe('operatorHarness', () => {
  it('finds that a value in state is changed after it has been emitted (R16)', async () => {
    const counting = (orders: DataStream<Order>) =>
      orders
        .keyBy((order) => order.customer)
        .process(
          processFunction({
            state: { total: valueState<{ orders: number }>() },
            processElement(_order: Order, ctx, out: Out<{ orders: number }>) {
              const total = ctx.state.total.value() ?? { orders: 0 }
              total.orders++
              ctx.state.total.update(total)
              out.emit(total)
            },
          }),
          { uid: 'totals' },
        )
    const harness = await operatorHarness(counting)
    harness.processElement({ customer: 'a', cents: 1 })
    expect(() => harness.processElement({ customer: 'a', cents: 2 })).toThrow(
      /"totals".*read only property 'orders'/,
    )
    expect(harness.outputValues()).toEqual([{ orders: 1 }])
  })

  it('goes by a clock that the function under test may have too', async () => {
    const clock = new ManualClock(5_000)
    const stamps = (orders: DataStream<Order>) =>
      orders.map((order) => `${order.customer} at ${clock.now()}`)
    const harness = await operatorHarness(stamps, { clock })
    harness.setProcessingTime(7_000)
    harness.processElement({ customer: 'a', cents: 1 })
    expect(harness.outputValues()).toEqual(['a at 7000'])
  })

  it('runs records, timers, side outputs and counters, all at once', async () => {
    const harness = await operatorHarness(underTest)
    harness.processElement({ customer: 'a', cents: 5 }, T0)
    harness.processElement({ customer: 'b', cents: 2_000 }, T0 + 1)
    expect(harness.outputValues()).toEqual([])
    expect(harness.sideOutputValues(LARGE)).toEqual([{ customer: 'b', cents: 2_000 }])
    expect([
      harness.numEventTimeTimers,
      harness.numProcessingTimeTimers,
      harness.numKeyedStateEntries,
      harness.counter('orders'),
    ]).toEqual([2, 2, 2, 2])
    harness.processWatermark(T0 + 60_000)
    expect(harness.output()).toEqual([
      { value: 'a: 5 by event time', timestamp: T0 + 60_000 },
      { watermark: T0 + 60_000 },
    ])
    expect(harness.currentWatermark).toBe(T0 + 60_000)
    harness.setProcessingTime(harness.processingTime + 60_000)
    expect(harness.outputValues()).toHaveLength(1)
    harness.advanceProcessingTime(1)
    expect(harness.outputValues()).toEqual(['a: 5 by event time', 'b: 2000 by processing time'])
    expect(harness.numKeyedStateEntries).toBe(0)
    await harness.close()
  })

  it('fires what is left at the end of input', async () => {
    const harness = await operatorHarness(underTest)
    harness.processElement({ customer: 'a', cents: 5 }, T0)
    harness.endInput()
    expect(harness.outputValues()).toEqual(['a: 5 by event time'])
    expect(harness.currentWatermark).toBe(Infinity)
    expect(() => harness.processElement({ customer: 'a', cents: 5 }, T0)).toThrow('has ended')
    await harness.close()
  })

  it('restores state, timers and processing time into fresh operators', async () => {
    const first = await operatorHarness(underTest, { processingTime: T0 })
    first.processElement({ customer: 'a', cents: 5 }, T0)
    const early = await first.snapshot()
    first.processElement({ customer: 'a', cents: 6 }, T0)
    const later = await first.snapshot()
    const second = await first.restore(later)
    expect(second.processingTime).toBe(T0)
    second.advanceProcessingTime(60_001)
    expect(second.outputValues()).toEqual(['a: 11 by processing time'])
    const third = await second.restore(early)
    third.processWatermark(T0 + 60_000)
    expect(third.outputValues()).toEqual(['a: 5 by event time'])
    await third.close()
  })

  it('keeps late records late after a restore (R12)', async () => {
    const windows = (orders: DataStream<Order>) =>
      orders
        .keyBy((order) => order.customer)
        .window(tumblingEventTimeWindows('1m'))
        .aggregate(
          { create: () => 0, add: (sum, { cents }: Order) => sum + cents, result: (sum) => sum },
          { uid: 'windows' },
        )
    const first = await operatorHarness(windows)
    first.processElement({ customer: 'a', cents: 5 }, T0)
    first.processWatermark(T0 + 120_000)
    expect(first.outputValues()).toEqual([5])
    const second = await first.restore(await first.snapshot())
    second.processElement({ customer: 'a', cents: 7 }, T0)
    second.endInput()
    expect(second.outputValues()).toEqual([])
    expect(second.counter('numLateRecordsDropped')).toBe(1)
    await second.close()
  })

  it('takes a chain of operators, with watermarks of its own', async () => {
    const harness = await operatorHarness((numbers: DataStream<number>) =>
      numbers
        .map((n) => n * 2)
        .filter((n) => n > 2)
        .flatMap((n) => [n, n + 1])
        .assignTimestampsAndWatermarks(
          boundedOutOfOrderness(10, (n) => T0 + n),
          { uid: 'time' },
        ),
    )
    harness.processElements([{ value: 1 }, { value: 2 }, { value: 3 }])
    expect(harness.output()).toEqual([
      { value: 4, timestamp: T0 + 4 },
      { value: 5, timestamp: T0 + 5 },
      { value: 6, timestamp: T0 + 6 },
      { value: 7, timestamp: T0 + 7 },
      { watermark: T0 + 7 - 11 },
    ])
    await harness.close()
  })

  it('fails with what a function fails with, naming operator, key and record (R39)', async () => {
    const harness = await operatorHarness((orders: DataStream<Order>) =>
      orders
        .keyBy((order) => order.customer)
        .process(
          processFunction({
            processElement(order: Order, _ctx, _out: Out<string>) {
              if (order.cents < 0) throw new RangeError('negative')
            },
          }),
          { uid: 'checked' },
        ),
    )
    expect(() => harness.processElement({ customer: 'a', cents: -1 }, T0)).toThrow(
      /Operator "checked", record { customer: 'a', cents: -1 }.*RangeError: negative.*key 'a'/,
    )
    await harness.close()
  })

  it('finds a function that changes a record (R16)', async () => {
    const harness = await operatorHarness((orders: DataStream<{ cents: number }>) =>
      orders.map((order) => {
        order.cents++
        return order
      }),
    )
    expect(() => harness.processElement({ cents: 1 })).toThrow(/read only property 'cents'/)
    await harness.close()
  })

  it('finds state that is changed in place and not stored (R16)', async () => {
    const harness = await operatorHarness((orders: DataStream<Order>) =>
      orders
        .keyBy((order) => order.customer)
        .process(
          processFunction({
            state: { seen: valueState<{ count: number }>() },
            processElement(_order: Order, ctx, _out: Out<string>) {
              const seen = ctx.state.seen.value()
              if (seen === undefined) ctx.state.seen.update({ count: 1 })
              else seen.count++
            },
          }),
          { uid: 'counting' },
        ),
    )
    harness.processElement({ customer: 'a', cents: 1 })
    expect(() => harness.processElement({ customer: 'a', cents: 1 })).toThrow(
      expect.objectContaining({ code: 'MR_STATE_MUTATED' }),
    )
    await harness.close()
  })

  it('rejects a stream that could not be run', async () => {
    await expect(
      operatorHarness((orders: DataStream<Order>) =>
        orders.keyBy((order) => order.customer).process(totals(), { uid: 'harness-input' }),
      ),
    ).rejects.toMatchObject({ code: 'MR_UID_DUPLICATE' })
  })

  it('takes a process function by itself, with the key of its records', async () => {
    const harness = await operatorHarness(totals(), { keyBy: (order) => order.customer })
    harness.processElement({ customer: 'a', cents: 5 }, T0)
    harness.processElement({ customer: 'a', cents: 6 }, T0 + 1)
    harness.processWatermark(T0 + 60_000)
    expect(harness.outputValues()).toEqual(['a: 11 by event time'])
    await harness.close()
  })

  it('takes functions without a key as objects, which are opened and closed (R21)', async () => {
    const calls: string[] = []
    const map = {
      open: () => Promise.resolve().then(() => void calls.push('open')),
      map: (n: number) => n * 2,
      close: () => void calls.push('close'),
    }
    const mapped = await operatorHarness(map)
    mapped.processElement(4, T0)
    expect(mapped.output()).toEqual([{ value: 8, timestamp: T0 }])
    await mapped.close()
    expect(calls).toEqual(['open', 'close'])

    const flat = await operatorHarness({ flatMap: (n: number) => [n, -n] })
    flat.processElement(1)
    expect(flat.outputValues()).toEqual([1, -1])
    const process = await operatorHarness({
      processElement: (n: number, ctx, out: Out<string>) => out.emit(`${n} at ${ctx.timestamp}`),
    })
    process.processElement(1, T0)
    expect(process.outputValues()).toEqual([`1 at ${T0}`])
    await Promise.all([flat.close(), process.close()])
  })

  it('keeps watermarks in order with the records, and says each once', async () => {
    const harness = await operatorHarness({ map: (n: number) => n })
    harness.processElement(1, T0)
    harness.processWatermark(T0)
    harness.processWatermark(T0)
    harness.processWatermark(T0 - 1)
    harness.processElement(2, T0 - 5)
    harness.processWatermarkStatus('idle')
    harness.processWatermark(T0 + 1)
    harness.endInput()
    expect(harness.output()).toEqual([
      { value: 1, timestamp: T0 },
      { watermark: T0 },
      { value: 2, timestamp: T0 - 5 },
      { watermark: T0 + 1 },
      { watermark: Infinity },
    ])
    await harness.close()
  })

  it('leaves opening to the test where it is asked to', async () => {
    const calls: string[] = []
    const map = { open: () => void calls.push('open'), map: (n: number) => n }
    const harness = await operatorHarness(map, { open: false })
    expect(calls).toEqual([])
    expect(() => harness.processElement(1)).toThrow(
      'processElement(): the harness is not open yet; there are no operators to take it; await open() before it.',
    )
    await harness.open()
    harness.processElement(1)
    expect([calls, harness.outputValues()]).toEqual([['open'], [1]])
    await expect(harness.open()).rejects.toMatchObject({ code: 'MR_TEST_INVALID' })
    await harness.close()

    const failing = { open: () => Promise.reject(new Error('no network')), map: (n: number) => n }
    await expect(operatorHarness(failing)).rejects.toThrow(/"map#1", open\(\).*no network/)
  })
})

describe('misuse of a harness', () => {
  it('is to restore what is no snapshot, such as one that was not awaited; the harness stays open', async () => {
    const harness = await operatorHarness({ map: (n: number) => n })
    const taken = harness.snapshot()
    for (const wrong of [taken, undefined, {}]) {
      await expect(harness.restore(wrong as unknown as Awaited<typeof taken>)).rejects.toThrow(
        'restore(): it was given something that is no snapshot; there is nothing to go on from; give what snapshot() returned: await harness.snapshot().',
      )
    }
    const after = await harness.restore(await taken)
    after.processElement(1)
    expect(after.outputValues()).toEqual([1])
    await after.close()
  })

  const refused = (message: RegExp | string): unknown =>
    expect.objectContaining({
      code: 'MR_TEST_INVALID',
      message: expect.stringMatching(message) as string,
    })

  it('is an error that names the verb and the way out', async () => {
    const harness = await operatorHarness({ map: (n: number) => n }, { processingTime: 5_000 })
    for (const [verb, message] of [
      [() => harness.setProcessingTime(4_999), /^setProcessingTime\(\): .* 4999, .* 5000 already/],
      [() => harness.advanceProcessingTime(-1), /^advanceProcessingTime\(\): .* -1; /],
      [() => harness.processWatermark(Infinity), /^processWatermark\(\): .* comes with endInput/],
      [
        () => harness.processWatermark(1.5),
        /^processWatermark\(\): .* 1\.5, which is no watermark/,
      ],
      [() => harness.processWatermarkStatus('finished' as 'idle'), /finished \(string\); .*"idle"/],
    ] as const) {
      expect(verb).toThrow(refused(message) as Error)
    }
    harness.endInput()
    expect(() => harness.endInput()).toThrow(refused(/^endInput\(\): input has ended/) as Error)
    await expect(harness.snapshot()).rejects.toEqual(refused(/^snapshot\(\): all input has ended/))
    await harness.close()
    expect(() => harness.processElement(1)).toThrow(refused(/harness is closed.*restore/) as Error)
    await harness.close()
  })

  it('is an error that says what can be tested', async () => {
    const cases: [given: unknown, options: object, message: RegExp][] = [
      [undefined, {}, /given something of type undefined .*there is nothing to run/],
      [{ reduce: () => 1 }, {}, /something of type object .*map, flatMap, processElement/],
      [() => 5, {}, /returned a value of type number.*\{ map: f \}/],
      [() => ({}), {}, /returned something that is no stream/],
      [(stream: unknown) => stream, { keyBy: () => 1 }, /chooses the keys itself; leave keyBy out/],
      [{ map: () => 1 }, { keyBy: () => 1 }, /has map; such a function has no key/],
      [totals(), {}, /without its key selector.*keyBy: \(value\) => …/],
      [totals(), { keyBy: [() => 1, () => 1] }, /without its key selector/],
    ]
    for (const [given, options, message] of cases) {
      await expect(operatorHarness(given as never, options)).rejects.toEqual(refused(message))
    }
  })
})
