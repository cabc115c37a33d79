import { describeSyntax, type JsonDialect, parseExactly } from './json-parse.ts'
import { encodeJson } from './json-write.ts'
import { BadMessageError, type MessageReader, type MessageWriter } from './message-format.ts'
import { messageText } from './message-text.ts'
import { checkWithSchema } from './schema-check.ts'
import type { StandardSchema } from './standard-schema.ts'

/** Reads messages that are one JSON value each. Costs a tenth more than `JSON.parse(bytes.toString())`. */
export class JsonMessageReader<T> implements MessageReader<T> {
  readonly #bigints: boolean
  readonly #schema: StandardSchema<T> | undefined

  constructor(dialect: JsonDialect<T>) {
    this.#bigints = dialect.bigints
    this.#schema = dialect.validate
  }

  read(bytes: Buffer): T {
    const text = messageText(bytes)
    let value: unknown
    try {
      value = parseExactly(text, this.#bigints)
    } catch (error) {
      throw new BadMessageError(describeSyntax(error))
    }
    if (this.#schema === undefined) return value as T
    const checked = checkWithSchema(this.#schema, value)
    if (checked.bad !== undefined) throw new BadMessageError(checked.bad)
    return checked.value
  }
}

/** Writes messages that are one JSON value each, without a line end. */
export const jsonMessageWriter: MessageWriter<unknown> = {
  write: (value) => Buffer.from(encodeJson(value)),
}
