import { describe, expect, it } from 'vitest'
import { keyedBroadcastProcessFunction, mapState, type Out, valueState } from 'millrace'
import type { Clock } from '../../../runtime/clock.ts'
import { OperatorDriver } from '../operator-driver.ts'

/** Keeps numbers by key; a broadcast text is emitted with the number of each key. */
const labelled = keyedBroadcastProcessFunction({
  state: { n: valueState<number>() },
  broadcastState: { last: mapState<string, string>() },
  processElement(n: number, ctx, out: Out<string>) {
    ctx.state.n.update(n)
    out.emit(`${n} after ${ctx.broadcastState.last.get('text')}`)
  },
  processBroadcastElement(text: string, ctx, out: Out<string>) {
    ctx.broadcastState.last.put('text', text)
    ctx.applyToKeyedState('n', (_key, n) => out.emit(`${text} ${n.value()}`))
  },
})

function driverWith(keys: number, clock?: Clock): OperatorDriver {
  const driver = new OperatorDriver(labelled.spec, clock === undefined ? {} : { clock })
  for (let n = 0; n < keys; n++) driver.element(n, n, `k${n}`)
  driver.output.length = 0
  return driver
}

const times = (limit: number): (() => boolean) => {
  let left = limit
  return () => left-- > 0
}

describe('the operator of a keyed broadcast function', () => {
  it('is busy from a broadcast record until all keys are visited, and lets what comes meanwhile wait (semantics 2.18, R13)', () => {
    const driver = driverWith(3)
    const { operator } = driver
    expect(operator.readiness).toBe('ready')
    operator.processElement2!('x', 10)
    expect([operator.readiness, operator.holdsBack]).toEqual(['busy', true])
    driver.element(7, 20, 'k1')
    operator.processElement2!('y', 30)
    driver.element(8, 40, 'k2')
    expect(driver.output).toEqual([])
    expect(operator.work!(1, times(2))).toBe(true)
    expect(driver.output.splice(0)).toEqual([
      ['x 0', 10],
      ['x 1', 10],
    ])
    expect(operator.readiness).toBe('busy')
    expect(operator.work!(1, times(0))).toBe(false)
    expect(operator.work!(1, times(3))).toBe(true)
    expect(driver.output.splice(0)).toEqual([
      ['x 2', 10],
      ['7 after x', 20],
    ])
    expect(operator.readiness).toBe('busy')
    expect(operator.work!(1, times(100))).toBe(true)
    expect(driver.output.splice(0)).toEqual([
      ['y 0', 30],
      ['y 7', 30],
      ['y 2', 30],
      ['8 after y', 40],
    ])
    expect([operator.readiness, operator.holdsBack]).toEqual(['ready', false])
    expect(operator.work!(1, times(100))).toBe(false)
    driver.element(9, 50, 'k0')
    expect(driver.output).toEqual([['9 after y', 50]])
  })

  it('leaves off at the deadline, after one record at least (N11)', () => {
    const clock: Clock = {
      now: () => 0,
      elapsed: () => 10,
      schedule: () => () => {},
      nextTurn() {},
    }
    const driver = driverWith(1, clock)
    driver.operator.processElement2!('x', 10)
    for (let n = 0; n < 4; n++) driver.element(n, 20, 'k0')
    driver.operator.work!(5, () => true)
    expect(driver.output).toHaveLength(1)
    driver.operator.work!(5, () => true)
    expect(driver.output).toHaveLength(2)
    driver.operator.work!(20, () => true)
    expect(driver.output).toHaveLength(5)
    expect(driver.operator.readiness).toBe('ready')
  })

  it('is ready at once where there is no key to visit', () => {
    const driver = driverWith(0)
    driver.operator.processElement2!('x', 10)
    expect(driver.operator.work!(1, times(0))).toBe(true)
    expect(driver.operator.readiness).toBe('ready')
  })
})
