import { BatchDecoder } from '../../../runtime/channel/batch-decoder.ts'
import { BatchEncoder } from '../../../runtime/channel/batch-encoder.ts'
import type { CheckpointBarrier, WatermarkStatus } from '../../../runtime/element.ts'
import { exactly } from '../../harness/exactly.ts'

/** One thing put into a channel. */
export type Entry =
  | { readonly record: unknown; readonly timestamp: number }
  | { readonly watermark: number }
  | { readonly status: WatermarkStatus }
  | { readonly barrier: CheckpointBarrier }
  | { readonly end: true }

/** Puts entries into an encoder, in order. */
export function append(encoder: BatchEncoder, entries: readonly Entry[]): void {
  for (const entry of entries) {
    if ('record' in entry) encoder.append(entry.record, entry.timestamp)
    else if ('watermark' in entry) encoder.appendWatermark(entry.watermark)
    else if ('status' in entry) encoder.appendStatus(entry.status)
    else if ('barrier' in entry) encoder.appendBarrier(entry.barrier)
    else encoder.appendEndOfInput()
  }
}

/** Takes everything out of a batch. */
export function takeApart(decoder: BatchDecoder, bytes: Uint8Array): Entry[] {
  const entries: Entry[] = []
  decoder.load(bytes)
  for (let next = decoder.next(); next !== 'done'; next = decoder.next()) {
    if (next === 'records') {
      for (let i = 0; i < decoder.count; i++) {
        entries.push({ record: decoder.values[i], timestamp: decoder.timestamps[i]! })
      }
    } else if (next === 'watermark') entries.push({ watermark: decoder.watermark })
    else if (next === 'status') entries.push({ status: decoder.status })
    else if (next === 'barrier') entries.push({ barrier: decoder.barrier })
    else entries.push({ end: true })
  }
  return entries
}

/** Sends batches through one channel, and returns what came out, as text that shows every difference. */
export function roundTrip(
  batches: readonly (readonly Entry[])[],
  options: {
    readonly encoder?: boolean
    readonly decoder?: boolean
    readonly reuse?: boolean
  } = {},
): string[][] {
  const { encoder: encodes = true, decoder: decodes = true, reuse = true } = options
  const encoder = new BatchEncoder({ generates: encodes })
  const decoder = new BatchDecoder({ generates: decodes })
  let returned: ArrayBuffer | undefined
  return batches.map((entries) => {
    append(encoder, entries)
    const bytes = structuredCloneOf(encoder.finish(returned))
    const result = takeApart(decoder, bytes).map((entry) => exactly(entry))
    returned = reuse ? bytes.buffer : undefined
    return result
  })
}

/** The bytes after a transfer, as between threads: the sender's buffer is detached. */
function structuredCloneOf(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const { length } = bytes
  const buffer = structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
  return new Uint8Array(buffer, 0, length)
}

export function records(values: readonly unknown[]): Entry[] {
  return values.map((record, index) => ({ record, timestamp: index }))
}
