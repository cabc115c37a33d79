import { expect, it } from 'vitest'
import { AwsClient } from '../../../runtime/aws/aws-client.ts'
import { checkAwsConnection } from '../../../runtime/aws/aws-connection.ts'
import { S3 } from '../../../runtime/aws/s3-store.ts'
import { SeededRandom, SystemClock } from '../../../runtime/clock.ts'
import type { Duration } from '../../../runtime/duration.ts'

/** The real time, but that what is scheduled never comes. */
class StuckClock extends SystemClock {
  waiting = 0
  cancelled = 0

  override schedule(): () => void {
    this.waiting++
    return () => void this.cancelled++
  }
}

/** A client whose service is not there. */
function client(clock: SystemClock, retryTimeout: Duration = '1h'): AwsClient {
  const given = {
    endpoint: 'http://127.0.0.1:1',
    region: 'eu-central-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b', accountId: '123456789012' },
    retryTimeout,
  }
  return new AwsClient({
    service: S3,
    connection: checkAwsConnection(given, 'test', 'MR_OPTION_INVALID'),
    clock,
    random: new SeededRandom(1),
    operator: 'lake',
    from: 'test',
  })
}

it.each(['close', 'abort'] as const)('does not wait for another try after %s', async (verb) => {
  const clock = new StuckClock()
  const tried = client(clock)
  const controller = new AbortController()
  const call = { what: 'list the lake', signal: controller.signal }
  const sent = tried.send('ListBuckets', {}, call)
  await expect.poll(() => clock.waiting).toBe(1)
  if (verb === 'close') tried.close()
  else controller.abort()
  await expect(sent).rejects.toMatchObject({
    code: 'MR_AWS_FAILED',
    message: expect.stringContaining('"lake" could not list the lake') as string,
  })
  expect(clock.cancelled).toBe(1)
  tried.close()
})

it('says for how long it tried, and where', async () => {
  const tried = client(new SystemClock(), '200ms')
  await expect(tried.send('ListBuckets', {}, { what: 'list the lake' })).rejects.toMatchObject({
    code: 'MR_AWS_UNAVAILABLE',
    message: expect.stringContaining('http://127.0.0.1:1') as string,
  })
  tried.close()
})
