import { createRequire } from 'node:module'
import { type Clock, pause, type Random } from '../clock.ts'
import { requirePeer } from '../optional-peer.ts'
import type { CheckedAwsConnection } from './aws-connection.ts'
import { endpointOf } from './aws-endpoint.ts'
import {
  type AwsAttempt,
  awsError,
  awsFailure,
  awsUnavailable,
  mayPassAws,
  type SdkError,
} from './aws-errors.ts'

const FIRST_DELAY_MS = 100
const MAX_DELAY_MS = 10_000
const CONNECTION_TIMEOUT_MS = 10_000

/** A service of AWS: its package, and the name of its client. */
export interface AwsService {
  /** For messages, such as `Kinesis`. */
  readonly name: string
  /** Such as `@aws-sdk/client-kinesis`. */
  readonly package: string
  /** Such as `KinesisClient`. */
  readonly client: string
}

/** What a client is made of. */
export interface AwsClientOptions {
  readonly service: AwsService
  readonly connection: CheckedAwsConnection
  readonly clock: Clock
  readonly random: Random
  /** The uid of the operator, for messages. */
  readonly operator: string
  /** What needs the package, such as `kinesisSource()`. */
  readonly from: string
  /** More settings of the client of the SDK. */
  readonly settings?: Readonly<Record<string, unknown>>
  /** Connections at once. Default 50. */
  readonly maxSockets?: number
  /** HTTP/2, which the SDK uses with some services, instead of HTTP/1.1. Default false. */
  readonly http2?: boolean
}

/** How one request is made. */
export interface AwsCall {
  /** What is tried, as the end of "could not …". */
  readonly what: string
  /** Ends the request, and trying again. */
  readonly signal?: AbortSignal | undefined
  /** Failures that are handed on at once, by the name of the error; beside those that no other try can mend. */
  readonly handsOn?: (error: SdkError) => boolean
  /** The failure that an answer tells of which is none by its status; it is treated as one. */
  readonly failureOf?: (output: unknown) => SdkError | undefined
}

interface SdkModule {
  readonly [name: string]: new (input: unknown) => object
}

interface SdkClient {
  send(command: object, options?: { readonly abortSignal?: AbortSignal }): Promise<unknown>
  destroy(): void
}

/** Fails with `MR_DEPENDENCY_MISSING` where the package of a service is not installed. */
export function loadAwsService(service: AwsService, from: string): SdkModule {
  return requirePeer(service.package, from, 'read and write files instead') as SdkModule
}

/**
 * The client of one service of AWS, with tries of our own: those of the SDK are off.
 *
 * A request is tried again while the service throttles it, fails or does not answer, after a random delay of up to 100 ms, 200 ms
 * and so on to 10 s ("full jitter"), for `retryTimeout` in all. So it may be done more than once.
 */
export class AwsClient {
  readonly #options: AwsClientOptions
  readonly #sdk: SdkModule
  readonly #client: SdkClient
  readonly #where: string
  readonly #closing: AbortController = new AbortController()

  constructor(options: AwsClientOptions) {
    this.#options = options
    const { service, connection, from } = options
    this.#sdk = loadAwsService(service, from)
    const Client = this.#sdk[service.client]!
    const { region, credentials } = connection
    const endpoint = endpointOf(service.name, connection.endpoint, process.env)
    this.#client = new Client({
      ...(region === undefined ? {} : { region }),
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(credentials === undefined ? {} : { credentials }),
      maxAttempts: 1,
      requestHandler: requestHandler(options),
      ...options.settings,
    }) as SdkClient
    this.#where = endpoint ?? region ?? process.env['AWS_REGION'] ?? 'the region of the profile'
  }

  /**
   * Sends a command, such as `GetRecords`, until it succeeds, fails for good, or `retryTimeout` is over; errors are ours then,
   * but for those that `handsOn` wants as they are.
   */
  async send<Output>(command: string, input: object, call: AwsCall): Promise<Output> {
    const { clock, connection } = this.#options
    const begin = clock.elapsed()
    let wasSkewed = false
    for (let n = 1; ; n++) {
      try {
        const output = await this.sendOnce<Output>(command, input, call.signal)
        const failure = call.failureOf?.(output)
        if (failure !== undefined) throw failure
        return output
      } catch (error) {
        if (call.handsOn?.(error as SdkError) === true) throw error
        // The SDK has learned from the answer how far its clock is off: once more.
        const learned: boolean = awsFailure(error) === 'skewed' && !wasSkewed
        wasSkewed ||= learned
        const tries = learned || mayPassAws(error)
        if (!tries || this.#isOver(call.signal)) throw awsError(this.attempt(call.what), error)
        const spent = clock.elapsed() - begin
        if (spent >= connection.retryTimeoutMs) {
          throw awsUnavailable(this.attempt(call.what), spent, error)
        }
        const signals = [this.#closing.signal, ...(call.signal === undefined ? [] : [call.signal])]
        await pause(clock, this.delayBefore(n), AbortSignal.any(signals))
        if (this.#isOver(call.signal)) throw awsError(this.attempt(call.what), error)
      }
    }
  }

  #isOver(signal: AbortSignal | undefined): boolean {
    return this.#closing.signal.aborted || signal?.aborted === true
  }

  /** Sends a command once; errors are those of the SDK. */
  async sendOnce<Output>(command: string, input: object, signal?: AbortSignal): Promise<Output> {
    const Command = this.#sdk[`${command}Command`]!
    const options = signal === undefined ? {} : { abortSignal: signal }
    return (await this.#client.send(new Command(input), options)) as Output
  }

  /** A random delay before the n-th try again, from 1. */
  delayBefore(n: number): number {
    return this.#options.random.next() * Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (n - 1))
  }

  /** For errors that are made outside. */
  attempt(what: string): AwsAttempt {
    const { operator, service } = this.#options
    return { operator, service: service.name, what, where: this.#where }
  }

  /** Closes the connections; the next failure of a request that is under way ends it. */
  close(): void {
    this.#closing.abort()
    this.#client.destroy()
  }
}

/** The handler of the SDK that its client has; found from there, as it need not be installed beside us. */
function requestHandler(options: AwsClientOptions): object {
  const { service, connection, http2 = false, maxSockets = 50 } = options
  const own = createRequire(import.meta.url)
  const sdk = createRequire(own.resolve(service.package))
  const handlers = sdk('@smithy/node-http-handler') as Record<
    string,
    new (settings: object) => object
  >
  const { requestTimeoutMs } = connection
  if (http2) return new handlers['NodeHttp2Handler']!({ requestTimeout: requestTimeoutMs })
  const agent = { keepAlive: true, maxSockets }
  return new handlers['NodeHttpHandler']!({
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    requestTimeout: requestTimeoutMs,
    throwOnRequestTimeout: true,
    httpAgent: agent,
    httpsAgent: agent,
  })
}
