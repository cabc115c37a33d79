import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../../runtime/clock.ts'
import {
  BroadcastOutput,
  CustomOutput,
  GlobalOutput,
  ShuffleOutput,
} from '../../../runtime/task/spread-outputs.ts'
import { FakeChannel } from './fakes.ts'

function channels(count: number): FakeChannel[] {
  return Array.from({ length: count }, () => new FakeChannel())
}

function values(targets: readonly FakeChannel[]): unknown[][] {
  return targets.map(({ sent }) => sent.map((one) => (one as [unknown])[0]))
}

describe('spread outputs', () => {
  it('broadcast: every record to every channel (semantics 1.1)', () => {
    const targets = channels(3)
    const output = new BroadcastOutput(targets)
    for (const value of ['a', 'b']) output.accept(value, 7)
    expect(values(targets)).toEqual([
      ['a', 'b'],
      ['a', 'b'],
      ['a', 'b'],
    ])
    expect(targets[2]!.sent[0]).toEqual(['a', 7])
  })

  it('global: all records to the first channel, but all channels are known to it (R8)', () => {
    const targets = channels(3)
    const output = new GlobalOutput(targets)
    for (const value of ['a', 'b']) output.accept(value, 7)
    expect(values(targets)).toEqual([['a', 'b'], [], []])
    expect(output.channels).toHaveLength(3)
  })

  it('shuffle: each record to one channel, evenly', () => {
    const targets = channels(4)
    const output = new ShuffleOutput(targets, new SeededRandom(7))
    for (let i = 0; i < 4_000; i++) output.accept(i, 0)
    const sizes = values(targets).map((sent) => sent.length)
    expect(sizes.reduce((a, b) => a + b)).toBe(4_000)
    for (const size of sizes) expect(Math.abs(size - 1_000)).toBeLessThan(150)
  })

  it('custom: where the function says, with the number of partitions', () => {
    const targets = channels(3)
    const output = new CustomOutput(targets, (value: number, count) => value % count, 'next')
    for (const value of [0, 1, 2, 3, 4]) output.accept(value, 0)
    expect(values(targets)).toEqual([[0, 3], [1, 4], [2]])
  })

  it.each([-1, 3, 0.5, NaN, undefined, '0', '1', null])(
    'custom: refuses %o, which is no subtask, rather than lose the record',
    (index) => {
      const output = new CustomOutput(channels(3), () => index as number, 'next')
      expect(() => output.accept('a', 0)).toThrow(
        expect.objectContaining({
          code: 'MR_PARTITION_INVALID',
          message: expect.stringMatching(/before operator "next" returned .*from 0 to 2/),
        }),
      )
    },
  )

  it('custom: a function that throws is named, and may be restarted (R38)', () => {
    const output = new CustomOutput(
      channels(2),
      () => {
        throw new TypeError('no shop')
      },
      'next',
    )
    expect(() => output.accept('a', 0)).toThrow(
      expect.objectContaining({
        code: 'MR_FUNCTION_FAILED',
        message: expect.stringContaining('before operator "next" threw TypeError: no shop'),
      }),
    )
  })
})
