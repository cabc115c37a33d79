import type {
  CheckpointStorage,
  PinnedFile,
  StorageWriter,
  StoredFile,
} from '../../runtime/checkpoint/checkpoint-storage.ts'
import type { CheckpointManifest } from '../../runtime/checkpoint/manifest.ts'
import { storageFailure } from '../../runtime/checkpoint/storage-errors.ts'
import { type CallFaults, FaultInjector, systemError } from './faults.ts'

/** Any checkpoint storage, with faults: calls fail before or after they have done what they do, or are slow. */
export class UnreliableStorage implements CheckpointStorage {
  readonly #inner: CheckpointStorage
  readonly #injector: FaultInjector

  constructor(inner: CheckpointStorage, faults: CallFaults) {
    this.#inner = inner
    this.#injector = new FaultInjector({
      // As every storage tells it.
      failure: (code, { kind, path }) =>
        storageFailure(systemError(code, path), {
          path,
          what: 'What a checkpoint needs',
          verb: `done (${kind})`,
        }) as Error,
      ...faults,
    })
  }

  reserveId(above: number): Promise<number> {
    return this.#pass('reserveId', 'the storage', () => this.#inner.reserveId(above))
  }

  async create(checkpointId: number, name: string): Promise<StorageWriter> {
    const writer = await this.#pass('create', name, () => this.#inner.create(checkpointId, name))
    return {
      name: writer.name,
      write: (chunk) => this.#pass('write', writer.name, () => writer.write(chunk)),
      finish: () => this.#pass('finish', writer.name, () => writer.finish()),
      // It never fails: what it leaves is removed later.
      abort: () => writer.abort(),
    }
  }

  read(name: string, offset: number, length: number): Promise<Uint8Array> {
    return this.#pass('read', name, () => this.#inner.read(name, offset, length))
  }

  stat(name: string): Promise<StoredFile | undefined> {
    return this.#pass('stat', name, () => this.#inner.stat(name))
  }

  async pin(name: string): Promise<PinnedFile> {
    const file = await this.#pass('pin', name, () => this.#inner.pin!(name))
    return {
      read: (offset, length) => this.#pass('read', name, () => file.read(offset, length)),
      readSync: (offset, target) =>
        this.#injector.passSync({ kind: 'read', path: name }, () => file.readSync(offset, target)),
      close: () => file.close(),
    }
  }

  publish(manifest: CheckpointManifest): Promise<number> {
    const path = `checkpoint ${manifest.checkpointId}`
    return this.#pass('publish', path, () => this.#inner.publish(manifest))
  }

  list(): Promise<readonly number[]> {
    return this.#pass('list', 'the storage', () => this.#inner.list())
  }

  readManifest(checkpointId: number): Promise<CheckpointManifest> {
    const path = `checkpoint ${checkpointId}`
    return this.#pass('readManifest', path, () => this.#inner.readManifest(checkpointId))
  }

  retain(kept: readonly CheckpointManifest[], spared: readonly string[]): Promise<void> {
    return this.#pass('retain', 'the storage', () => this.#inner.retain(kept, spared))
  }

  discard(upTo: number): Promise<void> {
    return this.#pass('discard', 'the storage', () => this.#inner.discard(upTo))
  }

  #pass<T>(kind: string, path: string, whole: () => Promise<T>): Promise<T> {
    return this.#injector.pass({ kind, path }, { whole })
  }
}
