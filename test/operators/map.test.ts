import { describe, expect, test } from 'vitest'
import type { FailedRecord } from '../../operators/error-policy.ts'
import { mapSpec } from '../../operators/map.ts'
import { outputTag } from '../../operators/output-tag.ts'
import { RestartableError, StreamError } from '../../runtime/errors.ts'
import { OperatorDriver } from './operator-driver.ts'

const failing = (value: number): number => {
  if (value < 0) throw new RangeError(`${value} is negative`)
  return Math.sqrt(value)
}

describe('map', () => {
  test('makes one record of each and keeps its timestamp', () => {
    const driver = new OperatorDriver(mapSpec((value: number) => value * 2, undefined))
    driver.element(1, 10).element(2, 5)
    expect(driver.output).toEqual([
      [2, 10],
      [4, 5],
    ])
  })

  test('passes a whole object on, which it calls as such', () => {
    class Scale {
      readonly factor = 3
      map(value: number): number {
        return value * this.factor
      }
    }
    expect(new OperatorDriver(mapSpec(new Scale(), undefined)).element(2).output).toEqual([[6, 0]])
  })

  test('fails at the first record when the function returns a promise (R15)', () => {
    const rejected = Promise.reject(new Error('nobody waits for this'))
    const driver = new OperatorDriver(mapSpec(() => rejected as never, undefined))
    expect(() => driver.element(1)).toThrow(expect.objectContaining({ code: 'MR_FUNCTION_ASYNC' }))
    expect(driver.output).toEqual([])
  })

  test('a promise is not skipped by onError, as it is no failure of the record (R15, R20)', () => {
    const driver = new OperatorDriver(mapSpec(() => Promise.resolve(1) as never, 'skip'))
    expect(() => driver.element(1)).toThrow(expect.objectContaining({ code: 'MR_FUNCTION_ASYNC' }))
  })

  test('fails by default when the function throws, and is not restarted (R20, R38)', () => {
    const driver = new OperatorDriver(mapSpec(failing, undefined))
    driver.element(4)
    let thrown: unknown
    try {
      driver.element(-1)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toMatchObject({ name: 'StreamError', code: 'MR_FUNCTION_FAILED' })
    expect((thrown as StreamError).message).toBe(
      `the map function threw RangeError: -1 is negative; the record cannot be processed, and the job stops rather than lose it; mend the function, or set onError to 'skip' or an output tag.`,
    )
    expect((thrown as StreamError).cause).toBeInstanceOf(RangeError)
  })

  test('keeps the code of an error that has one', () => {
    const driver = new OperatorDriver(
      mapSpec(() => {
        throw new StreamError('MR_BAD_RECORD', 'told')
      }, 'fail'),
    )
    expect(() => driver.element(1)).toThrow(expect.objectContaining({ code: 'MR_BAD_RECORD' }))
  })

  test('leaves out and counts the records whose function throws, if told so (R20)', () => {
    const driver = new OperatorDriver(mapSpec(failing, 'skip'))
    driver.element(-1).element(9).element(-2)
    expect(driver.output).toEqual([[3, 0]])
    expect(driver.counters).toEqual({ recordsSkipped: 2 })
  })

  test('sends them to a side output with value, error and stack, if told so (R20)', () => {
    const bad = outputTag<FailedRecord<number>>('bad')
    const driver = new OperatorDriver(mapSpec(failing, bad))
    driver.element(-1, 7)
    expect(driver.output).toEqual([])
    expect(driver.side['bad']).toEqual([
      [
        {
          error: 'RangeError: -1 is negative',
          stack: expect.stringContaining('map.test.ts') as string,
          operator: 'tested',
          value: -1,
        },
        7,
      ],
    ])
    expect(driver.counters).toEqual({ recordsToSideOutput: 1 })
  })

  test.each(['fail', 'skip', outputTag<FailedRecord<number>>('bad')] as const)(
    'leaves a failure that may pass to the restart strategy, with onError %j (R38)',
    (onError) => {
      const passing = new RestartableError('MR_FUNCTION_FAILED', 'the service is down')
      const map = (): number => {
        throw passing
      }
      const driver = new OperatorDriver(mapSpec(map, onError))
      expect(() => driver.element(1)).toThrow(passing)
      expect([driver.counters, driver.side]).toEqual([{}, {}])
    },
  )

  test('what fails behind it is not its own failure (R20)', () => {
    const emit = (): void => {
      throw new Error('downstream')
    }
    const driver = new OperatorDriver(mapSpec(failing, 'skip'), { emit })
    expect(() => driver.element(4)).toThrow('downstream')
    expect(driver.counters).toEqual({})
  })

  test('opens its function with its place in the job, waits for it, and closes it (R21)', async () => {
    const calls: string[] = []
    const driver = new OperatorDriver(
      mapSpec(
        {
          async open({ uid, subtaskIndex, parallelism, attempt, count, log }) {
            await Promise.resolve()
            count('opened')
            log('opened', subtaskIndex)
            calls.push(`open ${uid} ${subtaskIndex}/${parallelism} ${attempt}`)
          },
          map: (value: number) => value,
          close() {
            calls.push('close')
          },
        },
        undefined,
      ),
    )
    await driver.operator.open?.()
    expect(calls).toEqual(['open tested 1/3 2'])
    expect(driver.counters).toEqual({ opened: 1 })
    expect(driver.logs).toEqual(['opened 1'])
    await driver.operator.close?.()
    await driver.operator.close?.()
    expect(calls).toEqual(['open tested 1/3 2', 'close'])
  })

  test('does not close a function that was never opened (R21)', async () => {
    const calls: string[] = []
    const map = { map: (value: number) => value, close: () => void calls.push('close') }
    await new OperatorDriver(mapSpec(map, undefined)).operator.close?.()
    expect(calls).toEqual([])
  })
})
