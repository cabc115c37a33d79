import { type ErrorCode, givenText, StreamError } from '../errors.ts'

/** A place in S3: `s3://bucket/prefix`. */
export interface S3Place {
  readonly bucket: string
  /** Without a slash at either end; empty for the whole bucket. */
  readonly prefix: string
}

/** Whether a path means S3. */
export function isS3Url(path: string): boolean {
  return path.startsWith('s3://')
}

/** Reads `s3://bucket/prefix`; `where` is the option that it was given for, and `code` what a mistake fails with. */
export function parseS3Url(url: string, where: string, code: ErrorCode): S3Place {
  const match = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/s.exec(url)
  const prefix = (match?.[2] ?? '').replace(/\/+$/, '')
  const isKey = prefix
    .split('/')
    .every((part) => (prefix === '' || part !== '') && part !== '.' && part !== '..')
  if (match === null || !isKey) {
    throw new StreamError(
      code,
      `${where} is ${givenText(url)}, which is no place in S3; nothing can be read or written there; give s3://BUCKET/PREFIX, with a ` +
        `bucket of 3 to 63 lower-case letters, digits, dots and dashes, and a prefix without empty parts.`,
      { url },
    )
  }
  return { bucket: match[1]!, prefix }
}

/** A key under a place. */
export function keyIn({ prefix }: S3Place, name: string): string {
  return prefix === '' ? name : `${prefix}/${name}`
}
