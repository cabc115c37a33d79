import { describe, expect, it } from 'vitest'
import { BatchEncoder } from '../../../runtime/channel/batch-encoder.ts'
import { RemoteInput } from '../../../runtime/channel/remote-input.ts'
import type { LinkMessage } from '../../../runtime/messages.ts'
import { type Entry, append, records } from './batch-run.ts'

const encoder = new BatchEncoder()

/** An input, and the credit messages that it has posted. */
function open(...batches: (readonly Entry[])[]) {
  const posted: LinkMessage[] = []
  const transferred: ArrayBuffer[] = []
  const input = new RemoteInput(2, 9, {
    post: (message, transfer = []) => {
      posted.push(message)
      transferred.push(...transfer)
    },
    onMessage: () => {},
    close: () => {},
  })
  const encodes = new BatchEncoder()
  for (const entries of batches) {
    append(encodes, entries)
    const bytes = encodes.finish(undefined)
    input.push(bytes.buffer, bytes.length)
  }
  return { input, posted, transferred }
}

describe('remote input', () => {
  it('has nothing before the first batch, and nothing behind the last', () => {
    const { input } = open()
    expect(input.peek()).toBe('none')
    append(encoder, records([1]))
    const bytes = encoder.finish(undefined)
    input.push(bytes.buffer, bytes.length)
    expect(input.peek()).toBe('records')
    input.position++
    expect(input.peek()).toBe('none')
  })

  it('stays at an entry until it is consumed', () => {
    const { input } = open([...records(['a', 'b']), { watermark: 4 }, { status: 'idle' }])
    for (const expected of ['a', 'b']) {
      expect([input.peek(), input.peek()]).toEqual(['records', 'records'])
      expect(input.decoder.values[input.position++]).toBe(expected)
    }
    expect([input.peek(), input.peek(), input.decoder.watermark]).toEqual([
      'watermark',
      'watermark',
      4,
    ])
    input.consumeControl()
    expect([input.peek(), input.decoder.status]).toEqual(['status', 'idle'])
    input.consumeControl()
    expect(input.peek()).toBe('none')
  })

  it('gives the bytes of a batch back, with its buffer, when its last entry has been consumed (R7, N13)', () => {
    const { input, posted, transferred } = open([{ watermark: 1 }], [{ end: true }])
    expect(input.peek()).toBe('watermark')
    expect(posted).toEqual([])
    input.consumeControl()
    expect(input.peek()).toBe('end-of-input')
    expect(posted).toEqual([{ type: 'credit', channel: 9, bytes: 32, buffer: transferred[0] }])
    input.consumeControl()
    expect(input.peek()).toBe('none')
    expect(posted).toHaveLength(2)
  })

  it('goes from batch to batch, also over an empty one (R10)', () => {
    const { input } = open(records([1, 2]), [], records([3]))
    const taken: unknown[] = []
    while (input.peek() === 'records') taken.push(input.decoder.values[input.position++])
    expect(taken).toEqual([1, 2, 3])
  })
})
