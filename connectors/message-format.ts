// Kept in the declarations: without the types of Node, as programs for the browser are, a Buffer is then any.
/** @ts-ignore */
import type { Buffer } from 'node:buffer'
import type { BadRow } from './read-format.ts'

/**
 * How the bytes of one message become a value and back; shared by all connectors of messages.
 *
 * Configuration only, so that every thread can make the same one from the job module. A message without bytes at all (a
 * tombstone of Kafka, a missing key) is no matter of formats: the connector makes null or undefined of it.
 */
export interface MessageFormat<T> {
  /** Short name for plans and messages, such as `json`. */
  readonly messageKind: string
  /** Only for type inference of source and sink; never set. */
  readonly _message?: T
  /** A reader for one topic; fails with `MR_FORMAT_INVALID` where the format cannot read messages. */
  createMessageReader(context: MessageContext): MessageReader<T>
  /** A writer for one topic; fails with `MR_FORMAT_INVALID` where the format cannot write messages. */
  createMessageWriter(context: MessageContext): MessageWriter<T>
}

/** Where a format is used. */
export interface MessageContext {
  /** Topic or stream; subjects of a schema registry are made of it. With several topics a reader is made for each. */
  readonly topic: string
  readonly part: 'key' | 'value'
}

/** Turns the messages of one topic into values, one after another. */
export interface MessageReader<T> {
  /** Called once before the first message; may fetch. Default: nothing to do. */
  open?(): void | Promise<void>
  /**
   * Called before `read` with the same bytes, in the background, where a format may have to fetch something first, such as a
   * schema that it has not met. Undefined when all is there, which is the case for all messages but a few. Rejects with a
   * coded error when it cannot be fetched. Absent where never needed.
   */
  prepare?(bytes: Buffer): Promise<void> | undefined
  /**
   * The value; synchronous. Throws `BadMessageError` for what cannot be read, whatever the bytes are. Does not keep `bytes`, nor
   * does the value.
   */
  read(bytes: Buffer): T
}

/** Turns values into the messages of one topic, one after another. */
export interface MessageWriter<T> {
  /** Called once before the first value; may fetch, and fails with a coded error. Default: nothing to do. */
  open?(): void | Promise<void>
  /** Bytes that nobody changes later; throws a coded `StreamError` for what the format cannot hold. */
  write(value: T): Buffer
}

/** Thrown by a reader for bytes that it cannot read; the connector adds where they come from and applies its `onError`. */
export class BadMessageError extends Error {
  /** What is wrong, as the end of the sentence "the value …". */
  readonly problem: string
  /** The field that does not fit, where it is one. */
  readonly column: string | undefined

  constructor({ problem, column, value }: BadRow) {
    const which = value === undefined ? '' : shorten(value)
    const text =
      column !== undefined
        ? `has the field "${column}"${value === undefined ? '' : ` with the value ${which}`}, which ${problem}`
        : value === undefined
          ? problem
          : `is ${which}, which ${problem}`
    super(`The value ${text}.`)
    this.name = 'BadMessageError'
    this.problem = text
    this.column = column
  }
}

function shorten(text: string): string {
  return JSON.stringify(text.length <= 80 ? text : `${text.slice(0, 80)}…`)
}
