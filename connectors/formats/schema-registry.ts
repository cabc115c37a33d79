import { type Clock, type Random, SystemClock, SystemRandom } from '../../runtime/clock.ts'
import { type Duration, parseDuration } from '../../runtime/duration.ts'
import { givenText, StreamError } from '../../runtime/errors.ts'
import { checkOptionNames, type OptionNames } from '../../runtime/option-names.ts'
import type { MessageContext } from '../message-format.ts'
import { RegistryClient } from './registry-client.ts'
import { RegistryHttp } from './registry-http.ts'

/** Under which subject the schema of a topic is registered. */
export type SubjectNaming = 'topic' | 'record' | 'topic-record'

/** Options of `schemaRegistry()`. */
export interface SchemaRegistryOptions {
  /** Where its REST interface is, with the path that a proxy may need: `https://registry.example:8081`. */
  readonly url: string
  /** Name and password (HTTP Basic), or a bearer token. Default: none. */
  readonly auth?:
    { readonly username: string; readonly password: string } | { readonly token: string }
  /** Further headers of each request. Default: none. */
  readonly headers?: Readonly<Record<string, string>>
  /**
   * `topic` (default): `orders-value` and `orders-key`, one schema a topic; `record`: the full name of the record or message,
   * such as `shop.Order`; `topic-record`: both, `orders-shop.Order`, for topics with records of several types.
   */
  readonly subjects?: SubjectNaming
  /** Longest wait for one answer. Default 10 s. */
  readonly timeout?: Duration
  /** How often a request is tried while the registry cannot be reached or answers 5xx. Default 5. */
  readonly tries?: number
}

/** A schema registry, for `avro()` and `protobuf()`; made by `schemaRegistry()`. */
export interface SchemaRegistry {
  readonly url: string
  /** Only for formats. */
  readonly client: RegistryClient
  /** The subject of a schema with a record of that full name. */
  subjectOf(context: MessageContext, recordName: string | undefined): string
}

const NAMES: OptionNames<SchemaRegistryOptions> = {
  url: true,
  auth: true,
  headers: true,
  subjects: true,
  timeout: true,
  tries: true,
}

/**
 * A client of a schema registry with the REST interface of Confluent's, which Karapace, Apicurio and Redpanda have too.
 *
 * Nothing is fetched before the job runs: a writer asks for the id of its schema when it is opened, a reader for each schema
 * that it has not met, in the background. Schemas are kept for the life of the thread. What the registry refuses fails with
 * `MR_REGISTRY_DENIED`, `MR_SCHEMA_NOT_FOUND`, `MR_SCHEMA_INCOMPATIBLE` or `MR_REGISTRY_FAILED`; where it cannot be reached,
 * `MR_REGISTRY_UNREACHABLE` restarts the job.
 *
 * @example
 * const registry = schemaRegistry({ url: 'http://localhost:8081' })
 * const orders = avro<Order>({ registry })
 */
export function schemaRegistry(options: SchemaRegistryOptions): SchemaRegistry {
  return createRegistry(options, new SystemClock(), new SystemRandom())
}

/** As `schemaRegistry`, with a clock and chance of one's own. */
export function createRegistry(
  options: SchemaRegistryOptions,
  clock: Clock,
  random: Random,
): SchemaRegistry {
  checkOptionNames(options, NAMES, 'schemaRegistry()', 'MR_FORMAT_INVALID')
  const { timeout = '10s', tries = 5, subjects = 'topic', headers = {} } = options
  const url = checkUrl(options.url)
  if (!Number.isInteger(tries) || tries < 1) {
    throw invalid(`tries is ${givenText(tries)}`, 'give a whole number from 1')
  }
  if (!['topic', 'record', 'topic-record'].includes(subjects)) {
    throw invalid(`subjects is ${givenText(subjects)}`, 'give "topic", "record" or "topic-record"')
  }
  const endpoint = {
    url,
    headers: { ...headers, ...authorization(options.auth) },
    timeoutMs: parseDuration(timeout, 'schemaRegistry(): timeout'),
    tries,
  }
  return {
    url,
    client: new RegistryClient(new RegistryHttp(endpoint, clock, random), url),
    subjectOf: (context, recordName) => subjectOf(subjects, context, recordName),
  }
}

function subjectOf(
  naming: SubjectNaming,
  { topic, part }: MessageContext,
  recordName: string | undefined,
): string {
  if (naming === 'topic') return `${topic}-${part}`
  if (recordName === undefined) {
    throw invalid(
      `subjects is "${naming}" where the schema of the ${part} of topic "${topic}" has no name`,
      'give the format a schema that is a named record, or use "topic"',
    )
  }
  return naming === 'record' ? recordName : `${topic}-${recordName}`
}

function checkUrl(given: unknown): string {
  const url = typeof given === 'string' ? URL.parse(given) : null
  if (url === null || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '') {
    throw invalid(
      `url is ${givenText(given)}`,
      'give the address of its REST interface, http://… or https://…',
    )
  }
  // Not quoted: it has the password in it.
  if (url.username !== '' || url.password !== '') {
    throw invalid('url has a name or password in it', 'give them as "auth"')
  }
  return url.href.replace(/\/+$/, '')
}

function authorization(auth: SchemaRegistryOptions['auth']): Readonly<Record<string, string>> {
  if (auth === undefined) return {}
  if ('token' in auth && typeof auth.token === 'string')
    return { authorization: `Bearer ${auth.token}` }
  if (
    'username' in auth &&
    typeof auth.username === 'string' &&
    typeof auth.password === 'string'
  ) {
    const both = Buffer.from(`${auth.username}:${auth.password}`).toString('base64')
    return { authorization: `Basic ${both}` }
  }
  throw invalid(
    'auth has neither username and password nor token',
    'give { username, password } or { token }',
  )
}

function invalid(problem: string, wayOut: string): StreamError {
  return new StreamError(
    'MR_FORMAT_INVALID',
    `schemaRegistry(): ${problem}, so schemas cannot be looked up; ${wayOut}.`,
  )
}
