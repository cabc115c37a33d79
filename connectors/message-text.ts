import { isUtf8 } from 'node:buffer'
import { BadMessageError } from './message-format.ts'

const REPLACEMENT = '\ufffd'

/** The bytes of a message as UTF-8 text, in memory of its own; malformed bytes are a bad message. */
export function messageText(bytes: Buffer): string {
  const text = bytes.toString()
  // Cheaper than asking before: only a text that has the character may have got it from malformed bytes.
  if (text.includes(REPLACEMENT) && !isUtf8(bytes)) {
    throw new BadMessageError({ problem: 'is not valid UTF-8' })
  }
  return text
}
