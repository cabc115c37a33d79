import { describe, expect, it } from 'vitest'
import { StreamError } from '../../../runtime/errors.ts'
import { keyGroupOf, subtaskOfKeyGroup } from '../../../runtime/key-group.ts'
import {
  broadcastBarrier,
  broadcastStatus,
  broadcastWatermark,
  HashOutput,
  keyReader,
  RebalanceOutput,
  SingleOutput,
} from '../../../runtime/task/edge-output.ts'
import { FakeChannel } from './fakes.ts'

function channels(count: number): FakeChannel[] {
  return Array.from({ length: count }, () => new FakeChannel())
}

describe('edge outputs', () => {
  it('by key: a key always takes the channel of its key group (R10, R19)', () => {
    const targets = channels(3)
    const output = new HashOutput({
      channels: targets,
      selector: ((value: string) => value) as (value: never) => string,
      consumer: 'next',
      maxParallelism: 128,
    })
    for (const key of ['a', 'b', 'key1', 'user-1', 'a']) output.accept(key, 1)
    for (const [index, { sent }] of targets.entries()) {
      for (const [key] of sent as [string, number][]) {
        expect(subtaskOfKeyGroup(keyGroupOf(key, 128), 128, 3)).toBe(index)
      }
    }
    expect(targets.flatMap(({ sent }) => sent)).toHaveLength(5)
  })

  it('in turn, beginning at the own index, so that senders do not march in step', () => {
    const targets = channels(3)
    const output = new RebalanceOutput(targets, 4)
    for (const value of [1, 2, 3, 4]) output.accept(value, 0)
    expect(targets.map(({ sent }) => sent.map((one) => (one as [number])[0]))).toEqual([
      [3],
      [1, 4],
      [2],
    ])
  })

  it('send watermarks, statuses and barriers to every channel (R8)', () => {
    const targets = channels(3)
    const outputs = [new RebalanceOutput(targets.slice(0, 2), 0), new SingleOutput(targets[2]!)]
    broadcastWatermark(outputs, 5)
    broadcastStatus(outputs, 'idle')
    broadcastBarrier(outputs, { checkpointId: 7, baseId: 6, kind: 'checkpoint' })
    for (const { sent } of targets) expect(sent).toEqual(['watermark 5', 'idle', 'barrier 7'])
  })

  it('refuse what is no key, naming the operator behind it (R19)', () => {
    for (const key of ['a', 1, 1n, [1, 'a'], Uint8Array.of(1)]) {
      expect(keyReader(() => key, 'next')(undefined)).toBe(key)
    }
    for (const key of [undefined, Number.NaN, {}, [undefined]]) {
      expect(() => keyReader(() => key, 'next')(undefined)).toThrow(
        expect.objectContaining({
          code: 'MR_KEY_INVALID',
          message: expect.stringMatching(/^the key selector before operator "next" returned .*;/),
        }),
      )
    }
  })

  it('name the key selector where it throws, and pass on errors with a code', () => {
    const thrown = (error: Error) => () =>
      keyReader(() => {
        throw error
      }, 'next')(undefined)
    expect(thrown(new TypeError('no such field'))).toThrow(
      expect.objectContaining({
        name: 'RestartableError',
        code: 'MR_FUNCTION_FAILED',
        message: expect.stringMatching(/before operator "next" threw TypeError: no such field;/),
      }),
    )
    const coded = new StreamError('MR_BAD_RECORD', 'It is bad.')
    expect(thrown(coded)).toThrow(coded)
  })
})
