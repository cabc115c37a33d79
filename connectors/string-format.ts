import { StreamError } from '../runtime/errors.ts'
import type { MessageFormat, MessageWriter } from './message-format.ts'
import { messageText } from './message-text.ts'

/**
 * Messages that are text, in UTF-8, as Kafka's `StringSerializer` writes them.
 *
 * Reading: bytes that are not valid UTF-8 are a bad message. Writing: anything but a string, and a string with half of a
 * surrogate pair, which UTF-8 cannot hold, fails with `MR_VALUE_UNSUPPORTED`.
 *
 * @example
 * kafkaSource({ topics: ['orders'], key: string(), value: json<Order>(), … })
 */
export function string(): MessageFormat<string> {
  return STRING
}

const writer: MessageWriter<string> = {
  write(value) {
    if (typeof value === 'string' && value.isWellFormed()) return Buffer.from(value)
    const found =
      typeof value === 'string'
        ? 'a string with half of a surrogate pair'
        : `of type ${typeof value}`
    throw new StreamError(
      'MR_VALUE_UNSUPPORTED',
      `string(): the value is ${found}, which is no text in UTF-8; the message cannot be written; turn it into ` +
        `a string before the sink, or use another format.`,
      { type: typeof value },
    )
  },
}

const STRING: MessageFormat<string> = {
  messageKind: 'string',
  createMessageReader: () => ({ read: messageText }),
  createMessageWriter: () => writer,
}
