import { describe, expect, test } from 'vitest'
import type { Out } from '../../operators/collector.ts'
import { flatMapSpec } from '../../operators/flat-map.ts'
import { OperatorDriver } from './operator-driver.ts'

const words = (line: string): string[] => line.split(' ')

describe('flatMap', () => {
  test('emits the elements of the returned array in order, with the timestamp of the record', () => {
    const driver = new OperatorDriver(flatMapSpec(words, undefined))
      .element('a b', 3)
      .element('c', 4)
    expect(driver.output).toEqual([
      ['a', 3],
      ['b', 3],
      ['c', 4],
    ])
  })

  test('emits what the function puts into the collector', () => {
    const spec = flatMapSpec((line: string, out: Out<string>) => {
      for (const word of words(line)) out.emit(word)
    }, undefined)
    expect(new OperatorDriver(spec).element('a b', 3).output).toEqual([
      ['a', 3],
      ['b', 3],
    ])
  })

  test('emits nothing for an empty array or nothing', () => {
    const spec = flatMapSpec((n: number) => (n > 0 ? [] : undefined), undefined)
    expect(new OperatorDriver(spec).element(1).element(0).output).toEqual([])
  })

  test('the collector throws once the callback has returned (R15)', () => {
    let kept: Out<string> | undefined
    const spec = flatMapSpec((_line: string, out: Out<string>) => void (kept = out), undefined)
    const driver = new OperatorDriver(spec).element('a')
    expect(() => kept?.emit('late')).toThrow(
      expect.objectContaining({ code: 'MR_STATE_OUTSIDE_CALLBACK' }),
    )
    expect(driver.output).toEqual([])
  })

  test('the collector throws after a callback that threw (R15)', () => {
    let kept: Out<string> | undefined
    const spec = flatMapSpec((_line: string, out: Out<string>): void => {
      kept = out
      throw new Error('bad')
    }, 'skip')
    new OperatorDriver(spec).element('a')
    expect(() => kept?.emit('late')).toThrow(
      expect.objectContaining({ code: 'MR_STATE_OUTSIDE_CALLBACK' }),
    )
  })

  test.each([
    ['a promise', Promise.resolve(['a']), 'MR_FUNCTION_ASYNC'],
    ['a string, which could be spread into letters', 'ab', 'MR_FUNCTION_FAILED'],
  ])('fails when the function returns %s (R15)', (_what, result, code) => {
    const driver = new OperatorDriver(flatMapSpec(() => result as never, undefined))
    expect(() => driver.element(1)).toThrow(expect.objectContaining({ code }))
    expect(driver.output).toEqual([])
  })

  test('skips a record whose function throws; what it had emitted before stays (R20)', () => {
    const spec = flatMapSpec((value: number, out: Out<number>): void => {
      out.emit(value)
      if (value < 0) throw new Error('negative')
    }, 'skip')
    const driver = new OperatorDriver(spec).element(1).element(-1).element(2)
    expect(driver.output.map(([value]) => value)).toEqual([1, -1, 2])
    expect(driver.counters).toEqual({ recordsSkipped: 1 })
  })

  test('what fails behind the collector is not a failure of the function (R20)', () => {
    const emit = (): void => {
      throw new Error('downstream')
    }
    const spec = flatMapSpec((value: number, out: Out<number>) => out.emit(value), 'skip')
    const driver = new OperatorDriver(spec, { emit })
    expect(() => driver.element(1)).toThrow('downstream')
    expect(driver.counters).toEqual({})
  })

  test('what fails behind the collector cannot be caught away by the function', () => {
    const emit = (): void => {
      throw new Error('downstream')
    }
    const spec = flatMapSpec((value: number, out: Out<number>): void => {
      try {
        out.emit(value)
      } catch {
        // As a function might do around all of its work.
      }
    }, undefined)
    expect(() => new OperatorDriver(spec, { emit }).element(1)).toThrow('downstream')
  })
})
