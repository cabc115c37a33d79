import { StreamError } from '../runtime/errors.ts'
import type { MessageFormat } from './message-format.ts'

/**
 * Messages as they are: a `Uint8Array` of its own for each, read and written as it stands.
 *
 * Writing anything else fails with `MR_VALUE_UNSUPPORTED`; a `Buffer` is a `Uint8Array`, an `ArrayBuffer` is none.
 */
export function bytes(): MessageFormat<Uint8Array> {
  return BYTES
}

const BYTES: MessageFormat<Uint8Array> = {
  messageKind: 'bytes',
  createMessageReader: () => ({ read: (message) => new Uint8Array(message) }),
  createMessageWriter: () => ({
    write(value) {
      if (value instanceof Uint8Array) return Buffer.from(value)
      throw new StreamError(
        'MR_VALUE_UNSUPPORTED',
        `bytes(): the value is of type ${typeof value}, not a Uint8Array; the message cannot be written; turn it ` +
          `into bytes before the sink, or use another format.`,
        { type: typeof value },
      )
    },
  }),
}
