import { join, resolve } from 'node:path'
import { isS3Url } from '../aws/s3-url.ts'

/** A path that a user gave, as it is remembered: absolute, or `s3://bucket/prefix` without a slash at its end. */
export function resolvePlace(path: string): string {
  return isS3Url(path) ? path.replace(/\/+$/, '') : resolve(path)
}

/** A name below a place. (What is above it is told by `dirname`, which takes URLs as they are.) */
export function joinPlace(place: string, ...names: readonly string[]): string {
  return isS3Url(place) ? [place, ...names].join('/') : join(place, ...names)
}
