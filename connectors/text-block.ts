import { isAscii, isUtf8 } from 'node:buffer'
import { StreamError } from '../runtime/errors.ts'

const BYTE_ORDER_MARK = '\u00ef\u00bb\u00bf'
const NOT_ASCII = /[^\u0000-\u007f]/
/** From this length on a piece of a string is a slice of it. */
const SLICED_LENGTH = 13

/** Longest record in bytes; a longer one is taken for a quote that is never closed or a file that is no text. */
export const MAX_RECORD_BYTES: number = 4 * 1024 * 1024

/**
 * Bytes of a text file, kept as a string with one character for each byte (latin1), with their place in the file.
 *
 * One character a byte means that a position in the string is a position in the file, whatever the characters are;
 * delimiters, quotes and line ends are ASCII, and no byte of a longer UTF-8 character looks like one. Only a field that
 * holds other characters is decoded again, when it is used.
 */
export class TextBlock {
  text = ''
  /** Byte offset of `text` in the file. */
  base: number
  /** False when `text` may hold bytes of longer characters. */
  isAscii = true
  #line: number
  #countedTo = 0
  #countedLine: number
  #atStart: boolean

  constructor(offset: number, line: number) {
    this.base = offset
    this.#line = line
    this.#countedLine = line
    this.#atStart = offset === 0
  }

  /** Drops the first `consumed` characters and adds bytes behind the rest. */
  append(consumed: number, chunk: Uint8Array, where: string): void {
    this.drop(consumed)
    const rest = this.text
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    this.isAscii = isAscii(chunk) && (this.isAscii || !NOT_ASCII.test(rest))
    this.text = rest === '' ? bytes.toString('latin1') : rest + bytes.toString('latin1')
    if (this.text.length > MAX_RECORD_BYTES + chunk.byteLength && !this.text.includes('\n')) {
      throw new StreamError(
        'MR_BAD_RECORD',
        `${where}, line ${this.#line} (byte ${this.base}): the line is longer than ${MAX_RECORD_BYTES} bytes, so it ` +
          `cannot be a record; check that the file is text and that the format fits.`,
        { file: where, line: this.#line, offset: this.base },
      )
    }
    if (this.#atStart) this.#skipByteOrderMark()
  }

  /** Drops the first `count` characters: what remains begins at `base`. */
  drop(count: number): void {
    if (count === 0) return
    this.#line = this.lineAt(count)
    this.#countedTo = 0
    this.#countedLine = this.#line
    this.base += count
    this.text = this.text.slice(count)
    this.#atStart = false
  }

  /** Line of a position in `text`. Counts on from the last position asked for, unless that was behind this one. */
  lineAt(position: number): number {
    if (position < this.#countedTo) {
      this.#countedTo = 0
      this.#countedLine = this.#line
    }
    let at = this.text.indexOf('\n', this.#countedTo)
    while (at !== -1 && at < position) {
      this.#countedLine++
      at = this.text.indexOf('\n', at + 1)
    }
    this.#countedTo = position
    return this.#countedLine
  }

  /** True while all that is there could be the beginning of a byte-order mark. */
  get isWaiting(): boolean {
    return this.#atStart && this.text.length < 3 && BYTE_ORDER_MARK.startsWith(this.text)
  }

  #skipByteOrderMark(): void {
    if (this.isWaiting) return
    this.#atStart = false
    if (!this.text.startsWith(BYTE_ORDER_MARK)) return
    this.text = this.text.slice(3)
    this.base += 3
  }
}

/**
 * A string in memory of its own: V8 makes pieces of 13 or more characters as slices, which would keep the whole block alive
 * for as long as a record or a state holds one of them. Costs about 30 ns for those.
 */
export function ownText(text: string): string {
  return text.length < SLICED_LENGTH ? text : ` ${text}`.slice(1)
}

/** One byte a character turned into the text that it means; undefined where it is not valid UTF-8. */
export function decodeText(latin1: string): string | undefined {
  if (!NOT_ASCII.test(latin1)) return latin1
  const bytes = Buffer.from(latin1, 'latin1')
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined
}

/** As `decodeText`, in memory of its own. */
export function decodeOwnText(latin1: string): string | undefined {
  const text = decodeText(latin1)
  return text === latin1 ? ownText(text) : text
}

/** As `decodeOwnText`, with replacement characters for what is not valid: for messages. */
export function displayText(latin1: string): string {
  return NOT_ASCII.test(latin1) ? Buffer.from(latin1, 'latin1').toString('utf8') : ownText(latin1)
}
