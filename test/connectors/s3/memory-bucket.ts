import { RestartableError } from '../../../runtime/errors.ts'
import type { ObjectStore } from '../../../runtime/object-store.ts'
import {
  type KeptObject,
  MemoryObjectStore,
  type OpenParts,
} from '../../harness/memory-object-store.ts'

const MIN_PART_BYTES = 5 * 1024 * 1024

/** What becomes of a call: it is done, fails before or after it is done, or waits. */
export type Fate = 'done' | 'fails' | 'done, then fails'

/** What writes. */
export type StoreCall =
  'put' | 'delete' | 'createUpload' | 'uploadPart' | 'completeUpload' | 'abortUpload'

/** A bucket in memory, with faults, that outlives those who use it. */
export class MemoryBucket {
  readonly #memory: MemoryObjectStore = new MemoryObjectStore({ minPartBytes: MIN_PART_BYTES })
  readonly calls: string[] = []
  /** Decides about each call that writes. */
  fate: (call: StoreCall, key: string) => Fate | Promise<Fate> = () => 'done'

  get objects(): ReadonlyMap<string, KeptObject> {
    return this.#memory.objects
  }

  /** Those that are open, by id. */
  get uploads(): Map<string, OpenParts> {
    return this.#memory.uploads
  }

  get keys(): readonly string[] {
    return [...this.objects.keys()].sort()
  }

  text(key: string): string {
    return Buffer.from(this.objects.get(key)!.body).toString()
  }

  store(): ObjectStore {
    const memory = this.#memory
    return {
      get: (key) => memory.get(key),
      read: (key, offset, length) => memory.read(key, offset, length),
      head: (key) => memory.head(key),
      list: (prefix, after) => memory.list(prefix, after),
      listLevel: (prefix) => memory.listLevel(prefix),
      listUploads: (prefix) => memory.listUploads(prefix),
      put: (key, body, options) => this.#call('put', key, () => memory.put(key, body, options)),
      delete: (keys) => this.#call('delete', keys[0] ?? '', () => memory.delete(keys)),
      createUpload: (key, options) =>
        this.#call('createUpload', key, () => memory.createUpload(key, options)),
      uploadPart: (upload, partNumber, body) =>
        this.#call('uploadPart', upload.key, () => memory.uploadPart(upload, partNumber, body)),
      completeUpload: (upload, parts) =>
        this.#call('completeUpload', upload.key, () => memory.completeUpload(upload, parts)),
      abortUpload: (upload) =>
        this.#call('abortUpload', upload.key, () => memory.abortUpload(upload)),
      close() {},
    }
  }

  async #call<R>(call: StoreCall, key: string, work: () => Promise<R>): Promise<R> {
    this.calls.push(call)
    const fate = await this.fate(call, key)
    if (fate === 'fails') throw failed(call)
    const result = await work()
    if (fate === 'done, then fails') throw failed(call)
    return result
  }
}

function failed(call: string): RestartableError {
  return new RestartableError('MR_AWS_UNAVAILABLE', `${call} of the test failed`)
}
