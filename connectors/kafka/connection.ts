import { givenText, StreamError } from '../../runtime/errors.ts'
import { type Duration, parseDuration } from '../../runtime/duration.ts'
import { checkOptionNames, type OptionNames } from '../../runtime/option-names.ts'

/** How to reach a Kafka cluster. Plain configuration: it is made in every thread from the job module. */
export interface KafkaConnection {
  /** Some brokers of the cluster, `host:port` each, as a list or separated by commas; the others are learned from them. */
  readonly brokers: string | readonly string[]
  /** Name of the client in the logs and quotas of the brokers. Default `millrace`. */
  readonly clientId?: string
  /** TLS. True: with the certificate authorities that Node knows. Default: none. */
  readonly tls?: boolean | KafkaTls
  /** Authentication. Default: none. */
  readonly sasl?: KafkaSasl
  /** How long opening one connection may take. Default 10 s. */
  readonly connectionTimeout?: Duration
  /** How long one request may take. Default 30 s. */
  readonly requestTimeout?: Duration
  /**
   * How long an operation is tried again while no broker answers, or none leads a partition, before the attempt fails with
   * `MR_KAFKA_UNAVAILABLE` (and the restart strategy decides). Default one minute.
   */
  readonly retryTimeout?: Duration
}

/** Certificates as PEM text. */
export interface KafkaTls {
  /** Certificate authorities to trust instead of those that Node knows. */
  readonly ca?: string | readonly string[]
  /** Certificate of the client, where brokers ask for one; with `key`. */
  readonly cert?: string
  readonly key?: string
  readonly passphrase?: string
  /** Name to expect in the certificate of the broker. Default: its host. */
  readonly serverName?: string
  /** False: any certificate of a broker will do, for tests only. Default true. */
  readonly rejectUnauthorized?: boolean
}

/** User and password, and how they are proved. */
export interface KafkaSasl {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
  readonly username: string
  readonly password: string
}

/** A checked connection, with all defaults. */
export interface CheckedConnection {
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly tls: KafkaTls | undefined
  readonly sasl: KafkaSasl | undefined
  readonly connectionTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly retryTimeoutMs: number
}

/** Names of the options of a connection, for those that take them among their own. */
export const CONNECTION_NAMES: OptionNames<KafkaConnection> = {
  brokers: true,
  clientId: true,
  tls: true,
  sasl: true,
  connectionTimeout: true,
  requestTimeout: true,
  retryTimeout: true,
}

const TLS_NAMES: OptionNames<KafkaTls> = {
  ca: true,
  cert: true,
  key: true,
  passphrase: true,
  serverName: true,
  rejectUnauthorized: true,
}
const SASL_NAMES: OptionNames<KafkaSasl> = { mechanism: true, username: true, password: true }
const MECHANISMS: readonly string[] = ['plain', 'scram-sha-256', 'scram-sha-512']

/** Checks a connection; `where` is what was given it, such as `kafkaSource()`. */
export function checkConnection(
  given: KafkaConnection,
  where: string,
  code: 'MR_SOURCE_INVALID' | 'MR_SINK_INVALID',
): CheckedConnection {
  const check = (option: string, isGood: boolean, found: unknown, wanted: string): void => {
    if (isGood) return
    throw new StreamError(
      code,
      `${where}: ${option} is ${givenText(found)} (${typeof found}), so no broker can be reached; give ${wanted}.`,
      { option },
    )
  }
  const { tls, sasl, clientId = 'millrace' } = given
  const listed = typeof given.brokers === 'string' ? given.brokers.split(',') : given.brokers
  const areListed = Array.isArray(listed) && listed.length > 0
  check('brokers', areListed, given.brokers, 'addresses such as "localhost:9092"')
  const brokers = (listed as readonly unknown[]).map((broker) =>
    typeof broker === 'string' ? broker.trim() : broker,
  )
  for (const broker of brokers) {
    const isAddress =
      typeof broker === 'string' && /^[^\s:/]+:\d{1,5}$|^\[[^\]]+\]:\d{1,5}$/.test(broker)
    check('brokers', isAddress, broker, 'a host and a port, such as "localhost:9092"')
  }
  check('clientId', typeof clientId === 'string' && clientId !== '', clientId, 'a name')
  if (typeof tls === 'object') {
    checkOptionNames(tls, TLS_NAMES, `${where}: tls`, code)
    const isPair = (tls.cert === undefined) === (tls.key === undefined)
    check('tls', isPair, 'one of cert and key', 'both the certificate of the client and its key')
  } else {
    check('tls', tls === undefined || typeof tls === 'boolean', tls, 'true, or certificates')
  }
  if (sasl !== undefined) {
    checkOptionNames(sasl, SASL_NAMES, `${where}: sasl`, code)
    const isKnown = MECHANISMS.includes(sasl.mechanism)
    check('sasl.mechanism', isKnown, sasl.mechanism, `one of ${MECHANISMS.join(', ')}`)
    const isNamed = typeof sasl.username === 'string' && sasl.username !== ''
    check('sasl.username', isNamed, sasl.username, 'the name of the user')
    // The password stays out of the message.
    const hasPassword = typeof sasl.password === 'string' && sasl.password !== ''
    check('sasl.password', hasPassword, 'missing', 'the password, for example from the environment')
  }
  const duration = (name: 'connectionTimeout' | 'requestTimeout' | 'retryTimeout', other: string) =>
    parseDuration(given[name] ?? other, `${where}: ${name}`)
  return {
    brokers: brokers as readonly string[],
    clientId,
    tls: tls === true ? {} : tls === false ? undefined : tls,
    sasl,
    connectionTimeoutMs: duration('connectionTimeout', '10s'),
    requestTimeoutMs: duration('requestTimeout', '30s'),
    retryTimeoutMs: duration('retryTimeout', '1m'),
  }
}
