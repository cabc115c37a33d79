/** A shard of a stream. */
export interface Shard {
  /** Such as `shardId-000000000003`. */
  readonly id: string
  /** The shards whose keys it has taken over: one after a split, two after a merge, none otherwise. */
  readonly parents: readonly string[]
  /** The first and the last hash key that it takes, as decimal numbers below 2^128. */
  readonly firstHash: string
  readonly lastHash: string
}

/** A shard that has not been handed out. */
export interface WaitingShard extends Shard {
  /** Where reading begins: a time, or `FROM_BEGINNING`. */
  readonly from: number
}

/** In place of a time: at the oldest record that the shard still has. */
export const FROM_BEGINNING = -1

/** What a checkpoint keeps of the order of shards. */
export interface ShardOrderState {
  readonly waiting: readonly WaitingShard[]
  /** Ids of those that readers have, or whose end has not been told. */
  readonly reading: readonly string[]
  readonly finished: readonly (readonly [id: string, at: number])[]
}

interface FinishedShard {
  /** When it was told; milliseconds since the epoch. */
  readonly at: number
  /** Which subtask has read its last record; -1 before a restore. */
  readonly subtask: number
  /** What it held has been processed everywhere. */
  isSettled: boolean
}

/** A finished shard is forgotten when it is no longer listed and so long has gone by: the least retention of a stream. */
const FORGET_MS = 24 * 3_600_000

const HASH_KEYS = 1n << 128n

/** The last hash key that there is. */
export const LAST_HASH_KEY: bigint = HASH_KEYS - 1n

/**
 * Says which shards may be read now, so that the records of a key keep their order across splits and merges; pure.
 *
 * ```
 *   waiting ── all parents are finished, and nothing of them is under way to another place ──▶ reading ──▶ finished ─▶ settled
 * ```
 *
 * A parent that is not known (any more) counts as finished. That a parent is finished says only that its last record has left its
 * reader. Where the child is read by the same subtask, that is enough: both take the same way to wherever a key goes. Otherwise
 * the child's first record might overtake the parent's last one, so the child waits until a checkpoint has completed that has
 * the parent as finished: its barriers went behind that record, and have come out everywhere.
 */
export class ShardOrder {
  readonly #waiting: Map<string, WaitingShard> = new Map()
  readonly #reading: Set<string> = new Set()
  readonly #finished: Map<string, FinishedShard> = new Map()

  constructor(restored: ShardOrderState | undefined) {
    for (const shard of restored?.waiting ?? []) this.#waiting.set(shard.id, shard)
    for (const id of restored?.reading ?? []) this.#reading.add(id)
    // The state was taken after they had been told, so the checkpoint has what came of them.
    for (const [id, at] of restored?.finished ?? []) {
      this.#finished.set(id, { at, subtask: -1, isSettled: true })
    }
  }

  get state(): ShardOrderState {
    return {
      waiting: [...this.#waiting.values()],
      reading: [...this.#reading],
      finished: [...this.#finished].map(([id, { at }]) => [id, at] as const),
    }
  }

  /** Whether some have not been handed out yet. */
  get hasWaiting(): boolean {
    return this.#waiting.size > 0
  }

  isKnown(id: string): boolean {
    return this.#waiting.has(id) || this.#reading.has(id) || this.#finished.has(id)
  }

  /** Takes up a shard that is not known. */
  add(shard: WaitingShard): void {
    this.#waiting.set(shard.id, shard)
  }

  /** A shard that is not known has nothing to read. */
  skip(id: string, at: number): void {
    this.#finished.set(id, { at, subtask: -1, isSettled: true })
  }

  /** A subtask has handed out the last record of a shard. After a restore it may be told again. */
  finished(id: string, subtask: number, at: number): void {
    if (this.#reading.delete(id)) this.#finished.set(id, { at, subtask, isSettled: false })
  }

  /** A checkpoint that has this shard as finished has completed. */
  settled(id: string): void {
    const shard = this.#finished.get(id)
    if (shard !== undefined) shard.isSettled = true
  }

  /** The shards that may be read now, each with its subtask; from then on they count as being read. */
  takeReady(parallelism: number): readonly { shard: WaitingShard; subtask: number }[] {
    const ready = [...this.#waiting.values()]
      .map((shard) => ({ shard, subtask: ownerOf(shard, parallelism) }))
      .filter(({ shard, subtask }) => shard.parents.every((id) => this.#isBehind(id, subtask)))
    for (const { shard } of ready) {
      this.#waiting.delete(shard.id)
      this.#reading.add(shard.id)
    }
    return ready
  }

  #isBehind(parent: string, subtask: number): boolean {
    const finished = this.#finished.get(parent)
    if (finished === undefined) return !this.isKnown(parent)
    return finished.isSettled || finished.subtask === subtask
  }

  /** Forgets finished shards that the stream no longer has. */
  forget(listed: ReadonlySet<string>, now: number): void {
    for (const [id, { at, isSettled }] of this.#finished) {
      if (isSettled && now - at > FORGET_MS && !listed.has(id)) this.#finished.delete(id)
    }
  }
}

/**
 * Which subtask reads a shard: where the middle of its hash keys lies when all keys are divided evenly. So children mostly
 * stay with the subtask of their parents (semantics 2.14).
 */
export function ownerOf({ firstHash, lastHash }: Shard, parallelism: number): number {
  const middle = (BigInt(firstHash) + BigInt(lastHash)) / 2n
  return Number((middle * BigInt(parallelism)) / HASH_KEYS)
}
