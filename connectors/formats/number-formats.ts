import { StreamError } from '../../runtime/errors.ts'
import { BadMessageError, type MessageFormat } from '../message-format.ts'

/** How a number of a fixed width is read and written, big endian as Kafka's serializers do. */
interface FixedWidth<T> {
  readonly name: string
  readonly bytes: number
  /** What values there are, for messages. */
  readonly range: string
  holds(value: unknown): boolean
  read(bytes: Buffer): T
  write(bytes: Buffer, value: T): void
}

/** Messages of 4 bytes that are whole numbers from -2^31 to 2^31 - 1, as Kafka's `IntegerSerializer` writes them. */
export function int32(): MessageFormat<number> {
  return INT32
}

/** Messages of 8 bytes that are bigints from -2^63 to 2^63 - 1, as Kafka's `LongSerializer` writes them. */
export function int64(): MessageFormat<bigint> {
  return INT64
}

/** Messages of 8 bytes that are numbers, with fractions, NaN and infinities, as Kafka's `DoubleSerializer` writes them. */
export function float64(): MessageFormat<number> {
  return FLOAT64
}

const INT32 = fixedWidth<number>({
  name: 'int32',
  bytes: 4,
  range: 'a whole number from -2147483648 to 2147483647',
  holds: (value) => typeof value === 'number' && value === (value | 0),
  read: (bytes) => bytes.readInt32BE(),
  write: (bytes, value) => bytes.writeInt32BE(value),
})

const INT64 = fixedWidth<bigint>({
  name: 'int64',
  bytes: 8,
  range: 'a bigint of 64 bits',
  holds: (value) => typeof value === 'bigint' && BigInt.asIntN(64, value) === value,
  read: (bytes) => bytes.readBigInt64BE(),
  write: (bytes, value) => bytes.writeBigInt64BE(value),
})

const FLOAT64 = fixedWidth<number>({
  name: 'float64',
  bytes: 8,
  range: 'a number',
  holds: (value) => typeof value === 'number',
  read: (bytes) => bytes.readDoubleBE(),
  write: (bytes, value) => bytes.writeDoubleBE(value),
})

function fixedWidth<T>(width: FixedWidth<T>): MessageFormat<T> {
  const { name, bytes: size, range } = width
  return {
    messageKind: name,
    createMessageReader: () => ({
      read(bytes) {
        if (bytes.length === size) return width.read(bytes)
        throw new BadMessageError({
          problem: `has ${bytes.length} bytes, where ${name} has ${size}`,
        })
      },
    }),
    createMessageWriter: () => ({
      write(value) {
        if (!width.holds(value)) throw unsupported(name, range, value)
        const bytes = Buffer.allocUnsafe(size)
        width.write(bytes, value)
        return bytes
      },
    }),
  }
}

function unsupported(name: string, range: string, value: unknown): StreamError {
  const isShown = ['number', 'bigint', 'boolean', 'undefined'].includes(typeof value)
  const found = isShown ? `${String(value)} (${typeof value})` : `of type ${typeof value}`
  return new StreamError(
    'MR_VALUE_UNSUPPORTED',
    `${name}(): the value is ${found}, not ${range}; the message cannot be written; convert it before the sink, or use ` +
      `another format.`,
    { type: typeof value },
  )
}
