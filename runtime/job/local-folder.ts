import { resolve } from 'node:path'
import { isS3Url, parseS3Url } from '../aws/s3-url.ts'

/** Where the working state of jobs is whose state is in S3. */
export const DEFAULT_WORK = '.millrace/s3'

/**
 * The folder on this machine in which a job of `dir` has a folder of its own: `dir` itself, or for a place in S3 one below
 * `work`, which no other place has.
 */
export function localFolderOf(dir: string, work: string = DEFAULT_WORK): string {
  if (!isS3Url(dir)) return resolve(dir)
  const { bucket, prefix } = parseS3Url(dir, 'Option dir', 'MR_OPTION_INVALID')
  const names = [bucket, ...(prefix === '' ? [] : prefix.split('/'))]
  // One name a place: a job may be called as the prefix of another one goes on.
  return resolve(work, names.map(encodeURIComponent).join('+'))
}
