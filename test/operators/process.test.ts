import { describe, expect, test } from 'vitest'
import type { Out } from '../../operators/collector.ts'
import { outputTag } from '../../operators/output-tag.ts'
import type { ProcessContext, TimerContext } from '../../operators/process-context.ts'
import { processFunction } from '../../operators/process.ts'
import { type ValueState, valueState } from '../../runtime/state/state.ts'
import { OperatorDriver } from './operator-driver.ts'

const OUTSIDE = expect.objectContaining({ code: 'MR_STATE_OUTSIDE_CALLBACK' }) as Error

describe('process', () => {
  test('sees key, timestamp, watermark and its place in the job; emits with the timestamp', () => {
    const { spec } = processFunction({
      processElement(value: string, ctx, out: Out<unknown>) {
        const { uid, subtaskIndex, parallelism, attempt, key, timestamp } = ctx
        out.emit({ value, uid, subtaskIndex, parallelism, attempt, key, timestamp })
        out.emit(ctx.timers.currentWatermark)
      },
    })
    const driver = new OperatorDriver(spec)
    driver.advance(5)
    driver.element('v', 7, 'k')
    const place = { uid: 'tested', subtaskIndex: 1, parallelism: 3, attempt: 2 }
    expect(driver.output).toEqual([
      [{ value: 'v', ...place, key: 'k', timestamp: 7 }, 7],
      [5, 7],
    ])
  })

  test('keeps state by key under its declared name', () => {
    const { spec } = processFunction({
      state: { count: valueState<number>(), last: valueState<string>({ version: 3 }) },
      processElement(value: string, ctx, out: Out<string>) {
        const count = (ctx.state.count.value() ?? 0) + 1
        out.emit(`${count} after ${ctx.state.last.value() ?? 'none'}`)
        ctx.state.count.update(count)
        ctx.state.last.update(value)
      },
    })
    expect(spec.states).toEqual([
      { kind: 'value', version: 1, name: 'count' },
      { kind: 'value', version: 3, name: 'last' },
    ])
    const driver = new OperatorDriver(spec).element('x', 0, 'a').element('y', 0, 'b')
    driver.element('z', 0, 'a')
    expect(driver.output.map(([value]) => value)).toEqual([
      '1 after none',
      '1 after none',
      '2 after x',
    ])
  })

  test('one descriptor may be declared under two names', () => {
    const shared = valueState<number>()
    const { spec } = processFunction({
      state: { a: shared, b: shared },
      processElement(value: number, ctx, out: Out<number | undefined>) {
        ctx.state.a.update(value)
        out.emit(ctx.state.b.value())
      },
    })
    expect(spec.states?.map((state) => state.name)).toEqual(['a', 'b'])
    expect(shared.name).toBe('')
    expect(new OperatorDriver(spec).element(1, 0, 'k').output).toEqual([[undefined, 0]])
  })

  test('event-time timers call back with key and time domain, and emit with their timestamp', () => {
    const { spec } = processFunction({
      processElement(value: number, ctx, _out: Out<string>) {
        ctx.timers.registerEventTime(value)
      },
      onTimer(timestamp, ctx, out) {
        out.emit(`${String(ctx.key)} ${timestamp} ${ctx.timestamp} ${ctx.timeDomain}`)
      },
    })
    expect(spec.hasTimers).toBe(true)
    const driver = new OperatorDriver(spec)
      .element(20, 0, 'a')
      .element(10, 0, 'b')
      .element(30, 0, 'c')
    expect(driver.advance(20)).toBe(20)
    expect(driver.output).toEqual([
      ['b 10 10 event', 10],
      ['a 20 20 event', 20],
    ])
  })

  test('processing-time timers have no event time: what they emit has none either (semantics 2.5)', () => {
    const { spec } = processFunction({
      processElement(_value: number, ctx, _out: Out<string>) {
        ctx.timers.registerProcessingTime(ctx.timers.currentProcessingTime + 5)
      },
      onTimer(timestamp, ctx, out) {
        out.emit(`${timestamp} ${ctx.timestamp} ${ctx.timeDomain}`)
      },
    })
    const driver = new OperatorDriver(spec).element(1, 7, 'a')
    driver.advanceClock(5)
    expect(driver.output).toEqual([['5 -Infinity processing', -Infinity]])
  })

  test('a function without onTimer cannot register timers, but may delete them', () => {
    const { spec } = processFunction({
      processElement(value: string, ctx, _out: Out<never>) {
        if (value === 'event') ctx.timers.registerEventTime(1)
        if (value === 'processing') ctx.timers.registerProcessingTime(1)
        ctx.timers.deleteEventTime(1)
        ctx.timers.deleteProcessingTime(1)
      },
    })
    expect(spec.hasTimers).toBe(false)
    const driver = new OperatorDriver(spec).element('none', 0, 'k')
    const invalid = expect.objectContaining({ code: 'MR_TIMER_INVALID' }) as Error
    expect(() => driver.element('event', 0, 'k')).toThrow(invalid)
    expect(() => driver.element('processing', 0, 'k')).toThrow(invalid)
  })

  test('emits to side outputs with the timestamp of the record, and counts and logs', () => {
    const odd = outputTag<number>('odd')
    const { spec } = processFunction({
      processElement(value: number, ctx, out: Out<number>) {
        if (value % 2 === 0) return out.emit(value)
        ctx.output(odd, value)
        ctx.count('odd', 2)
        ctx.log('odd:', value)
      },
    })
    const driver = new OperatorDriver(spec).element(1, 5, 'k').element(2, 6, 'k')
    expect(driver.output).toEqual([[2, 6]])
    expect(driver.side).toEqual({ odd: [[1, 5]] })
    expect(driver.counters).toEqual({ odd: 2 })
    expect(driver.logs).toEqual(['odd: 1'])
  })

  test('fails when processElement or onTimer return a promise (R15)', () => {
    const { spec } = processFunction({
      processElement: ((value: number, ctx: ProcessContext<Record<never, never>>) => {
        if (value === 0) return Promise.reject(new Error('nobody waits for this'))
        ctx.timers.registerEventTime(value)
        return undefined
      }) as () => void,
      onTimer: (async () => {}) as () => void,
    })
    const asynchronous = expect.objectContaining({ code: 'MR_FUNCTION_ASYNC' }) as Error
    const driver = new OperatorDriver(spec)
    expect(() => driver.element(0, 0, 'k')).toThrow(asynchronous)
    driver.element(10, 0, 'k')
    expect(() => driver.advance(10)).toThrow(asynchronous)
  })

  test('collector, context, state and side outputs throw outside their callback (R15)', () => {
    const states = { total: valueState<number>() }
    let ctx: TimerContext<typeof states> | undefined
    let collector: Out<number> | undefined
    let handle: ValueState<number> | undefined
    const { spec } = processFunction({
      state: states,
      processElement(value: number, context, out: Out<number>) {
        ctx = context as TimerContext<typeof states>
        collector = out
        handle = context.state.total
        if (value < 0) throw new Error('negative')
      },
    })
    const driver = new OperatorDriver(spec)
    const reach = (): (() => unknown)[] => [
      () => collector!.emit(1),
      () => ctx!.key,
      () => ctx!.timestamp,
      () => ctx!.state,
      () => ctx!.timers,
      () => ctx!.output(outputTag<number>('side'), 1),
      () => handle!.value(),
    ]
    driver.element(1, 0, 'k')
    for (const use of reach()) expect(use).toThrow(OUTSIDE)
    expect(() => driver.element(-1, 0, 'k')).toThrow('negative')
    for (const use of reach()) expect(use).toThrow(OUTSIDE)
    expect(driver.output).toEqual([])
    expect(driver.side).toEqual({})
    // Both are harmless, and of use to what goes on beside the stream.
    ctx!.count('later')
    ctx!.log('later')
    expect(driver.counters).toEqual({ later: 1 })
  })

  test('uses one context and one collector for all records', () => {
    const seen = new Set<unknown>()
    const { spec } = processFunction({
      processElement(_value: number, ctx, out: Out<never>) {
        seen.add(ctx).add(out).add(ctx.state)
      },
    })
    new OperatorDriver(spec).element(1, 0, 'a').element(2, 0, 'b')
    expect(seen.size).toBe(3)
  })

  test('calls its callbacks as methods of the definition, and opens and closes it (R21)', async () => {
    const calls: string[] = []
    const definition = {
      name: 'mine',
      open() {
        calls.push(`open ${this.name}`)
      },
      processElement(_value: number, ctx: ProcessContext<Record<never, never>>) {
        calls.push(this.name)
        ctx.timers.registerEventTime(1)
      },
      onTimer() {
        calls.push(`timer ${this.name}`)
      },
      close() {
        calls.push(`close ${this.name}`)
      },
    }
    const driver = new OperatorDriver(processFunction(definition).spec)
    await driver.operator.open?.()
    driver.element(1, 0, 'k').advance(1)
    await driver.operator.close?.()
    expect(calls).toEqual(['open mine', 'mine', 'timer mine', 'close mine'])
  })
})
