import { createHash } from 'node:crypto'
import {
  type ObjectHead,
  type ObjectLevel,
  type ObjectStore,
  type OpenUpload,
  type StoredObject,
  type UploadedPart,
  UploadGone,
  WriteConflict,
  type WriteOptions,
} from '../../runtime/object-store.ts'

/** An object as it is kept. */
export interface KeptObject {
  readonly body: Uint8Array
  readonly etag: string
  readonly modifiedAt: number
  readonly metadata: Readonly<Record<string, string>>
}

/** An upload that is open, and its parts. */
export interface OpenParts {
  readonly key: string
  readonly options: WriteOptions
  readonly parts: Map<number, { readonly body: Uint8Array; readonly etag: string }>
}

/** Objects in memory. As in S3, an etag is the hash of the content: what was there before comes again with the same one. */
export class MemoryObjectStore implements ObjectStore {
  readonly objects: Map<string, KeptObject> = new Map()
  /** By id. */
  readonly uploads: Map<string, OpenParts> = new Map()
  readonly #minPartBytes: number
  #begun = 0

  /** `minPartBytes`: of all parts but the last, 5 MiB in S3. Default: any. */
  constructor({ minPartBytes = 0 }: { readonly minPartBytes?: number } = {}) {
    this.#minPartBytes = minPartBytes
  }

  async put(key: string, body: Uint8Array, options: WriteOptions = {}): Promise<string> {
    const { condition } = options
    const there = this.objects.get(key)
    if (condition !== undefined) {
      const holds = 'ifAbsent' in condition ? there === undefined : there?.etag === condition.ifEtag
      if (!holds) throw new WriteConflict(key)
    }
    return this.#keep(key, body.slice(), options)
  }

  async get(
    key: string,
  ): Promise<{ readonly body: Uint8Array; readonly etag: string } | undefined> {
    const found = this.objects.get(key)
    return found && { body: found.body.slice(), etag: found.etag }
  }

  async read(key: string, offset: number, length: number): Promise<Uint8Array | undefined> {
    return this.objects.get(key)?.body.slice(offset, offset + length)
  }

  async head(key: string): Promise<ObjectHead | undefined> {
    const found = this.objects.get(key)
    return found && { ...listed(key, found), metadata: found.metadata }
  }

  async *list(prefix: string, after = ''): AsyncIterable<StoredObject> {
    const keys = [...this.objects.keys()]
      .filter((key) => key.startsWith(prefix) && compare(key, after) > 0)
      .toSorted(compare)
    for (const key of keys) {
      const found = this.objects.get(key)
      if (found !== undefined) yield listed(key, found)
    }
  }

  /** At one moment, as a store answers; `list` goes on while others write. */
  async listLevel(prefix: string): Promise<ObjectLevel> {
    const objects: StoredObject[] = []
    const folders = new Set<string>()
    for (const [key, found] of this.objects) {
      if (!key.startsWith(prefix)) continue
      const end = key.indexOf('/', prefix.length)
      if (end < 0) objects.push(listed(key, found))
      else folders.add(key.slice(prefix.length, end))
    }
    return {
      objects: objects.toSorted((one, other) => compare(one.key, other.key)),
      folders: [...folders].toSorted(compare),
    }
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) this.objects.delete(key)
  }

  async createUpload(key: string, options: Omit<WriteOptions, 'condition'> = {}): Promise<string> {
    const uploadId = `upload-${++this.#begun}`
    this.uploads.set(uploadId, { key, options, parts: new Map() })
    return uploadId
  }

  async uploadPart(upload: OpenUpload, partNumber: number, body: Uint8Array): Promise<string> {
    const etag = etagOf(body)
    this.#upload(upload).parts.set(partNumber, { body: body.slice(), etag })
    return etag
  }

  async completeUpload(upload: OpenUpload, parts: readonly UploadedPart[]): Promise<void> {
    const { key, options, parts: there } = this.#upload(upload)
    const bodies = parts
      .toSorted((a, b) => a.partNumber - b.partNumber)
      .map(({ partNumber, etag }, i) => {
        const part = there.get(partNumber)
        if (part?.etag !== etag) throw new Error(`part ${partNumber} of ${key} is not that one`)
        const isLast = i === parts.length - 1
        if (!isLast && part.body.byteLength < this.#minPartBytes)
          throw new Error(`part ${partNumber} of ${key} is too small`)
        return part.body
      })
    if (bodies.length === 0) throw new Error(`there are no parts of ${key}`)
    this.uploads.delete(upload.uploadId)
    this.#keep(key, Buffer.concat(bodies), options)
  }

  async abortUpload({ uploadId }: OpenUpload): Promise<void> {
    this.uploads.delete(uploadId)
  }

  async listUploads(prefix: string): Promise<readonly OpenUpload[]> {
    return [...this.uploads]
      .map(([uploadId, { key }]) => ({ key, uploadId }))
      .filter(({ key }) => key.startsWith(prefix))
  }

  close(): void {}

  #keep(key: string, body: Uint8Array, { metadata = {} }: WriteOptions): string {
    const etag = etagOf(body)
    this.objects.set(key, { body, etag, modifiedAt: Date.now(), metadata })
    return etag
  }

  #upload({ key, uploadId }: OpenUpload): OpenParts {
    const found = this.uploads.get(uploadId)
    if (found?.key !== key) throw new UploadGone(key)
    return found
  }
}

function listed(key: string, { body, etag, modifiedAt }: KeptObject): StoredObject {
  return { key, bytes: body.byteLength, etag, modifiedAt }
}

function etagOf(body: Uint8Array): string {
  return `"${createHash('md5').update(body).digest('hex')}"`
}

function compare(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
