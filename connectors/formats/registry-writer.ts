import { invariant } from '../../runtime/errors.ts'
import type { MessageWriter } from '../message-format.ts'
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
  readonly #find: () => Promise<OpenedSchema>
  #opened: OpenedSchema | undefined

  constructor(find: () => Promise<OpenedSchema>) {
    this.#find = find
  }

  async open(): Promise<void> {
    this.#opened = await this.#find()
  }

  write(value: T): Buffer {
    const opened = this.#opened
    invariant(opened !== undefined, 'a writer with a schema registry was used before it was opened')
    return withHeader(opened.id, opened.between ?? NOTHING, opened.encode(value))
  }
}
