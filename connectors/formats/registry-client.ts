import { StreamError } from '../../runtime/errors.ts'
import type { RegistryHttp, RegistryRefusal } from './registry-http.ts'

/** Languages of schemas, as registries name them. */
export type SchemaKind = 'AVRO' | 'PROTOBUF' | 'JSON'

/** A schema of a registry. */
export interface StoredSchema {
  readonly id: number
  readonly kind: SchemaKind
  readonly text: string
  /** Texts of the schemas that it refers to, each behind those that it refers to itself. */
  readonly references: readonly string[]
}

/** A schema of the registry that the format cannot use; the message says which and why, as "schema 5 is …". */
export class UnusableSchemaError extends Error {}

/** A schema as a program has it. */
export interface OwnSchema {
  readonly kind: SchemaKind
  readonly text: string
}

/** Schemas that refer to each other more deeply are taken for a cycle. */
const MAX_REFERENCE_DEPTH = 50
/** A subject, version or schema that is not there; a plain 404 is of something that is no registry. */
const NOT_THERE: readonly number[] = [40_401, 40_402, 40_403]
const UNKNOWN_ID = 40_403

/**
 * A registry's schemas by id, and the ids of schemas by subject, each asked for once in a thread.
 *
 * A schema never changes under its id, so what has been fetched is kept for good; a fetch that failed is forgotten. Whoever
 * asks while a fetch is under way waits for that one.
 */
export class RegistryClient {
  readonly #http: RegistryHttp
  readonly #url: string
  readonly #byId = new Map<number, Promise<StoredSchema | undefined>>()
  readonly #idBySchema = new Map<string, Promise<number>>()

  constructor(http: RegistryHttp, url: string) {
    this.#http = http
    this.#url = url
  }

  /** The schema of an id; undefined when the registry does not know it, which is not remembered. */
  schemaById(id: number): Promise<StoredSchema | undefined> {
    const isKept = (schema: StoredSchema | undefined) => schema !== undefined
    return once(this.#byId, id, () => this.#fetchById(id), isKept)
  }

  /** The newest schema of a subject; asks each time. */
  async latest(subject: string): Promise<StoredSchema> {
    const path = `/subjects/${encodeURIComponent(subject)}/versions/latest`
    const answer = await this.#http.request('GET', path)
    if (!('body' in answer)) throw this.#subjectError(subject, answer)
    const id = answer.body['id']
    if (typeof id !== 'number') throw this.#oddAnswer(path)
    return this.#stored(id, answer.body, path)
  }

  /** The id of a schema under a subject; `register` adds it where it is not there yet, if the subject's rules allow. */
  idOf(subject: string, schema: OwnSchema, register: boolean): Promise<number> {
    const key = JSON.stringify([subject, schema.kind, schema.text, register])
    return once(
      this.#idBySchema,
      key,
      () => this.#fetchId(subject, schema, register),
      () => true,
    )
  }

  async #fetchById(id: number): Promise<StoredSchema | undefined> {
    const path = `/schemas/ids/${id}`
    const answer = await this.#http.request('GET', path)
    if ('body' in answer) return this.#stored(id, answer.body, path)
    if (answer.errorCode === UNKNOWN_ID) return undefined
    throw this.#refused(path, answer)
  }

  async #fetchId(subject: string, { kind, text }: OwnSchema, register: boolean): Promise<number> {
    const path = `/subjects/${encodeURIComponent(subject)}${register ? '/versions' : ''}`
    const body = { schema: text, ...(kind === 'AVRO' ? {} : { schemaType: kind }) }
    const answer = await this.#http.request('POST', path, body)
    if (!('body' in answer)) throw this.#subjectError(subject, answer)
    const id = answer.body['id']
    if (typeof id !== 'number') throw this.#oddAnswer(path)
    return id
  }

  async #stored(
    id: number,
    body: Readonly<Record<string, unknown>>,
    path: string,
  ): Promise<StoredSchema> {
    const { schema, schemaType = 'AVRO' } = body
    if (typeof schema !== 'string') throw this.#oddAnswer(path)
    const references = new Map<string, string>()
    await this.#collectReferences(body, references, path, 0)
    return {
      id,
      kind: schemaType as SchemaKind,
      text: schema,
      references: [...references.values()],
    }
  }

  async #collectReferences(
    body: Readonly<Record<string, unknown>>,
    found: Map<string, string>,
    from: string,
    depth: number,
  ): Promise<void> {
    if (depth > MAX_REFERENCE_DEPTH) throw this.#oddAnswer(from)
    for (const reference of (body['references'] ?? []) as readonly Record<string, unknown>[]) {
      const subject = encodeURIComponent(String(reference['subject']))
      const path = `/subjects/${subject}/versions/${Number(reference['version'])}`
      if (found.has(path)) continue
      const answer = await this.#http.request('GET', path)
      if (!('body' in answer)) throw this.#refused(path, answer)
      const { schema } = answer.body
      if (typeof schema !== 'string') throw this.#oddAnswer(path)
      await this.#collectReferences(answer.body, found, path, depth + 1)
      found.set(path, schema)
    }
  }

  #subjectError(subject: string, answer: RegistryRefusal): StreamError {
    const where = `subject "${subject}" of the schema registry at ${this.#url}`
    const fields = { url: this.#url, subject, status: answer.status, errorCode: answer.errorCode }
    if (answer.status === 409) {
      return new StreamError(
        'MR_SCHEMA_INCOMPATIBLE',
        `The schema cannot be registered under ${where}, as readers of its earlier versions could not go on: ` +
          `${answer.message}; nothing can be written; change the schema so that it is compatible (a new field needs a ` +
          `default), or the compatibility level of the subject.`,
        fields,
      )
    }
    if (NOT_THERE.includes(answer.errorCode)) {
      return new StreamError(
        'MR_SCHEMA_NOT_FOUND',
        `The ${where} does not have the schema (${answer.message}), so nothing can be written with it; register it, or set ` +
          `autoRegister: true.`,
        fields,
      )
    }
    return this.#refused(`/subjects/${subject}`, answer)
  }

  #refused(path: string, { status, errorCode, message }: RegistryRefusal): StreamError {
    return new StreamError(
      'MR_REGISTRY_FAILED',
      `The schema registry at ${this.#url} answered ${status} (${errorCode}: ${message}) to ${path}; the schema cannot ` +
        `be used; mend what the answer says.`,
      { url: this.#url, path, status, errorCode },
    )
  }

  #oddAnswer(path: string): StreamError {
    return new StreamError(
      'MR_REGISTRY_FAILED',
      `${this.#url} answered ${path} without a schema or id, which no schema registry does; the schema cannot be used; ` +
        `correct "url" of schemaRegistry().`,
      { url: this.#url, path },
    )
  }
}

/** Calls `fetch` for a key that is not there, or is not under way; failures, and what is not to be kept, are forgotten. */
function once<K, V>(
  known: Map<K, Promise<V>>,
  key: K,
  fetch: () => Promise<V>,
  isKept: (value: V) => boolean,
): Promise<V> {
  const there = known.get(key)
  if (there !== undefined) return there
  const promise = fetch().then(
    (value) => {
      if (!isKept(value)) known.delete(key)
      return value
    },
    (error: unknown) => {
      known.delete(key)
      throw error
    },
  )
  known.set(key, promise)
  return promise
}
