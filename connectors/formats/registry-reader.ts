import { invariant } from '../../runtime/errors.ts'
import { BadMessageError, type MessageReader } from '../message-format.ts'
import { type StoredSchema, UnusableSchemaError } from './registry-client.ts'
import type { SchemaRegistry } from './schema-registry.ts'
import { schemaIdOf } from './wire-format.ts'

/** Makes the value of a message, header and all, or throws `BadMessageError`. */
export type MessageDecoder<T> = (bytes: Buffer) => T

/**
 * Reads messages that name their schema by its id in a registry: one decoder for each schema that was met.
 *
 * A schema that the registry does not know, or that cannot be read as what is wanted, makes its messages bad ones; it is looked
 * at again by the next reader only, after a restart.
 */
export class RegistryMessageReader<T> implements MessageReader<T> {
  readonly #registry: SchemaRegistry
  readonly #decoderOf: (schema: StoredSchema) => MessageDecoder<T>
  readonly #decoders = new Map<number, MessageDecoder<T>>()
  #lastId: number | undefined
  #lastDecoder: MessageDecoder<T> | undefined

  /** @param decoderOf May throw `UnusableSchemaError`: then all messages of the schema are bad. */
  constructor(registry: SchemaRegistry, decoderOf: (schema: StoredSchema) => MessageDecoder<T>) {
    this.#registry = registry
    this.#decoderOf = decoderOf
  }

  prepare(bytes: Buffer): Promise<void> | undefined {
    const id = schemaIdOf(bytes)
    if (id === undefined || id === this.#lastId || this.#decoders.has(id)) return undefined
    return this.#fetch(id)
  }

  read(bytes: Buffer): T {
    const id = schemaIdOf(bytes)
    if (id === undefined) {
      throw new BadMessageError({
        problem:
          'does not begin with a zero byte and the id of a schema, as messages of a schema registry do',
      })
    }
    if (id !== this.#lastId) {
      const decoder = this.#decoders.get(id)
      invariant(
        decoder !== undefined,
        `a message with schema ${id} was read before it was prepared`,
      )
      this.#lastId = id
      this.#lastDecoder = decoder
    }
    return (this.#lastDecoder as MessageDecoder<T>)(bytes)
  }

  async #fetch(id: number): Promise<void> {
    const schema = await this.#registry.client.schemaById(id)
    if (schema === undefined) {
      const problem = `was written with schema ${id}, which the schema registry at ${this.#registry.url} does not know`
      this.#decoders.set(id, refuse(new BadMessageError({ problem })))
      return
    }
    try {
      this.#decoders.set(id, this.#decoderOf(schema))
    } catch (error) {
      if (!(error instanceof UnusableSchemaError)) throw error
      const problem = `cannot be read: ${error.message}`
      this.#decoders.set(id, refuse(new BadMessageError({ problem })))
    }
  }
}

function refuse(error: BadMessageError): () => never {
  return () => {
    throw error
  }
}
