import { AwsClient, type AwsService } from '../../runtime/aws/aws-client.ts'
import type { CheckedAwsConnection } from '../../runtime/aws/aws-connection.ts'
import type { AwsAttempt } from '../../runtime/aws/aws-errors.ts'
import { ignoreDenied, type RecordAnswer, refusalsOf } from './put-answers.ts'
import type { PutRecord } from './put-record.ts'
import type { PutRefusal, PutService } from './put-service.ts'
import type { PutSurroundings } from './put-sink.ts'

/** The requests of one service, and what is said of it. */
export interface PutRequests extends Pick<PutService, 'target' | 'throttle' | 'wayOut'> {
  readonly service: AwsService
  /** Who asks, such as `kinesisSink()`. */
  readonly from: string
  /** How the target is named in requests. */
  readonly name: object
  /** The command that looks at the target. */
  readonly look: string
  /** The command that writes. */
  readonly put: string
  /** A record as it stands in a request. */
  entryOf(record: PutRecord): object
  /** What an answer says of the records. */
  answersOf(output: object): readonly RecordAnswer[] | undefined
}

/** A service by the client of the SDK. */
export class AwsPutService implements PutService {
  readonly target: string
  readonly throttle: string
  readonly wayOut: string
  readonly #requests: PutRequests
  readonly #client: AwsClient

  constructor(
    requests: PutRequests,
    connection: CheckedAwsConnection,
    { clock, random }: PutSurroundings,
    operator: string,
  ) {
    const { service, from, target, throttle, wayOut } = requests
    this.target = target
    this.throttle = throttle
    this.wayOut = wayOut
    this.#requests = requests
    this.#client = new AwsClient({ service, connection, clock, random, operator, from })
  }

  async put(
    records: readonly PutRecord[],
    signal: AbortSignal,
  ): Promise<readonly (PutRefusal | undefined)[]> {
    const { put, name, entryOf, answersOf } = this.#requests
    const input = { ...name, Records: records.map(entryOf) }
    return refusalsOf(answersOf(await this.#client.sendOnce<object>(put, input, signal)))
  }

  delayBefore(n: number): number {
    return this.#client.delayBefore(n)
  }

  attempt(what: string): AwsAttempt {
    return this.#client.attempt(what)
  }

  async checkTarget(): Promise<void> {
    const { look, name } = this.#requests
    await ignoreDenied(this.#client.send(look, name, { what: `find ${this.target}` }))
  }

  close(): void {
    this.#client.close()
  }
}
