import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  firehoseSink,
  kinesisSink,
  kinesisSource,
  lambdaMap,
} from '../../../connectors/aws/index.ts'
import { string } from '../../../connectors/string-format.ts'
import type { AwsConnection } from '../../../runtime/aws/aws-connection.ts'
import { SystemClock } from '../../../runtime/clock.ts'
import type { Sink } from '../../../runtime/sink.ts'
import { SourceRun } from '../../contract/source-run.ts'
import { standIn } from '../../servers/aws-for-tests.ts'
import { PutRun } from './put-run.ts'

/** What the service answers to every request. */
let answer: { readonly type: string; readonly message: string; readonly status: number }
let requests: number
let server: Server
let endpoint: string

beforeAll(async () => {
  server = createServer((incoming, outgoing) => {
    incoming.resume().on('end', () => {
      requests++
      const { type, message, status } = answer
      outgoing.writeHead(status, {
        'content-type': 'application/x-amz-json-1.1',
        'x-amzn-errortype': type,
      })
      outgoing.end(JSON.stringify({ __type: type, message }))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

beforeEach(() => {
  requests = 0
  answer = { type: 'InternalFailure', message: 'of the test', status: 500 }
  for (const name of Object.keys(process.env)) {
    if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
  }
  vi.stubEnv('AWS_CONFIG_FILE', '/nowhere/config')
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nowhere/credentials')
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
})
afterEach(() => vi.unstubAllEnvs())

async function write(sink: Sink<string>): Promise<void> {
  const run = await PutRun.start(sink, new SystemClock())
  run.write('a')
  try {
    await run.cut()
  } finally {
    await run.close()
  }
}

/** One request by each connector. */
const CONNECTORS: Readonly<Record<string, (connection: AwsConnection) => Promise<unknown>>> = {
  kinesisSource: async (connection) => {
    const source = kinesisSource({ ...connection, stream: 'clicks', value: string() })
    await new SourceRun(source, { realClock: new SystemClock() }).start()
  },
  kinesisSink: (connection) =>
    write(
      kinesisSink({ ...connection, stream: 'clicks', value: string(), partitionKey: () => 'k' }),
    ),
  firehoseSink: (connection) =>
    write(firehoseSink({ ...connection, deliveryStream: 'clicks', value: string() })),
  lambdaMap: async (connection) => {
    const options = { functionName: 'clicks', value: string(), result: string() }
    const map = lambdaMap({ ...connection, ...options })
    await map.open({ uid: 'source' })
    try {
      await map.asyncInvoke('a', { timestamp: 0, count() {}, output() {} })
    } finally {
      map.close()
    }
  },
}

describe.each(Object.entries(CONNECTORS))('%s', (_, request) => {
  const connection = () => standIn(endpoint)

  it('says that it has no credentials, and what was looked for', async () => {
    await expect(request({ endpoint, region: 'eu-central-1' })).rejects.toMatchObject({
      code: 'MR_AWS_CREDENTIALS',
      message: expect.stringMatching(/AWS_ACCESS_KEY_ID .*~\/\.aws/) as string,
    })
    expect(requests).toBe(0)
  })

  it('says that it knows no region, and where to set it', async () => {
    const { credentials } = connection()
    await expect(request({ endpoint, credentials: credentials! })).rejects.toMatchObject({
      code: 'MR_AWS_REGION',
      message: expect.stringMatching(/no region is known.*AWS_REGION/) as string,
    })
    expect(requests).toBe(0)
  })

  it.each([
    ['AccessDeniedException', 'not allowed', 'MR_AWS_REFUSED', 1],
    ['UnrecognizedClientException', 'The security token is invalid', 'MR_AWS_REFUSED', 1],
    ['ExpiredTokenException', 'The security token has expired', 'MR_AWS_REFUSED', 1],
    ['ResourceNotFoundException', 'clicks not found', 'MR_AWS_MISSING', 1],
    [
      'InvalidSignatureException',
      "Credential should be scoped to a valid region, not 'eu-central-1'.",
      'MR_AWS_REGION',
      1,
    ],
    ['InvalidSignatureException', 'Signature expired: is now earlier than', 'MR_AWS_CLOCK', 2],
    ['RequestTimeTooSkewed', 'too large', 'MR_AWS_CLOCK', 2],
    ['ValidationException', 'of the test', 'MR_AWS_FAILED', 1],
  ])('stops for %s (%s) with %3$s', async (type, message, code, times) => {
    answer = { type, message, status: 400 }
    await expect(request(connection())).rejects.toMatchObject({
      code,
      name: 'StreamError',
      message: expect.stringContaining('clicks') as string,
    })
    expect(requests).toBe(times)
  })

  it('fails the attempt where the service throttles, fails, or is not there for retryTimeout', async () => {
    const failures = [
      { ...answer },
      { type: 'ThrottlingException', message: 'Rate exceeded', status: 400 },
    ]
    for (answer of failures) {
      await expect(request({ ...connection(), retryTimeout: '150ms' })).rejects.toMatchObject({
        code: 'MR_AWS_UNAVAILABLE',
        name: 'RestartableError',
      })
      expect(requests).toBeGreaterThan(1)
    }
    await expect(
      request({ ...standIn('http://127.0.0.1:1'), retryTimeout: '150ms' }),
    ).rejects.toMatchObject({ code: 'MR_AWS_UNAVAILABLE' })
  })
})
