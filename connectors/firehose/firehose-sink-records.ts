import type { MessageWriter } from '../message-format.ts'
import { recordTooLarge } from '../aws/put-errors.ts'
import { FIREHOSE_LIMITS } from '../aws/put-limits.ts'
import { PutRecord } from '../aws/put-record.ts'
import type { RecordMaker } from '../aws/put-writer.ts'
import type { CheckedFirehoseSink } from './firehose-sink-options.ts'

/** Makes a record of Firehose of each record of the job, with the delimiter behind it. */
export class FirehoseRecords<V, T> implements RecordMaker<T> {
  readonly #options: CheckedFirehoseSink<V, T>
  readonly #writer: MessageWriter<V>
  readonly #operator: string
  readonly #emit: (record: PutRecord) => void

  constructor(
    options: CheckedFirehoseSink<V, T>,
    operator: string,
    emit: (record: PutRecord) => void,
  ) {
    this.#options = options
    this.#operator = operator
    this.#emit = emit
    const { value, deliveryStream: topic } = options
    this.#writer = value.createMessageWriter({ topic, part: 'value' })
  }

  open(): void | Promise<void> {
    return this.#writer.open?.()
  }

  write(value: T): void {
    const { toValue, delimiter, deliveryStream } = this.#options
    const record = new PutRecord(withDelimiter(this.#writer.write(toValue(value)), delimiter))
    const { bytes } = record
    const { recordBytes: limit } = FIREHOSE_LIMITS
    if (bytes > limit) {
      const target = `the delivery stream "${deliveryStream}"`
      throw recordTooLarge(this.#operator, target, { bytes, limit }, 'make it smaller')
    }
    this.#emit(record)
  }
}

function withDelimiter(bytes: Uint8Array, delimiter: Uint8Array): Uint8Array {
  if (delimiter.length === 0) return bytes
  const all = Buffer.allocUnsafe(bytes.length + delimiter.length)
  all.set(bytes)
  all.set(delimiter, bytes.length)
  return all
}
