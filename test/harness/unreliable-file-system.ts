import type { FileSystem, ReadableFile, WritableFile } from '../../runtime/file-system.ts'
import { type Call, type CallFaults, FaultInjector } from './faults.ts'

/** Any file system, with faults: calls fail before, after or halfway, are slow, or lie about having synced. */
export class UnreliableFileSystem implements FileSystem {
  readonly #inner: FileSystem
  readonly #injector: FaultInjector

  constructor(inner: FileSystem, faults: CallFaults) {
    this.#inner = inner
    this.#injector = new FaultInjector(faults)
  }

  /** All calls so far. */
  get calls(): readonly Call[] {
    return this.#injector.calls
  }

  async create(path: string): Promise<WritableFile> {
    const file = await this.#opened('create', path, () => this.#inner.create(path))
    return {
      write: (chunk) =>
        this.#injector.pass(
          { kind: 'write', path },
          {
            whole: () => file.write(chunk),
            half: () => file.write(chunk.subarray(0, chunk.byteLength >> 1)),
          },
        ),
      sync: () => this.#sync('sync', path, () => file.sync()),
      close: () => this.#close(path, () => file.close()),
    }
  }

  rename(from: string, to: string): Promise<void> {
    return this.#pass('rename', from, () => this.#inner.rename(from, to))
  }

  link(from: string, to: string): Promise<void> {
    return this.#pass('link', to, () => this.#inner.link(from, to))
  }

  unlink(path: string): Promise<void> {
    return this.#pass('unlink', path, () => this.#inner.unlink(path))
  }

  makeDirectory(path: string): Promise<boolean> {
    return this.#pass('makeDirectory', path, () => this.#inner.makeDirectory(path))
  }

  removeDirectory(path: string): Promise<void> {
    return this.#pass('removeDirectory', path, () => this.#inner.removeDirectory(path))
  }

  syncDirectory(path: string): Promise<void> {
    return this.#sync('syncDirectory', path, () => this.#inner.syncDirectory(path))
  }

  list(path: string): Promise<readonly string[]> {
    return this.#pass('list', path, () => this.#inner.list(path))
  }

  size(path: string): Promise<number | undefined> {
    return this.#pass('size', path, () => this.#inner.size(path))
  }

  read(path: string, offset: number, length: number): Promise<Uint8Array> {
    return this.#pass('read', path, () => this.#inner.read(path, offset, length))
  }

  async open(path: string): Promise<ReadableFile> {
    const file = await this.#opened('open', path, () => this.#inner.open(path))
    return {
      read: (offset, length) => this.#pass('read', path, () => file.read(offset, length)),
      readSync: (offset, target) =>
        this.#injector.passSync({ kind: 'read', path }, () => file.readSync(offset, target)),
      close: () => this.#close(path, () => file.close()),
    }
  }

  /** A file that could not be closed is closed all the same. */
  async #close(path: string, close: () => Promise<void>): Promise<void> {
    try {
      await this.#pass('close', path, async () => {})
    } finally {
      await close()
    }
  }

  #pass<T>(kind: string, path: string, whole: () => Promise<T>): Promise<T> {
    return this.#injector.pass({ kind, path }, { whole })
  }

  /** Whoever is told that it has failed will not close it. */
  async #opened<T extends { close(): Promise<void> }>(
    kind: string,
    path: string,
    open: () => Promise<T>,
  ): Promise<T> {
    let file: T | undefined
    try {
      return await this.#pass(kind, path, async () => (file = await open()))
    } catch (error) {
      await file?.close()
      throw error
    }
  }

  #sync(kind: string, path: string, whole: () => Promise<void>): Promise<void> {
    return this.#injector.pass({ kind, path }, { whole, nothing: () => {} })
  }
}
