import type { Random } from '../../runtime/clock.ts'
import { type ObjectStore, WriteConflict, type WriteOptions } from '../../runtime/object-store.ts'
import { systemError } from './faults.ts'

/** Requests that nobody waits for any more, and that arrive at some time, or never. */
export class LateRequests {
  readonly #random: Random
  readonly #share: number
  readonly #waiting: (() => Promise<unknown>)[] = []

  /** `share`: of the writes that go wrong. */
  constructor(random: Random, share: number) {
    this.#random = random
    this.#share = share
  }

  /** The store as one client sees it: some of its writes fail without an answer, and are done before, later or never. */
  seenBy(store: ObjectStore): ObjectStore {
    const put = async (key: string, body: Uint8Array, options?: WriteOptions): Promise<string> => {
      await this.#arrive()
      if (this.#random.next() >= this.#share) return store.put(key, body, options)
      const bytes = body.slice()
      const request = () => store.put(key, bytes, options)
      const fate = this.#random.next()
      if (fate < 0.4) await request().catch(ignoreConflict)
      else if (fate < 0.8) this.#waiting.push(request)
      throw systemError('ETIMEDOUT', key)
    }
    return new Proxy(store, {
      get: (target, name) => {
        if (name === 'put') return put
        const value: unknown = Reflect.get(target, name)
        return typeof value === 'function' ? (value as () => unknown).bind(target) : value
      },
    })
  }

  /** Some of those on their way get there, in any order. */
  async #arrive(): Promise<void> {
    while (this.#waiting.length > 0 && this.#random.next() < 0.3) {
      const at = Math.floor(this.#random.next() * this.#waiting.length)
      await this.#waiting.splice(at, 1)[0]!().catch(ignoreConflict)
    }
  }
}

function ignoreConflict(error: unknown): void {
  if (!(error instanceof WriteConflict)) throw error
}
