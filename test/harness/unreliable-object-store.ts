import type {
  ObjectHead,
  ObjectLevel,
  ObjectStore,
  OpenUpload,
  StoredObject,
  UploadedPart,
  WriteOptions,
} from '../../runtime/object-store.ts'
import { type Call, type CallFaults, FaultInjector } from './faults.ts'

/** Any object store, with faults: calls fail before or after they have done what they do, or are slow. */
export class UnreliableObjectStore implements ObjectStore {
  readonly #inner: ObjectStore
  readonly #injector: FaultInjector

  constructor(inner: ObjectStore, faults: CallFaults) {
    this.#inner = inner
    this.#injector = new FaultInjector(faults)
  }

  /** All calls so far. */
  get calls(): readonly Call[] {
    return this.#injector.calls
  }

  put(key: string, body: Uint8Array, options?: WriteOptions): Promise<string> {
    // Whoever wrote it uses the memory again when it is told that it is done.
    return this.#pass('put', key, () => this.#inner.put(key, body, options))
  }

  get(key: string): Promise<{ readonly body: Uint8Array; readonly etag: string } | undefined> {
    return this.#pass('get', key, () => this.#inner.get(key))
  }

  read(key: string, offset: number, length: number): Promise<Uint8Array | undefined> {
    return this.#pass('read', key, () => this.#inner.read(key, offset, length))
  }

  head(key: string): Promise<ObjectHead | undefined> {
    return this.#pass('head', key, () => this.#inner.head(key))
  }

  async *list(prefix: string, after?: string): AsyncIterable<StoredObject> {
    yield* await this.#pass('list', prefix, async () => {
      const all: StoredObject[] = []
      for await (const one of this.#inner.list(prefix, after)) all.push(one)
      return all
    })
  }

  listLevel(prefix: string): Promise<ObjectLevel> {
    return this.#pass('listLevel', prefix, () => this.#inner.listLevel(prefix))
  }

  delete(keys: readonly string[]): Promise<void> {
    return this.#injector.pass(
      { kind: 'delete', path: keys[0] ?? '' },
      {
        whole: () => this.#inner.delete(keys),
        half: () => this.#inner.delete(keys.slice(0, keys.length >> 1)),
      },
    )
  }

  createUpload(key: string, options?: Omit<WriteOptions, 'condition'>): Promise<string> {
    return this.#pass('createUpload', key, () => this.#inner.createUpload(key, options))
  }

  uploadPart(upload: OpenUpload, partNumber: number, body: Uint8Array): Promise<string> {
    return this.#pass('uploadPart', upload.key, () =>
      this.#inner.uploadPart(upload, partNumber, body),
    )
  }

  completeUpload(upload: OpenUpload, parts: readonly UploadedPart[]): Promise<void> {
    return this.#pass('completeUpload', upload.key, () => this.#inner.completeUpload(upload, parts))
  }

  abortUpload(upload: OpenUpload): Promise<void> {
    return this.#pass('abortUpload', upload.key, () => this.#inner.abortUpload(upload))
  }

  listUploads(prefix: string): Promise<readonly OpenUpload[]> {
    return this.#pass('listUploads', prefix, () => this.#inner.listUploads(prefix))
  }

  close(): void {
    this.#inner.close()
  }

  #pass<T>(kind: string, path: string, whole: () => Promise<T>): Promise<T> {
    return this.#injector.pass({ kind, path }, { whole })
  }
}
