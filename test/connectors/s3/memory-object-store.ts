import { createHash } from 'node:crypto'
import { RestartableError } from '../../../runtime/errors.ts'
import {
  type ObjectHead,
  type ObjectStore,
  type OpenUpload,
  type StoredObject,
  type UploadedPart,
  UploadGone,
  WriteConflict,
  type WriteOptions,
} from '../../../runtime/object-store.ts'

const MIN_PART_BYTES = 5 * 1024 * 1024

interface MemoryObject {
  readonly body: Uint8Array
  readonly etag: string
  readonly metadata: Readonly<Record<string, string>>
}

interface MemoryUpload extends OpenUpload {
  readonly metadata: Readonly<Record<string, string>>
  readonly parts: Map<number, { readonly body: Uint8Array; readonly etag: string }>
}

/** What becomes of a call: it is done, fails before or after it is done, or waits. */
export type Fate = 'done' | 'fails' | 'done, then fails'

/** What writes. */
export type StoreCall =
  'put' | 'delete' | 'createUpload' | 'uploadPart' | 'completeUpload' | 'abortUpload'

/** A bucket in memory, with faults, that outlives those who use it. */
export class MemoryBucket {
  readonly objects: Map<string, MemoryObject> = new Map()
  readonly uploads: Map<string, MemoryUpload> = new Map()
  readonly calls: string[] = []
  /** Decides about each call that writes. */
  fate: (call: StoreCall, key: string) => Fate | Promise<Fate> = () => 'done'
  #ids = 0

  store(): ObjectStore {
    return new MemoryObjectStore(this)
  }

  nextId(): string {
    return `upload-${++this.#ids}`
  }

  text(key: string): string {
    return Buffer.from(this.objects.get(key)!.body).toString()
  }

  get keys(): readonly string[] {
    return [...this.objects.keys()].sort()
  }

  async call<R>(call: StoreCall, key: string, work: () => R): Promise<R> {
    this.calls.push(call)
    const fate = await this.fate(call, key)
    if (fate === 'fails') throw failed(call)
    const result = work()
    if (fate === 'done, then fails') throw failed(call)
    return result
  }
}

function failed(call: string): RestartableError {
  return new RestartableError('MR_AWS_UNAVAILABLE', `${call} of the test failed`)
}

class MemoryObjectStore implements ObjectStore {
  readonly #bucket: MemoryBucket

  constructor(bucket: MemoryBucket) {
    this.#bucket = bucket
  }

  put(key: string, body: Uint8Array, options: WriteOptions = {}): Promise<string> {
    const { condition, metadata = {} } = options
    const { objects } = this.#bucket
    return this.#bucket.call('put', key, () => {
      const there = objects.get(key)
      if (condition !== undefined) {
        const holds =
          'ifAbsent' in condition ? there === undefined : there?.etag === condition.ifEtag
        if (!holds) throw new WriteConflict(key)
      }
      const etag = etagOf(body)
      objects.set(key, { body: Buffer.from(body), etag, metadata })
      return etag
    })
  }

  async get(key: string) {
    return this.#bucket.objects.get(key)
  }

  async read(key: string, offset: number, length: number) {
    return this.#bucket.objects.get(key)?.body.subarray(offset, offset + length)
  }

  async head(key: string): Promise<ObjectHead | undefined> {
    const there = this.#bucket.objects.get(key)
    return there && { ...stored(key, there), metadata: there.metadata }
  }

  async *list(prefix: string, after = ''): AsyncIterable<StoredObject> {
    const { objects } = this.#bucket
    const keys = [...objects.keys()].filter((key) => key.startsWith(prefix))
    keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    for (const key of keys) if (key > after) yield stored(key, objects.get(key)!)
  }

  async listFolders(prefix: string): Promise<readonly string[]> {
    const names = new Set<string>()
    for await (const { key } of this.list(prefix)) {
      const rest = key.slice(prefix.length)
      if (rest.includes('/')) names.add(rest.slice(0, rest.indexOf('/')))
    }
    return [...names]
  }

  delete(keys: readonly string[]): Promise<void> {
    return this.#bucket.call('delete', keys[0] ?? '', () => {
      for (const key of keys) this.#bucket.objects.delete(key)
    })
  }

  createUpload(key: string, { metadata = {} }: WriteOptions = {}): Promise<string> {
    return this.#bucket.call('createUpload', key, () => {
      const uploadId = this.#bucket.nextId()
      this.#bucket.uploads.set(uploadId, { key, uploadId, metadata, parts: new Map() })
      return uploadId
    })
  }

  uploadPart(upload: OpenUpload, partNumber: number, body: Uint8Array): Promise<string> {
    return this.#bucket.call('uploadPart', upload.key, () => {
      const etag = etagOf(body)
      this.#upload(upload).parts.set(partNumber, { body: Buffer.from(body), etag })
      return etag
    })
  }

  completeUpload(upload: OpenUpload, parts: readonly UploadedPart[]): Promise<void> {
    const { objects, uploads } = this.#bucket
    return this.#bucket.call('completeUpload', upload.key, () => {
      const { key, uploadId, metadata, parts: there } = this.#upload(upload)
      if (parts.length === 0) throw new Error('MalformedXML')
      const bodies = parts.map(({ partNumber, etag }, i) => {
        const part = there.get(partNumber)
        if (part?.etag !== etag) throw new Error('InvalidPart')
        const isSmall = i < parts.length - 1 && part.body.byteLength < MIN_PART_BYTES
        if (isSmall) throw new Error('EntityTooSmall')
        return part.body
      })
      uploads.delete(uploadId)
      const body = Buffer.concat(bodies)
      objects.set(key, { body, etag: `${etagOf(body)}-${parts.length}`, metadata })
    })
  }

  abortUpload({ key, uploadId }: OpenUpload): Promise<void> {
    return this.#bucket.call('abortUpload', key, () => {
      this.#bucket.uploads.delete(uploadId)
    })
  }

  async listUploads(prefix: string): Promise<readonly OpenUpload[]> {
    return [...this.#bucket.uploads.values()]
      .filter(({ key }) => key.startsWith(prefix))
      .map(({ key, uploadId }) => ({ key, uploadId }))
  }

  close(): void {}

  #upload({ key, uploadId }: OpenUpload): MemoryUpload {
    const upload = this.#bucket.uploads.get(uploadId)
    if (upload?.key !== key) throw new UploadGone(key)
    return upload
  }
}

function stored(key: string, { body, etag }: MemoryObject): StoredObject {
  return { key, bytes: body.byteLength, etag, modifiedAt: Date.now() }
}

function etagOf(body: Uint8Array): string {
  return `"${createHash('md5').update(body).digest('hex')}"`
}
