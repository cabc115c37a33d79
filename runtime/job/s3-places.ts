import { checkAwsConnection } from '../aws/aws-connection.ts'
import { endpointOf } from '../aws/aws-endpoint.ts'
import { S3, S3Store } from '../aws/s3-store.ts'
import { parseS3Url } from '../aws/s3-url.ts'
import type { ObjectPlace } from '../checkpoint/object-files.ts'
import { SystemClock, SystemRandom } from '../clock.ts'

/** By endpoint and bucket: one client for all that a thread does with it. Idle connections keep no process alive. */
const stores: Map<string, S3Store> = new Map()

/**
 * The place that `s3://bucket/prefix` means, with region, credentials and endpoint as the SDK finds them in the environment.
 * Fails with `MR_OPTION_INVALID` for what is no such place, and with `MR_DEPENDENCY_MISSING` without the package.
 */
export function openS3Place(url: string): ObjectPlace {
  const { bucket, prefix } = parseS3Url(url, 'The place of snapshots', 'MR_OPTION_INVALID')
  const endpoint = endpointOf(S3.name, undefined, process.env)
  const key = `${endpoint ?? ''} ${bucket}`
  let store = stores.get(key)
  if (store === undefined) {
    store = new S3Store({
      bucket,
      connection: checkAwsConnection({}, 's3://', 'MR_OPTION_INVALID'),
      clock: new SystemClock(),
      random: new SystemRandom(),
      operator: 'checkpoints',
      from: 's3://',
    })
    stores.set(key, store)
  }
  return { store, prefix, url: prefix === '' ? `s3://${bucket}` : `s3://${bucket}/${prefix}` }
}
