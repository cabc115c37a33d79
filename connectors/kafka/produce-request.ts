import type { RecordChunk } from './batch-builder.ts'
import { crc32c } from './crc32c.ts'
import { BATCH_HEADER, LENGTH_END } from './record-batch.ts'

/** Who produces, as the broker knows it. */
export interface ProducerIdentity {
  /** Undefined for one that is idempotent only. */
  readonly transactionalId: string | undefined
  /** A whole number of 64 bits. */
  readonly producerId: string
  readonly epoch: number
}

/** A chunk with the number of its first record among all that this producer sends to the partition. */
export interface SequencedChunk extends RecordChunk {
  readonly sequence: number
}

/** What the broker says of one partition; 0 when all is well. */
export interface ProduceAnswer {
  readonly partition: number
  readonly errorCode: number
}

/** Where what the checksum covers begins. */
const CHECKED_FROM = 21
const MAGIC = 2
const TRANSACTIONAL = 0x10
const ALL_REPLICAS = -1

/** The body of a produce request (versions 3 to 8): at most one chunk a partition, which is what brokers take. Pure. */
export function encodeProduceRequest(
  producer: ProducerIdentity,
  topic: string,
  chunks: readonly SequencedChunk[],
  timeoutMs: number,
): Buffer {
  const { transactionalId } = producer
  const idBytes = transactionalId === undefined ? 0 : Buffer.byteLength(transactionalId)
  let size = 2 + idBytes + 2 + 4 + 4 + 2 + Buffer.byteLength(topic) + 4
  for (const { records } of chunks) size += 8 + BATCH_HEADER + records.length
  const bytes = Buffer.allocUnsafe(size)
  let at = bytes.writeInt16BE(transactionalId === undefined ? -1 : idBytes, 0)
  if (transactionalId !== undefined) at += bytes.write(transactionalId, at)
  at = bytes.writeInt16BE(ALL_REPLICAS, at)
  at = bytes.writeInt32BE(timeoutMs, at)
  at = bytes.writeInt32BE(1, at)
  at = bytes.writeInt16BE(Buffer.byteLength(topic), at)
  at += bytes.write(topic, at)
  at = bytes.writeInt32BE(chunks.length, at)
  for (const chunk of chunks) {
    at = bytes.writeInt32BE(chunk.partition, at)
    at = bytes.writeInt32BE(BATCH_HEADER + chunk.records.length, at)
    at = writeBatch(bytes, at, producer, chunk)
  }
  return bytes
}

function writeBatch(
  bytes: Buffer,
  begin: number,
  producer: ProducerIdentity,
  chunk: SequencedChunk,
): number {
  const { count, records } = chunk
  let at = bytes.writeBigInt64BE(0n, begin)
  at = bytes.writeInt32BE(BATCH_HEADER - LENGTH_END + records.length, at)
  at = bytes.writeInt32BE(-1, at)
  at = bytes.writeInt8(MAGIC, at)
  const crcAt = at
  at += 4
  at = bytes.writeInt16BE(
    chunk.codec | (producer.transactionalId === undefined ? 0 : TRANSACTIONAL),
    at,
  )
  at = bytes.writeInt32BE(count - 1, at)
  at = bytes.writeBigInt64BE(BigInt(chunk.baseTimestamp), at)
  at = bytes.writeBigInt64BE(BigInt(chunk.maxTimestamp), at)
  at = bytes.writeBigInt64BE(BigInt(producer.producerId), at)
  at = bytes.writeInt16BE(producer.epoch, at)
  at = bytes.writeInt32BE(chunk.sequence, at)
  at = bytes.writeInt32BE(count, at)
  bytes.set(records, at)
  const end = at + records.length
  bytes.writeUInt32BE(crc32c(bytes.subarray(begin + CHECKED_FROM, end)), crcAt)
  return end
}

/** The response (versions 3 to 7). Pure. */
export function decodeProduceResponse(body: Buffer, version: number): readonly ProduceAnswer[] {
  const answers: ProduceAnswer[] = []
  let at = 4
  for (let topics = body.readInt32BE(0); topics > 0; topics--) {
    at += 2 + body.readInt16BE(at)
    const partitions = body.readInt32BE(at)
    at += 4
    for (let i = 0; i < partitions; i++) {
      answers.push({ partition: body.readInt32BE(at), errorCode: body.readInt16BE(at + 4) })
      // Base offset, time of appending, and from version 5 on the begin of the log.
      at += 6 + 16 + (version >= 5 ? 8 : 0)
    }
  }
  return answers
}
