import { FIREHOSE } from '../../connectors/firehose/put-record-batch.ts'
import { bareClient, type TestS3, uniqueName } from '../servers/aws-for-tests.ts'

/** Makes a delivery stream to a bucket of its own. */
export async function createDelivery(
  s3: TestS3,
): Promise<{ readonly bucket: string; readonly name: string }> {
  const bucket = await s3.createBucket()
  const name = uniqueName('delivery')
  const client = bareClient(FIREHOSE, s3.endpoint)
  await client.sendOnce('CreateDeliveryStream', {
    DeliveryStreamName: name,
    DeliveryStreamType: 'DirectPut',
    ExtendedS3DestinationConfiguration: {
      BucketARN: `arn:aws:s3:::${bucket}`,
      RoleARN: 'arn:aws:iam::123456789012:role/delivery',
    },
  })
  client.close()
  return { bucket, name }
}

/** The lines of all objects in a bucket; each object ends with one. */
export async function linesIn(s3: TestS3, bucket: string): Promise<string[]> {
  const store = s3.store(bucket)
  const lines: string[] = []
  for await (const { key } of store.list('')) {
    const text = Buffer.from((await store.get(key))!.body).toString()
    if (!text.endsWith('\n')) throw new Error(`${key} ends within a line: ${text.slice(-80)}`)
    lines.push(...text.slice(0, -1).split('\n'))
  }
  return lines
}
