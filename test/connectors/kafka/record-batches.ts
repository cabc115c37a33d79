import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const { RecordBatch } = require('kafkajs/src/protocol/recordBatch/v0') as {
  RecordBatch: (batch: object) => Promise<{ readonly buffer: Buffer }>
}
const encodeRecord = require('kafkajs/src/protocol/recordBatch/record/v0') as (
  record: object,
) => object

/** A record of a batch under test. */
export interface TestRecord {
  readonly offset: number
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, Buffer>>
}

/** A batch under test; a control batch has a marker and no records. */
export interface TestBatch {
  readonly firstOffset: number
  readonly lastOffset: number
  readonly producerId: bigint
  readonly isTransactional: boolean
  readonly marker?: 'commit' | 'abort'
  readonly compression?: number
  readonly records: readonly TestRecord[]
}

const CONTROL = 0x20

/** A batch as a broker sends it, written by the encoder of kafkajs, which shares nothing with our reader. */
export async function encodeBatch(batch: TestBatch): Promise<Buffer> {
  const { firstOffset, lastOffset, producerId, isTransactional, marker, compression = 0 } = batch
  const control = Buffer.from([0, 0, 0, marker === 'commit' ? 1 : 0])
  const records =
    marker === undefined
      ? batch.records
      : [{ offset: firstOffset, timestamp: 0, key: control, value: Buffer.alloc(6), headers: {} }]
  const firstTimestamp = records[0]?.timestamp ?? 0
  const { buffer } = await RecordBatch({
    compression,
    firstOffset: String(firstOffset),
    firstTimestamp,
    maxTimestamp: Math.max(0, ...records.map(({ timestamp }) => timestamp)),
    lastOffsetDelta: lastOffset - firstOffset,
    transactional: isTransactional,
    producerId: String(producerId),
    records: records.map(({ offset, timestamp, key, value, headers }) =>
      encodeRecord({
        offsetDelta: offset - firstOffset,
        timestampDelta: timestamp - firstTimestamp,
        key,
        value,
        headers,
      }),
    ),
  })
  if (marker !== undefined) buffer.writeInt16BE(buffer.readInt16BE(21) | CONTROL, 21)
  return buffer
}
