import { givenText, StreamError } from '../../runtime/errors.ts'
import type { MessageWriter } from '../message-format.ts'
import { recordTooLarge } from '../aws/put-errors.ts'
import { PutRecord } from '../aws/put-record.ts'
import type { RecordMaker } from '../aws/put-writer.ts'
import { Aggregator } from './kinesis-sink-aggregator.ts'
import type { CheckedKinesisSink } from './kinesis-sink-options.ts'

const MAX_KEY_CHARACTERS = 256
const MAX_HASH = 2n ** 128n

/** Makes a record of Kinesis of each record of the job. */
export class KinesisRecords<V, T> implements RecordMaker<T> {
  readonly #options: CheckedKinesisSink<V, T>
  readonly #writer: MessageWriter<V>
  readonly #operator: string
  readonly #emit: (record: PutRecord) => void
  readonly #aggregator: Aggregator | undefined

  constructor(
    options: CheckedKinesisSink<V, T>,
    operator: string,
    emit: (record: PutRecord) => void,
  ) {
    this.#options = options
    this.#operator = operator
    const { isAggregated, limits } = options
    this.#aggregator = isAggregated ? new Aggregator(emit, limits.recordBytes) : undefined
    this.#emit = emit
    this.#writer = options.value.createMessageWriter({ topic: options.stream, part: 'value' })
  }

  open(): void | Promise<void> {
    return this.#writer.open?.()
  }

  write(value: T): void {
    const { partitionKey, explicitHashKey, toValue, limits, stream } = this.#options
    const key = partitionKey(value)
    if (!isPartitionKey(key))
      throw this.#invalid('partitionKey', key, 'a text of 1 to 256 characters')
    const hashKey = explicitHashKey?.(value)
    if (hashKey !== undefined && !isHashKey(hashKey)) {
      const wanted = 'a whole number below 2^128 as a text of decimal digits, or undefined'
      throw this.#invalid('explicitHashKey', hashKey, wanted)
    }
    const record = new PutRecord(this.#writer.write(toValue(value)), key, hashKey)
    const { bytes } = record
    if (bytes > limits.recordBytes) {
      const size = { bytes, limit: limits.recordBytes }
      const wayOut =
        'make it smaller, or raise the limit of the stream ("aws kinesis update-max-record-size") and maxRecordBytes with it'
      throw recordTooLarge(this.#operator, `the stream "${stream}"`, size, wayOut)
    }
    if (this.#aggregator === undefined) this.#emit(record)
    else this.#aggregator.add(record)
  }

  flush(): void {
    this.#aggregator?.flush()
  }

  get heldBytes(): number {
    return this.#aggregator?.heldBytes ?? 0
  }

  #invalid(option: string, found: unknown, wanted: string): StreamError {
    const operator = this.#operator
    const { stream } = this.#options
    return new StreamError(
      'MR_KINESIS_KEY_INVALID',
      `"${operator}": the function ${option} of kinesisSink() returned ${givenText(found)} (${typeof found}) for a record of the stream ` +
        `"${stream}", so the record cannot be written; return ${wanted}.`,
      { operator, stream, option },
    )
  }
}

function isPartitionKey(key: unknown): key is string {
  if (typeof key !== 'string' || key === '' || !key.isWellFormed()) return false
  return key.length <= MAX_KEY_CHARACTERS
}

function isHashKey(hash: unknown): boolean {
  return typeof hash === 'string' && /^(0|[1-9]\d{0,38})$/.test(hash) && BigInt(hash) < MAX_HASH
}
