import { createHash } from 'node:crypto'

/*
 * Several records in one record of Kinesis, as the Kinesis Producer Library packs them:
 *
 * ```text
 * ┌─────────────┬───────────────────────────────────┬──────────────────┐
 * │ f3 89 9a c2 │ AggregatedRecord (Protobuf)       │ MD5 of that      │
 * │ 4 B         │                                   │ 16 B             │
 * └─────────────┴───────────────────────────────────┴──────────────────┘
 *
 * AggregatedRecord:  1 partition keys (strings)   2 explicit hash keys (strings)   3 records, each a message:
 *                        1 index of its key   2 index of its hash key, where it has one   3 data
 * ```
 *
 * All records of one have one key here, which the record of Kinesis has as well: so it is in the shard of each of them, also when
 * the stream is split or merged meanwhile.
 */

const MAGIC = Buffer.from('f3899ac2', 'hex')
const MD5_BYTES = 16

const KEY_FIELD = 0x0a
const HASH_KEY_FIELD = 0x12
const RECORD_FIELD = 0x1a
/** Fields of a record. */
const KEY_INDEX_FIELD = 0x08
const HASH_KEY_INDEX_FIELD = 0x10
const DATA_FIELD = 0x1a

/** What is the same for all records of an aggregate. */
export interface AggregateKey {
  readonly key: string
  readonly hashKey: string | undefined
}

/** Bytes of an aggregate without any record. */
export function emptyAggregateBytes({ key, hashKey }: AggregateKey): number {
  const keyBytes = fieldBytes(Buffer.byteLength(key))
  const hashBytes = hashKey === undefined ? 0 : fieldBytes(hashKey.length)
  return MAGIC.length + keyBytes + hashBytes + MD5_BYTES
}

/** Bytes that a record adds to an aggregate. */
export function aggregatedRecordBytes({ hashKey }: AggregateKey, dataBytes: number): number {
  return fieldBytes(bodyBytes(hashKey, dataBytes))
}

/** Packs the data of several records that have one key. */
export function encodeAggregate(of: AggregateKey, data: readonly Uint8Array[]): Buffer {
  const { key, hashKey } = of
  let size = emptyAggregateBytes(of)
  for (const one of data) size += aggregatedRecordBytes(of, one.length)
  const bytes = Buffer.allocUnsafe(size)
  let at = MAGIC.copy(bytes)
  at = writeText(bytes, at, KEY_FIELD, key)
  if (hashKey !== undefined) at = writeText(bytes, at, HASH_KEY_FIELD, hashKey)
  for (const one of data) {
    bytes[at++] = RECORD_FIELD
    at = writeVarint(bytes, at, bodyBytes(hashKey, one.length))
    bytes[at++] = KEY_INDEX_FIELD
    bytes[at++] = 0
    if (hashKey !== undefined) {
      bytes[at++] = HASH_KEY_INDEX_FIELD
      bytes[at++] = 0
    }
    bytes[at++] = DATA_FIELD
    at = writeVarint(bytes, at, one.length)
    bytes.set(one, at)
    at += one.length
  }
  createHash('md5').update(bytes.subarray(MAGIC.length, at)).digest().copy(bytes, at)
  return bytes
}

/** Bytes of a record within an aggregate, without its field and length. */
function bodyBytes(hashKey: string | undefined, dataBytes: number): number {
  return (hashKey === undefined ? 2 : 4) + fieldBytes(dataBytes)
}

/** Bytes of a field of so many bytes: its number, its length, and them. */
function fieldBytes(bytes: number): number {
  return 1 + varintBytes(bytes) + bytes
}

function varintBytes(value: number): number {
  let bytes = 1
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) bytes++
  return bytes
}

function writeVarint(bytes: Buffer, start: number, value: number): number {
  let at = start
  let rest = value
  for (; rest > 0x7f; rest >>>= 7) bytes[at++] = (rest & 0x7f) | 0x80
  bytes[at++] = rest
  return at
}

function writeText(bytes: Buffer, start: number, field: number, text: string): number {
  bytes[start] = field
  const at = writeVarint(bytes, start + 1, Buffer.byteLength(text))
  return at + bytes.write(text, at)
}
