import { describe, expect, it } from 'vitest'
import { keyGroupOf, subtaskOfKeyGroup } from '../../../runtime/key-group.ts'
import {
  broadcastBarrier,
  broadcastStatus,
  broadcastWatermark,
  checkedKey,
  HashOutput,
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
    for (const key of ['a', 'b', 'key1', 'user-1', 'a']) output.emit(key, 1)
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
    for (const value of [1, 2, 3, 4]) output.emit(value, 0)
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

  it('refuse what is no key, naming operator and timestamp (R19)', () => {
    for (const key of ['a', 1, 1n, [1, 'a'], Uint8Array.of(1)]) {
      expect(checkedKey(key, 'next', 5)).toBe(key)
    }
    for (const key of [undefined, Number.NaN, {}, [undefined]]) {
      expect(() => checkedKey(key, 'next', 5)).toThrow(
        expect.objectContaining({
          code: 'MR_KEY_INVALID',
          message: expect.stringMatching(/before operator "next" returned .* for a record at 5/),
        }),
      )
    }
  })
})
