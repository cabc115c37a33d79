import type { KeyRange } from '../../runtime/state/snapshot-format.ts'
import type { PendingWrite, SpillBulk, SpillStore, StoredEntry } from '../../runtime/state/spill.ts'
import { hex, turn } from '../contract/state-harness.ts'

/** A store whose writes land when the test says so. */
export class SlowStore implements SpillStore {
  readonly landed: Map<string, Uint8Array> = new Map()
  readonly batches: PendingWrite[][] = []
  reads = 0
  #waiting: { land: () => void; fail: (error: unknown) => void }[] = []

  async prepare(): Promise<void> {}

  async open(): Promise<void> {}

  bulk(): SpillBulk {
    const changes: PendingWrite[] = []
    // Who puts may use its bytes again.
    const add = (key: Uint8Array, value: Uint8Array | undefined): void =>
      void changes.push({ number: 0, cell: undefined, key: key.slice(), value: value?.slice() })
    return {
      put: add,
      del: (key) => add(key, undefined),
      write: () => this.write(changes),
      async close() {},
    }
  }

  read(key: Uint8Array): Uint8Array | undefined {
    this.reads++
    return this.landed.get(hex(key))
  }

  async keys(range: KeyRange, limit: number): Promise<readonly Uint8Array[]> {
    return this.#keysIn(range, limit)
  }

  /** What is there at one moment. */
  async entries(range: KeyRange, limit: number): Promise<readonly StoredEntry[]> {
    return this.#keysIn(range, limit).map((key) => [key, this.landed.get(hex(key))!])
  }

  #keysIn({ after, before }: KeyRange, limit: number): Uint8Array[] {
    const keys = [...this.landed.keys()].filter((key) => key > hex(after) && key < hex(before))
    return keys
      .sort()
      .slice(0, limit)
      .map((key) => Buffer.from(key, 'hex'))
  }

  async compact(): Promise<void> {}

  write(writes: readonly PendingWrite[]): Promise<void> {
    this.batches.push([...writes])
    return new Promise((resolve, reject) => {
      const land = (): void => {
        for (const { key, value } of writes) {
          if (value === undefined) this.landed.delete(hex(key))
          else this.landed.set(hex(key), value)
        }
        resolve()
      }
      this.#waiting.push({ land, fail: reject })
    })
  }

  async land(): Promise<void> {
    for (const { land } of this.#waiting.splice(0)) land()
    await turn()
  }

  async fail(error: unknown): Promise<void> {
    for (const { fail } of this.#waiting.splice(0)) fail(error)
    await turn()
  }

  async close(): Promise<void> {}
}

/** A store that takes from one to four turns for a batch. */
export class LaggingStore extends SlowStore {
  #writes = 0

  override async write(writes: readonly PendingWrite[]): Promise<void> {
    const written = super.write(writes)
    for (let turns = ++this.#writes % 4; turns > 0; turns--) await turn()
    await this.land()
    await written
  }
}
