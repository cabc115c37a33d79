import { RestartableError, StreamError, thrownText } from '../../runtime/errors.ts'
import type { KafkaJsError } from './kafkajs-types.ts'

/** What was tried, for messages. */
export interface Attempted {
  /** Who tried: the uid of the operator, quoted in messages. */
  readonly operator: string
  /** What, as the end of "could not …", such as `read the offsets of the topic "orders"`. */
  readonly what: string
  readonly brokers: readonly string[]
}

const DENIED: ReadonlySet<string> = new Set([
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
])
const TLS_PROBLEM = /^ERR_(SSL|TLS)|CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)/
const PASSING = new Set([
  'KafkaJSConnectionError',
  'KafkaJSConnectionClosedError',
  'KafkaJSRequestTimeoutError',
  'KafkaJSBrokerNotFound',
  'KafkaJSNoBrokerAvailableError',
  'KafkaJSMetadataNotLoaded',
  'KafkaJSTopicMetadataNotLoaded',
  'KafkaJSGroupCoordinatorNotFound',
  'KafkaJSLockTimeout',
])
/** Errors that pass, by name; kafkajs takes some of them for final. */
const PASSING_TYPES = new Set([
  'NOT_COORDINATOR_FOR_GROUP',
  'GROUP_LOAD_IN_PROGRESS',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'CONCURRENT_TRANSACTIONS',
  'COORDINATOR_LOAD_IN_PROGRESS',
])

/** The error at the bottom: kafkajs wraps errors once it has given up. */
export function rootCause(error: unknown): KafkaJsError {
  let at = error as KafkaJsError
  while (at?.cause instanceof Error) at = at.cause
  return at
}

/** As `rootCause`; of several errors at once, the first. */
export function firstError(error: unknown): KafkaJsError {
  const cause = rootCause(error)
  const [first] = (cause as { errors?: readonly unknown[] }).errors ?? []
  return first === undefined ? cause : rootCause(first)
}

/** Whether another try may help. */
export function mayPass(error: unknown): boolean {
  const cause = rootCause(error)
  if (isDenied(cause)) return false
  const { name, type, retriable } = cause
  return PASSING.has(name) || retriable === true || (type !== undefined && PASSING_TYPES.has(type))
}

function isDenied({ name, type, code, message }: KafkaJsError): boolean {
  return (
    name === 'KafkaJSSASLAuthenticationError' ||
    (type !== undefined && DENIED.has(type)) ||
    TLS_PROBLEM.test(String(code)) ||
    /wrong version number|certificate/i.test(message ?? '')
  )
}

/** An error of the client in the words of the product. */
export function kafkaError(tried: Attempted, error: unknown): StreamError {
  if (error instanceof StreamError) return error
  const cause = rootCause(error)
  if (isDenied(cause)) return refused(tried, cause)
  const { operator, what } = tried
  return new RestartableError(
    'MR_KAFKA_FAILED',
    `"${operator}" could not ${what}: Kafka answered ${thrownText(cause)}; the attempt ends; look into the logs of the brokers ` +
      `${tried.brokers.join(', ')}.`,
    { operator, brokers: tried.brokers, type: cause.type },
    error,
  )
}

function refused({ operator, what, brokers }: Attempted, cause: KafkaJsError): StreamError {
  const isTls = TLS_PROBLEM.test(String(cause.code)) || /version number|certif/i.test(cause.message)
  const wayOut = isTls
    ? 'set tls to the certificate authority of the brokers, and use the port of their TLS listener'
    : 'check sasl (mechanism, username, password), and the rights of the user (read on topics and groups, write on topics and ' +
      'transactional ids)'
  return new StreamError(
    'MR_KAFKA_REFUSED',
    `"${operator}" could not ${what}: ${brokers.join(', ')} refused it (${thrownText(cause)}); nothing can be read or written; ${wayOut}.`,
    { operator, brokers, type: cause.type },
    cause,
  )
}

/** No broker answered for so long. */
export function unavailable(tried: Attempted, triedMs: number, cause: unknown): StreamError {
  const { operator, what, brokers } = tried
  return new RestartableError(
    'MR_KAFKA_UNAVAILABLE',
    `"${operator}" could not ${what} for ${Math.round(triedMs / 1000)} s: no broker did it (${brokers.join(', ')}; last: ` +
      `${thrownText(rootCause(cause))}); check that these addresses are right and reachable, that the cluster is up, and that tls and ` +
      `sasl fit its listeners; retryTimeout says how long to go on.`,
    { operator, brokers, triedMs },
    cause,
  )
}

/** A topic that is not there, or no longer. */
export function topicMissing(
  operator: string,
  topic: string,
  brokers: readonly string[],
): StreamError {
  return new StreamError(
    'MR_KAFKA_TOPIC_MISSING',
    `"${operator}" uses the topic "${topic}", which ${brokers.join(', ')} do not have (or do not let this user see); it cannot be read ` +
      `or written; create it, or correct the name.`,
    { operator, topic, brokers },
  )
}
