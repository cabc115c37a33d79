import { describe, expect, it } from 'vitest'
import { waitInvocation } from '../../../operators/async/async-invocation.ts'
import { asyncSettings } from '../../../operators/async/async-options.ts'
import { asyncSpec } from '../../../operators/async/async-wait.ts'
import { ManualClock } from '../../../testing/manual-clock.ts'
import { OperatorDriver } from '../operator-driver.ts'
import { OpenCalls } from './calls.ts'

interface Setting {
  readonly capacity?: number
  readonly restoredState?: unknown
  readonly watermark?: number
  readonly clock?: ManualClock
}

function driverOf(calls: OpenCalls<string, readonly string[]>, setting: Setting = {}) {
  const { capacity = 10, ...rest } = setting
  const invocation = waitInvocation(calls.invoke, 'orderedWait')
  const settings = { ...asyncSettings({ uid: 'asked', capacity }, 'orderedWait'), isOrdered: true }
  const driver = new OperatorDriver(asyncSpec('ordered-wait', invocation, settings), rest)
  return { driver, operator: driver.operator }
}

const always = (): boolean => true

async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

describe('The operator of an asynchronous function', () => {
  it('emits in its turn only, never in the callback of a promise', async () => {
    const calls = new OpenCalls<string, readonly string[]>()
    const { driver, operator } = driverOf(calls)
    driver.element('a', 1)
    calls.answer('a', ['A'])
    await settle()
    expect([driver.flow, driver.wakes]).toEqual([[], 1])
    expect(operator.work!(0, always)).toBe(true)
    expect(driver.flow).toEqual(['A'])
  })

  it('asks for no turn while what is answered may not be emitted yet', async () => {
    const calls = new OpenCalls<string, readonly string[]>()
    const { driver, operator } = driverOf(calls)
    driver.element('a', 1).element('b', 1)
    calls.answer('b', ['B'])
    await settle()
    expect(driver.wakes).toBe(0)
    expect(operator.work!(0, always)).toBe(false)
  })

  it('tells that it is full, and lets go no more than may be emitted, one record after another (R6)', async () => {
    const calls = new OpenCalls<string, readonly string[]>()
    const { driver, operator } = driverOf(calls, { capacity: 2 })
    driver.element('a', 1)
    expect([operator.readiness, driver.wakes]).toEqual(['ready', 0])
    driver.element('b', 1)
    expect([operator.readiness, driver.wakes]).toEqual(['full', 1])
    calls.answer('a', ['A1', 'A2'])
    calls.answer('b', ['B'])
    await settle()
    let left = 1
    expect(operator.work!(Infinity, () => left-- > 0)).toBe(true)
    expect(driver.flow).toEqual(['A1', 'A2'])
    expect(operator.readiness).toBe('ready')
    expect(operator.work!(Infinity, () => false)).toBe(false)
  })

  it('stops at the deadline, and goes on in the next turn (N11)', async () => {
    const calls = new OpenCalls<string, readonly string[]>()
    const { driver, operator } = driverOf(calls, { capacity: 1_000 })
    for (let i = 0; i < 200; i++) driver.element(`${i}`, 1)
    for (let i = 0; i < 200; i++) calls.answer(`${i}`, [`${i}`])
    await settle()
    operator.work!(0, always)
    expect(driver.flow).toHaveLength(64)
    while (operator.work!(0, always));
    expect(driver.flow).toHaveLength(200)
  })

  it('takes no input before it has asked again for what a checkpoint held (semantics 2.16)', () => {
    const calls = new OpenCalls<string, readonly string[]>()
    const before = driverOf(calls)
    before.driver.element('a', 1)
    before.driver.advance(5)
    before.driver.element('b', 6)
    const restoredState = before.operator.snapshotState!(1)
    calls.calls.length = 0
    const { operator } = driverOf(calls, { restoredState, watermark: 5 })
    expect([operator.readiness, operator.holdsBack, calls.values]).toEqual(['full', true, []])
    expect(operator.snapshotState!(2)).toEqual(restoredState)
    operator.work!(0, () => false)
    expect([operator.readiness, calls.values]).toEqual(['ready', ['a', 'b']])
    expect(operator.snapshotState!(3)).toEqual(restoredState)
  })

  it('has no state while it holds nothing, so that it may be taken from the job', async () => {
    const calls = new OpenCalls<string, readonly string[]>()
    const { driver, operator } = driverOf(calls)
    expect(driver.advance(5)).toBe(5)
    driver.element('a', 6)
    expect(operator.snapshotState!(1)).toEqual({
      held: [{ value: 'a', timestamp: 6, behind: 5 }],
    })
    calls.answer('a', [])
    await settle()
    operator.work!(0, always)
    expect(operator.snapshotState!(2)).toBeUndefined()
  })

  it('sets one timer for all records, and another one only for a retry', async () => {
    const clock = new ManualClock()
    const calls = new OpenCalls<string, readonly string[]>()
    const { driver, operator } = driverOf(calls, { clock })
    driver.element('a', 1)
    clock.advance(10_000)
    driver.position = 'row 2'
    driver.element('b', 1)
    driver.position = 'row 3'
    calls.answer('a', [])
    await settle()
    operator.work!(0, always)
    expect(clock.nextDelay).toBe(50_000)
    clock.advance(50_000)
    expect(operator.work!(0, always)).toBe(true)
    expect(clock.nextDelay).toBe(10_000)
    clock.advance(10_000)
    expect(() => operator.work!(0, always)).toThrow(
      expect.objectContaining({ code: 'MR_ASYNC_TIMEOUT' }),
    )
    expect(operator.failedRecord!()).toMatchObject({ value: 'b', timestamp: 1, position: 'row 2' })
  })
})
