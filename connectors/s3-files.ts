import { matchesGlob } from 'node:path/posix'
import type { CheckedAwsConnection } from '../runtime/aws/aws-connection.ts'
import { S3Store } from '../runtime/aws/s3-store.ts'
import { parseS3Url } from '../runtime/aws/s3-url.ts'
import { type Clock, SystemRandom } from '../runtime/clock.ts'
import type { ObjectStore } from '../runtime/object-store.ts'
import { missingInput } from './file-errors.ts'
import { GLOB_CHARACTERS, type InputFile, type InputFiles } from './input-files.ts'

/** What is asked for in one request of a stream: with less the way to S3 takes longer than the bytes. */
const RANGE_BYTES = 4 * 1024 * 1024

/** What input files in S3 need. */
export interface S3FilesOptions {
  readonly connection: CheckedAwsConnection
  readonly clock: Clock
  /** The uid of the source, for messages. */
  readonly operator: string
}

/**
 * Objects of S3 as input files. The paths are `s3://bucket/key`; folders are what stands before a slash.
 *
 * Of an object that is replaced while it is read the parts do not fit together: objects are to be written once.
 */
export class S3Files implements InputFiles {
  readonly #options: S3FilesOptions
  readonly #stores: Map<string, ObjectStore> = new Map()

  constructor(options: S3FilesOptions) {
    this.#options = options
  }

  async find(path: string): Promise<readonly string[]> {
    const { bucket, prefix } = placeOf(path)
    const store = this.#storeOf(bucket)
    if (!path.endsWith('/') && prefix !== '' && (await store.head(prefix)) !== undefined) {
      return [path]
    }
    const isGlob = GLOB_CHARACTERS.test(prefix)
    const begin = isGlob ? prefix.slice(0, prefix.search(GLOB_CHARACTERS)) : folder(prefix)
    const level = isOneLevel(prefix.slice(begin.length)) ? await store.listLevel(begin) : undefined
    const keys: string[] = []
    for await (const { key } of level?.objects ?? store.list(begin)) {
      const fromFolder = key.slice(begin.lastIndexOf('/') + 1)
      // A key that ends with a slash is a folder as consoles make it.
      const isHidden = fromFolder.split('/').some((part) => part.startsWith('.'))
      const isWanted = !isGlob || matchesGlob(key, prefix)
      if (isWanted && !isHidden && !key.endsWith('/')) keys.push(key)
    }
    const isThere = level === undefined || level.objects.length + level.folders.length > 0
    if (!isThere && !isGlob) throw missingInput(path)
    return keys.map((key) => `s3://${bucket}/${key}`)
  }

  async open(path: string): Promise<InputFile> {
    const { bucket, prefix: key } = placeOf(path)
    const store = this.#storeOf(bucket)
    const head = await store.head(key)
    if (head === undefined) throw missingInput(path)
    return new S3File(store, key, head.bytes)
  }

  close(): void {
    for (const store of this.#stores.values()) store.close()
  }

  #storeOf(bucket: string): ObjectStore {
    let store = this.#stores.get(bucket)
    if (store === undefined) {
      const random = new SystemRandom()
      store = new S3Store({ ...this.#options, bucket, random, from: 'fileSource()' })
      this.#stores.set(bucket, store)
    }
    return store
  }
}

class S3File implements InputFile {
  readonly size: number
  readonly #store: ObjectStore
  readonly #key: string

  constructor(store: ObjectStore, key: string, size: number) {
    this.#store = store
    this.#key = key
    this.size = size
  }

  async read(offset: number, length: number): Promise<Buffer> {
    const bytes = (await this.#store.read(this.#key, offset, length)) ?? new Uint8Array(0)
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** The next range is asked for while this one is read. */
  async *stream(from: number, to: number): AsyncGenerator<Buffer> {
    const range = (at: number) => this.read(at, Math.min(RANGE_BYTES, to - at))
    let position = from
    let next: Promise<Buffer> | undefined
    try {
      while (position < to) {
        const chunk = await (next ?? range(position))
        next = undefined
        if (chunk.length === 0) return
        position += chunk.length
        if (position < to) next = range(position)
        yield chunk
      }
    } finally {
      // Nobody waits for it any more, nor for its failure.
      next?.catch(() => {})
    }
  }

  async close(): Promise<void> {}
}

function placeOf(path: string): { readonly bucket: string; readonly prefix: string } {
  return parseS3Url(path, 'fileSource(): path', 'MR_SOURCE_INVALID')
}

/** Whether what a folder or glob means, behind the part of it that has no such characters, is all at one level. */
function isOneLevel(rest: string): boolean {
  return !rest.includes('/') && !rest.includes('**')
}

/** A prefix as that of a folder. */
function folder(prefix: string): string {
  return prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`
}
