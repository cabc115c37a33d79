import type { Clock, Random } from '../clock.ts'
import { freeBytes } from '../free-bytes.ts'
import {
  type ObjectHead,
  type ObjectLevel,
  type ObjectStore,
  type OpenUpload,
  type StoredObject,
  type UploadedPart,
  UploadGone,
  type WriteCondition,
  WriteConflict,
  type WriteOptions,
} from '../object-store.ts'
import { AwsClient, type AwsService } from './aws-client.ts'
import type { CheckedAwsConnection } from './aws-connection.ts'
import { endpointOf } from './aws-endpoint.ts'
import { mayPassAws, type SdkError } from './aws-errors.ts'

export const S3: AwsService = { name: 'S3', package: '@aws-sdk/client-s3', client: 'S3Client' }

/** S3 takes so many keys in one request to delete. */
const DELETE_KEYS = 1_000

/** What an S3 store is made of. */
export interface S3StoreOptions {
  readonly bucket: string
  readonly connection: CheckedAwsConnection
  readonly clock: Clock
  readonly random: Random
  /** The uid of the operator, for messages. */
  readonly operator: string
  /** What needs the package, such as `s3Sink()`. */
  readonly from: string
  /** Added to each object that is written, in the names of the API, such as `{ StorageClass: 'STANDARD_IA' }`. */
  readonly settings?: Readonly<Record<string, unknown>>
  /** Connections at once. Default 50. */
  readonly maxSockets?: number
}

interface ListedObject {
  readonly Key: string
  readonly Size: number
  readonly ETag: string
  readonly LastModified: Date
}

interface ListOutput {
  readonly Contents?: readonly ListedObject[]
  readonly CommonPrefixes?: readonly { readonly Prefix: string }[]
  readonly IsTruncated?: boolean
  readonly NextContinuationToken?: string
}

interface ReadOutput {
  readonly ETag: string
  readonly Body: { transformToByteArray(): Promise<Uint8Array> }
}

interface HeadOutput {
  readonly ContentLength: number
  readonly ETag: string
  readonly LastModified: Date
  readonly Metadata?: Readonly<Record<string, string>>
}

/**
 * The objects of one bucket of S3, or of a service with its API.
 *
 * With an `endpoint` the bucket stands in the path of the address, which every such service takes.
 */
export class S3Store implements ObjectStore {
  readonly #bucket: string
  readonly #client: AwsClient
  readonly #settings: Readonly<Record<string, unknown>>

  constructor(options: S3StoreOptions) {
    const { bucket, settings = {}, ...client } = options
    this.#bucket = bucket
    this.#settings = settings
    const forcePathStyle =
      endpointOf(S3.name, options.connection.endpoint, process.env) !== undefined
    this.#client = new AwsClient({ ...client, service: S3, settings: { forcePathStyle } })
  }

  async put(key: string, body: Uint8Array, options: WriteOptions = {}): Promise<string> {
    const { condition } = options
    let isUncertain = false
    try {
      const { ETag } = await this.#send<{ readonly ETag: string }>(
        'PutObject',
        `write ${this.#url(key)}`,
        { ...this.#written(key, options), ...conditionInput(condition), Body: body },
        (error) => {
          // Of a try without an answer nobody knows whether it was done.
          isUncertain ||= mayPassAws(error)
          return condition !== undefined && isConflict(error)
        },
      )
      return ETag
    } catch (error) {
      if (!isConflict(error as SdkError)) throw error
      if (isUncertain) {
        const there = await this.get(key)
        if (there !== undefined && Buffer.compare(there.body, body) === 0) return there.etag
      }
      throw new WriteConflict(key)
    }
  }

  async get(
    key: string,
  ): Promise<{ readonly body: Uint8Array; readonly etag: string } | undefined> {
    return this.#read(key, {})
  }

  async read(key: string, offset: number, length: number): Promise<Uint8Array | undefined> {
    if (length === 0) return (await this.head(key)) === undefined ? undefined : new Uint8Array(0)
    const range = { Range: `bytes=${offset}-${offset + length - 1}` }
    const found = await this.#read(key, range)
    return found?.body
  }

  async head(key: string): Promise<ObjectHead | undefined> {
    try {
      const found = await this.#send<HeadOutput>(
        'HeadObject',
        `look at ${this.#url(key)}`,
        { Key: key },
        isAbsent,
      )
      return {
        key,
        bytes: found.ContentLength,
        etag: found.ETag,
        modifiedAt: found.LastModified.getTime(),
        metadata: found.Metadata ?? {},
      }
    } catch (error) {
      if (isAbsent(error as SdkError)) return undefined
      throw error
    }
  }

  async *list(prefix: string, after?: string): AsyncIterable<StoredObject> {
    const input = { Prefix: prefix, ...(after === undefined ? {} : { StartAfter: after }) }
    for await (const page of this.#pages(prefix, input)) {
      for (const found of page.Contents ?? []) yield storedObject(found)
    }
  }

  async listLevel(prefix: string): Promise<ObjectLevel> {
    const objects: StoredObject[] = []
    const folders: string[] = []
    for await (const page of this.#pages(prefix, { Prefix: prefix, Delimiter: '/' })) {
      objects.push(...(page.Contents ?? []).map(storedObject))
      folders.push(
        ...(page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix.slice(prefix.length, -1)),
      )
    }
    return { objects, folders }
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (let at = 0; at < keys.length; at += DELETE_KEYS) {
      const some = keys.slice(at, at + DELETE_KEYS)
      const Objects = some.map((Key) => ({ Key }))
      const what = `remove ${this.#url(some[0]!)}${some.length > 1 ? ` and ${some.length - 1} more` : ''}`
      const { Errors = [] } = await this.#send<{
        readonly Errors?: readonly { readonly Key: string; readonly Code: string }[]
      }>('DeleteObjects', what, { Delete: { Objects, Quiet: true } })
      // Each has its own answer; one by one the reason is told, and what may pass is tried again.
      for (const { Key } of Errors) {
        await this.#send('DeleteObject', `remove ${this.#url(Key)}`, { Key })
      }
    }
  }

  async createUpload(key: string, options: Omit<WriteOptions, 'condition'> = {}): Promise<string> {
    const { UploadId } = await this.#send<{ readonly UploadId: string }>(
      'CreateMultipartUpload',
      `begin an upload of ${this.#url(key)}`,
      this.#written(key, options),
    )
    return UploadId
  }

  async uploadPart(upload: OpenUpload, partNumber: number, body: Uint8Array): Promise<string> {
    const { key, uploadId } = upload
    try {
      const { ETag } = await this.#send<{ readonly ETag: string }>(
        'UploadPart',
        `upload part ${partNumber} of ${this.#url(key)}`,
        { Key: key, UploadId: uploadId, PartNumber: partNumber, Body: body },
        isUploadGone,
      )
      freeBytes(body)
      return ETag
    } catch (error) {
      throw isUploadGone(error as SdkError) ? new UploadGone(key) : error
    }
  }

  async completeUpload(upload: OpenUpload, parts: readonly UploadedPart[]): Promise<void> {
    const { key, uploadId } = upload
    const Parts = parts.map(({ partNumber, etag }) => ({ PartNumber: partNumber, ETag: etag }))
    try {
      await this.#send(
        'CompleteMultipartUpload',
        `complete the upload of ${this.#url(key)}`,
        { Key: key, UploadId: uploadId, MultipartUpload: { Parts } },
        isUploadGone,
      )
    } catch (error) {
      throw isUploadGone(error as SdkError) ? new UploadGone(key) : error
    }
  }

  async abortUpload({ key, uploadId }: OpenUpload): Promise<void> {
    try {
      await this.#send(
        'AbortMultipartUpload',
        `end an upload of ${this.#url(key)}`,
        { Key: key, UploadId: uploadId },
        isUploadGone,
      )
    } catch (error) {
      if (!isUploadGone(error as SdkError)) throw error
    }
  }

  async listUploads(prefix: string): Promise<readonly OpenUpload[]> {
    const found: OpenUpload[] = []
    let next: { readonly KeyMarker?: string; readonly UploadIdMarker?: string } = {}
    for (;;) {
      const page = await this.#send<{
        readonly Uploads?: readonly { readonly Key: string; readonly UploadId: string }[]
        readonly IsTruncated?: boolean
        readonly NextKeyMarker?: string
        readonly NextUploadIdMarker?: string
      }>('ListMultipartUploads', `list the uploads under ${this.#url(prefix)}`, {
        Prefix: prefix,
        ...next,
      })
      for (const { Key, UploadId } of page.Uploads ?? []) {
        if (Key.startsWith(prefix)) found.push({ key: Key, uploadId: UploadId })
      }
      if (page.IsTruncated !== true || page.NextKeyMarker === undefined) return found
      next = {
        KeyMarker: page.NextKeyMarker,
        ...(page.NextUploadIdMarker === undefined
          ? {}
          : { UploadIdMarker: page.NextUploadIdMarker }),
      }
    }
  }

  close(): void {
    this.#client.close()
  }

  async *#pages(prefix: string, input: object): AsyncIterable<ListOutput> {
    let token: string | undefined
    do {
      const page: ListOutput = await this.#send('ListObjectsV2', `list ${this.#url(prefix)}`, {
        ...input,
        ...(token === undefined ? {} : { ContinuationToken: token }),
      })
      yield page
      token = page.IsTruncated === true ? page.NextContinuationToken : undefined
    } while (token !== undefined)
  }

  async #read(
    key: string,
    range: object,
  ): Promise<{ readonly body: Uint8Array; readonly etag: string } | undefined> {
    // The body comes after the answer: when it breaks off, that is as good as no answer.
    for (let left = 3; ; left--) {
      try {
        const { Body, ETag } = await this.#send<ReadOutput>(
          'GetObject',
          `read ${this.#url(key)}`,
          { Key: key, ...range },
          (error) => isAbsent(error) || isBehindEnd(error),
        )
        return { body: await Body.transformToByteArray(), etag: ETag }
      } catch (error) {
        if (isAbsent(error as SdkError)) return undefined
        if (isBehindEnd(error as SdkError)) return { body: new Uint8Array(0), etag: '' }
        if (left === 1 || !mayPassAws(error)) throw error
      }
    }
  }

  #written(key: string, options: WriteOptions): object {
    const { contentType, contentEncoding, metadata } = options
    return {
      ...this.#settings,
      Key: key,
      ...(contentType === undefined ? {} : { ContentType: contentType }),
      ...(contentEncoding === undefined ? {} : { ContentEncoding: contentEncoding }),
      ...(metadata === undefined ? {} : { Metadata: metadata }),
    }
  }

  #send<Output>(
    command: string,
    what: string,
    input: object,
    handsOn?: (error: SdkError) => boolean,
  ): Promise<Output> {
    return this.#client.send<Output>(
      command,
      { Bucket: this.#bucket, ...input },
      { what, ...(handsOn === undefined ? {} : { handsOn }) },
    )
  }

  #url(key: string): string {
    return `s3://${this.#bucket}/${key}`
  }
}

function storedObject({ Key, Size, ETag, LastModified }: ListedObject): StoredObject {
  return { key: Key, bytes: Size, etag: ETag, modifiedAt: LastModified.getTime() }
}

function conditionInput(condition: WriteCondition | undefined): object {
  if (condition === undefined) return {}
  return 'ifAbsent' in condition ? { IfNoneMatch: '*' } : { IfMatch: condition.ifEtag }
}

function statusOf(error: SdkError): number | undefined {
  return error.$metadata?.httpStatusCode
}

/** 412: it does not hold; 404: there is nothing that could have the etag. */
function isConflict(error: SdkError): boolean {
  const { name } = error
  return name === 'PreconditionFailed' || statusOf(error) === 412 || name === 'NoSuchKey'
}

/** A look at an object has no body, so no name for what is missing. */
function isAbsent(error: SdkError): boolean {
  return error.name === 'NoSuchKey' || error.name === 'NotFound'
}

function isBehindEnd(error: SdkError): boolean {
  return error.name === 'InvalidRange' || statusOf(error) === 416
}

function isUploadGone(error: SdkError): boolean {
  return error.name === 'NoSuchUpload'
}
