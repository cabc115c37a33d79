import { invariant, StreamError } from '../../runtime/errors.ts'
import type { MessageContext, MessageWriter } from '../message-format.ts'
import { UnusableSchemaError } from './registry-client.ts'
import { withHeader } from './wire-format.ts'

/** What a writer has found out when it was opened. */
export interface OpenedSchema {
  readonly id: number
  readonly encode: (value: unknown) => Uint8Array
  /** What stands between the id and the value. Default: nothing. */
  readonly between?: Buffer
}

const NOTHING = Buffer.alloc(0)

/** Writes messages that name their schema by its id in a registry, which is looked up, or registered, by `open`. */
export class RegistryMessageWriter<T> implements MessageWriter<T> {
  readonly #context: MessageContext
  readonly #find: () => Promise<OpenedSchema>
  #opened: OpenedSchema | undefined

  constructor(context: MessageContext, find: () => Promise<OpenedSchema>) {
    this.#context = context
    this.#find = find
  }

  async open(): Promise<void> {
    try {
      this.#opened = await this.#find()
    } catch (error) {
      if (!(error instanceof UnusableSchemaError)) throw error
      const { topic, part } = this.#context
      throw new StreamError(
        'MR_SCHEMA_NOT_FOUND',
        `The ${part} of topic "${topic}" cannot be written, as ${error.message}; register the schema of its messages, or ` +
          `correct "subjects" of schemaRegistry().`,
        { topic, part },
        error,
      )
    }
  }

  write(value: T): Buffer {
    const opened = this.#opened
    invariant(opened !== undefined, 'a writer with a schema registry was used before it was opened')
    return withHeader(opened.id, opened.between ?? NOTHING, opened.encode(value))
  }
}
