import { afterAll, describe, inject } from 'vitest'
import { SystemClock, SystemRandom } from '../../runtime/clock.ts'
import { AwsClient, type AwsService } from '../../runtime/aws/aws-client.ts'
import { type AwsConnection, checkAwsConnection } from '../../runtime/aws/aws-connection.ts'
import { S3, S3Store } from '../../runtime/aws/s3-store.ts'
import type { ProvidedAws } from './aws-global-setup.ts'

let names = 0

// When Vitest is killed, a test that hangs would keep this process.
process.once('disconnect', () => process.exit(1))

/** Options with which connectors reach a stand-in. */
export function standIn(endpoint: string): AwsConnection {
  return {
    endpoint,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test-secret' },
  }
}

/** A name that no other test has. */
export function uniqueName(what: string): string {
  return `${what}-${process.pid}-${Date.now().toString(36)}-${++names}`
}

/** A bare client, for what tests do to a stand-in. */
export function bareClient(service: AwsService, endpoint: string): AwsClient {
  return new AwsClient({
    service,
    connection: checkAwsConnection(standIn(endpoint), 'test', 'MR_SOURCE_INVALID'),
    clock: new SystemClock(),
    random: new SystemRandom(),
    operator: 'test',
    from: 'test',
  })
}

/** Where Kinesis is. Only files of the project `aws` have it. */
export function kinesisEndpoint(): string {
  return provided().kinesis
}

/** A suite with the S3 that all files share; skipped where there is no moto. */
export function describeS3(name: string, body: (s3: TestS3) => void): void {
  const { moto } = provided()
  describe.skipIf(moto === undefined)(name, () => {
    const s3 = new TestS3(moto ?? 'http://127.0.0.1:1')
    afterAll(() => s3.close())
    body(s3)
  })
}

function provided(): ProvidedAws {
  const aws: ProvidedAws | undefined = inject('aws')
  if (aws === undefined) throw new Error('Tests with AWS belong into test/aws.')
  return aws
}

/** An S3 with what tests do to it all the time. */
export class TestS3 {
  readonly endpoint: string
  readonly #client: AwsClient
  readonly #stores: S3Store[] = []

  constructor(endpoint: string) {
    this.endpoint = endpoint
    this.#client = bareClient(S3, endpoint)
  }

  /** Makes a bucket and resolves with its name. */
  async createBucket(): Promise<string> {
    const bucket = uniqueName('bucket')
    const CreateBucketConfiguration = { LocationConstraint: 'eu-central-1' }
    await this.#client.sendOnce('CreateBucket', { Bucket: bucket, CreateBucketConfiguration })
    return bucket
  }

  /** The objects of a bucket. `endpoint`: another one than its own, such as that of a `FaultProxy`. */
  store(bucket: string, endpoint: string = this.endpoint): S3Store {
    const store = new S3Store({
      bucket,
      connection: checkAwsConnection(standIn(endpoint), 'test', 'MR_SINK_INVALID'),
      clock: new SystemClock(),
      random: new SystemRandom(),
      operator: 'test',
      from: 'test',
    })
    this.#stores.push(store)
    return store
  }

  close(): void {
    for (const store of this.#stores) store.close()
    this.#client.close()
  }
}
