import { describe, expect, test } from 'vitest'
import { reduceSpec } from '../../operators/reduce.ts'
import { OperatorDriver } from './operator-driver.ts'

const sum = (a: number, b: number): number => a + b

describe('reduce', () => {
  test('emits the first record of a key as it is, then one updated value for each', () => {
    const driver = new OperatorDriver(reduceSpec(sum))
    driver.element(1, 10, 'a').element(5, 11, 'b').element(2, 12, 'a').element(3, 9, 'a')
    expect(driver.output).toEqual([
      [1, 10],
      [5, 11],
      [3, 12],
      [6, 9],
    ])
  })

  test('declares its state, and no timers', () => {
    const { states, hasTimers = false } = reduceSpec(sum)
    expect(states).toEqual([{ kind: 'value', version: 1, name: 'reduced' }])
    expect(hasTimers).toBe(false)
  })

  test('takes an object with reduce, which it opens, calls as such and closes (R21)', async () => {
    const calls: string[] = []
    class Scaled {
      factor = 1
      open(): void {
        this.factor = 10
      }
      reduce(a: number, b: number): number {
        return a + this.factor * b
      }
      close(): void {
        calls.push('close')
      }
    }
    const driver = new OperatorDriver(reduceSpec(new Scaled()))
    await driver.operator.open?.()
    driver.element(1, 0, 'a').element(2, 0, 'a')
    await driver.operator.close?.()
    expect(driver.output.map(([value]) => value)).toEqual([1, 21])
    expect(calls).toEqual(['close'])
  })

  test('fails when the function returns a promise (R15)', () => {
    const driver = new OperatorDriver(reduceSpec(() => Promise.resolve(1) as never))
    driver.element(1, 0, 'a')
    expect(() => driver.element(2, 0, 'a')).toThrow(
      expect.objectContaining({ code: 'MR_FUNCTION_ASYNC' }),
    )
  })

  test('fails when the function returns undefined, which would empty the key', () => {
    const driver = new OperatorDriver(reduceSpec(() => undefined as never)).element(1, 0, 'a')
    expect(() => driver.element(2, 0, 'a')).toThrow(
      expect.objectContaining({ code: 'MR_VALUE_UNSUPPORTED' }),
    )
    expect(driver.output).toEqual([[1, 0]])
  })
})
