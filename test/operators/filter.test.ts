import { describe, expect, test } from 'vitest'
import { filterSpec } from '../../operators/filter.ts'
import { OperatorDriver } from './operator-driver.ts'

describe('filter', () => {
  test('keeps the records for which the function returns true, with their timestamps', () => {
    const driver = new OperatorDriver(filterSpec((value: number) => value > 1, undefined))
    driver.element(1, 5).element(2, 6)
    expect(driver.output).toEqual([[2, 6]])
  })

  test('takes an object with filter, which it calls as such', () => {
    class Above {
      readonly limit = 1
      filter(value: number): boolean {
        return value > this.limit
      }
    }
    const driver = new OperatorDriver(filterSpec(new Above(), undefined))
    expect(driver.element(1).element(2).output).toEqual([[2, 0]])
  })

  test('fails when the function returns a promise, which would count as true (R15)', () => {
    const driver = new OperatorDriver(filterSpec(() => Promise.resolve(false) as never, undefined))
    expect(() => driver.element(1)).toThrow(expect.objectContaining({ code: 'MR_FUNCTION_ASYNC' }))
    expect(driver.output).toEqual([])
  })

  test('leaves out and counts the records whose function throws, if told so (R20)', () => {
    const filter = (value: { readonly a: { readonly b: boolean } }): boolean => value.a.b
    const driver = new OperatorDriver(filterSpec(filter, 'skip'))
    driver.element({ a: { b: true } }).element({})
    expect(driver.output).toEqual([[{ a: { b: true } }, 0]])
    expect(driver.counters).toEqual({ recordsSkipped: 1 })
  })
})
