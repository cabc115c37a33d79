import { expect, it } from 'vitest'
import { AwsClient } from '../../../runtime/aws/aws-client.ts'
import { checkAwsConnection } from '../../../runtime/aws/aws-connection.ts'
import { SystemClock, SystemRandom } from '../../../runtime/clock.ts'

it('lets several connectors share one object of credentials, into which the SDK would write', async () => {
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' }
  const check = () =>
    checkAwsConnection(
      { credentials, region: 'eu-central-1', endpoint: 'http://127.0.0.1:9' },
      'test',
      'MR_SINK_INVALID',
    )
  const client = new AwsClient({
    service: {
      name: 'Firehose',
      package: '@aws-sdk/client-firehose',
      client: 'FirehoseClient',
    },
    connection: check(),
    clock: new SystemClock(),
    random: new SystemRandom(),
    operator: 'test',
    from: 'test',
  })
  await expect(client.sendOnce('ListDeliveryStreams', {})).rejects.toThrow()
  client.close()
  expect(credentials).toEqual({ accessKeyId: 'a', secretAccessKey: 'b' })
  check()
  // As a client of the SDK in the job leaves it behind.
  Object.assign(credentials, { $source: { CREDENTIALS_CODE: 'e' } })
  check()
})
