import { asError, invariant, RestartableError, StreamError } from '../errors.ts'
import type { CheckpointStorage, StorageWriter } from './checkpoint-storage.ts'
import { foldSegments } from './fold.ts'
import { type FoldPlan, MAX_CHAIN } from './fold-plan.ts'
import { type Fold, FoldingChain } from './folding-chain.ts'
import type { CheckpointManifest, SegmentReference } from './manifest.ts'
import type { SegmentMerger } from './segment-merger.ts'

/** Names a subtask across attempts: vertex name and subtask index. */
export type ChainKey = `${string}/${number}`

export function chainKey(vertexName: string, subtaskIndex: number): ChainKey {
  return `${vertexName}/${subtaskIndex}`
}

/** Bytes a second that one fold may read: it must not compete with the records for the disk (R29). */
const FOLD_BYTES_PER_SECOND = 32 * 1_024 * 1_024

/** A fold of more than this goes on beside the others, one at a time, so that short chains do not wait for it. */
const LONG_FOLD_BYTES = 32 * 1_024 * 1_024

/** By so much a chain that begins too long may grow until folding has made it short. */
const LONGER = 4

/** Rounds of housekeeping that may fail in a row before checkpoints wait for it: the directory must not grow for ever. */
const MAX_FAILED_ROUNDS = 8

/** Rounds that at most make room for one checkpoint; each shortens a chain. */
const MAX_ROUNDS = 1_000

export interface SegmentChainsOptions {
  readonly storage: CheckpointStorage
  readonly merger: SegmentMerger
  readonly base: CheckpointManifest | undefined
  /** The chains of the base that subtasks go on with; those without begin with a full snapshot. */
  readonly continuing: ReadonlyMap<ChainKey, readonly SegmentReference[]>
  /** Ids of older checkpoints that still exist, ascending. */
  readonly keptIds: readonly number[]
  readonly retained: number
  /** Files that must stay, although no manifest may name them any more: they are being copied. */
  readonly pinnedFiles: () => readonly string[]
  /** A segment of a chain turned out to be damaged: no checkpoint that names it can be restored (R27). */
  readonly onDamage: (error: Error) => void
  readonly foldBytesPerSecond?: number
  readonly longFoldBytes?: number
}

/**
 * The segment chain of every subtask: extended by each checkpoint, folded before it gets long (R29), and the files that
 * nothing names any more removed.
 *
 * Housekeeping runs in rounds, one after another: remove, then fold one chain after another, and remove beside each fold what is
 * superseded meanwhile. Only a long fold goes on beside the rounds. What fails is tried again in the next round; where chains or
 * files would grow without bound, `makeRoom` rejects with the failure.
 */
export class SegmentChains {
  readonly #options: Required<SegmentChainsOptions>
  readonly #chains: Map<ChainKey, FoldingChain> = new Map()
  /** How long chains may get that began longer than others may be: at another parallelism those of several subtasks are one. */
  readonly #longest: Map<ChainKey, number> = new Map()
  readonly #running: Set<AbortController> = new Set()
  #kept: CheckpointManifest[] = []
  #unreadIds: readonly number[]
  #discardUpTo = 0
  #discardedUpTo = 0
  #rounds: Promise<void> | undefined
  #isRoundWanted = false
  /** Resolves with the first wish for a round since files were removed last. */
  #wish: PromiseWithResolvers<void> = Promise.withResolvers()
  #longFold: Promise<void> | undefined
  #failure: Error | undefined
  #failedRounds = 0
  #isEnding = false
  /** No manifest follows. */
  #isConcluded = false
  #isClosed = false

  constructor(options: SegmentChainsOptions) {
    this.#options = {
      foldBytesPerSecond: FOLD_BYTES_PER_SECOND,
      longFoldBytes: LONG_FOLD_BYTES,
      ...options,
    }
    this.#unreadIds = options.keptIds
    const { base, continuing } = options
    for (const [key, chain] of continuing) {
      this.#chains.set(key, new FoldingChain(chain))
      if (chain.length > MAX_CHAIN - 2) this.#longest.set(key, chain.length + LONGER)
    }
    if (base !== undefined) this.#kept.push(base)
  }

  /** The chain of a subtask with one more segment, for the manifest of the next checkpoint. */
  extend(subtask: ChainKey, segment: SegmentReference | undefined): readonly SegmentReference[] {
    const chain = this.#chains.get(subtask)?.current ?? []
    return segment === undefined ? chain : [...chain, segment]
  }

  /** The manifest has been published: its chains are the ones to go on with. */
  adopt(manifest: CheckpointManifest): void {
    for (const { vertex, subtaskIndex, segments } of manifest.subtasks) {
      const key = chainKey(vertex, subtaskIndex)
      const chain = this.#chains.get(key)
      if (chain === undefined) this.#chains.set(key, new FoldingChain(segments))
      else chain.adopt(segments)
    }
    this.#kept.push(manifest)
  }

  /**
   * Waits until every chain has room for one more segment, so that none that is named gets longer than `MAX_CHAIN`, or much longer
   * than it began: where folding lags behind, checkpoints become rarer, not longer. The last checkpoint may use the last place. Rejects with
   * what keeps the housekeeping from being done.
   */
  async makeRoom(): Promise<void> {
    for (let round = 0; !this.#isClosed && !this.#hasRoom(); round++) {
      invariant(round < MAX_ROUNDS, 'a chain of segments does not get shorter')
      await this.tidy()
      if (this.#isClosed || this.#hasRoom()) return
      if (this.#failure !== undefined) throw this.#failure
      await this.#longFold
    }
  }

  /**
   * Begins a round of housekeeping: removes what is no longer needed, then folds what has become long. Runs beside the job;
   * resolves when there is nothing more to do, or it failed.
   */
  async tidy(): Promise<void> {
    if (this.#isClosed) return
    this.#isRoundWanted = true
    this.#wish.resolve()
    this.#rounds ??= this.#tidyWhileWanted()
    await this.#rounds
  }

  /** What ids up to this one have left without being published is removed in the next round. */
  discard(upTo: number): void {
    this.#discardUpTo = Math.max(this.#discardUpTo, upTo)
  }

  /** The last checkpoint is near: folds that it does not need are given up. */
  hurry(): void {
    this.#isEnding = true
    for (const controller of this.#running) controller.abort()
  }

  /** The last checkpoint is there: what it does not name is removed, also the outcome of folds that it came too early for. */
  async conclude(): Promise<void> {
    this.#isConcluded = true
    this.hurry()
    await this.#longFold
    await this.tidy()
  }

  /** Ends all folds; resolves when nothing is written or removed any more. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.hurry()
    await this.#rounds
    await this.#longFold
  }

  #hasRoom(): boolean {
    const most = this.#isEnding ? MAX_CHAIN - 1 : MAX_CHAIN - 2
    const isShort = [...this.#chains].every(([key, { current }]) => {
      if (current.length <= most) this.#longest.delete(key)
      return current.length <= Math.max(most, this.#longest.get(key) ?? 0)
    })
    return isShort && this.#failedRounds < MAX_FAILED_ROUNDS
  }

  // --- Rounds ---

  async #tidyWhileWanted(): Promise<void> {
    while (this.#isRoundWanted && !this.#isClosed) {
      this.#isRoundWanted = false
      try {
        await this.#round()
        this.#failure = undefined
        this.#failedRounds = 0
      } catch (error) {
        this.#failed(error)
      }
    }
    // In the same step as the last look at what is wanted, so that no wish gets lost in between.
    this.#rounds = undefined
  }

  async #round(): Promise<void> {
    await this.#remove()
    for (const [key, chain] of this.#chains) {
      for (let plan = this.#planOf(chain); plan !== undefined; plan = this.#planOf(chain)) {
        await this.#fold(key, chain, plan)
      }
    }
  }

  /** Waits for a fold. What checkpoints supersede meanwhile is removed without waiting for it. */
  async #removeBeside(fold: Promise<void>): Promise<void> {
    let isOver = false
    const over = fold.finally(() => {
      isOver = true
    })
    try {
      for (;;) {
        await Promise.race([over, this.#wish.promise])
        if (isOver) return
        await this.#remove()
      }
    } finally {
      await over
    }
  }

  async #remove(): Promise<void> {
    this.#wish = Promise.withResolvers()
    const { storage, retained } = this.#options
    if (this.#discardUpTo > this.#discardedUpTo) {
      const upTo = this.#discardUpTo
      await storage.discard(upTo)
      this.#discardedUpTo = upTo
    }
    if (this.#unreadIds.length > 0) await this.#readOlder()
    const kept = this.#kept.slice(-retained)
    if (kept.length === 0) return
    const unnamed = [...this.#chains.values()].flatMap((chain) => chain.files)
    // No manifest will name them, but what is still being written is removed by who writes it.
    const spared = this.#isConcluded && this.#running.size === 0 ? [] : unnamed
    await storage.retain(kept, [...spared, ...this.#options.pinnedFiles()])
    this.#kept = this.#kept.slice(this.#kept.indexOf(kept[0]!))
  }

  /** Learns which files the checkpoints from before this attempt name. */
  async #readOlder(): Promise<void> {
    const older: CheckpointManifest[] = []
    const most = this.#options.retained - this.#kept.length
    for (const id of most <= 0 ? [] : this.#unreadIds.slice(-most)) {
      try {
        older.push(await this.#options.storage.readManifest(id))
      } catch (error) {
        // A damaged older checkpoint cannot be restored from: it need not be kept.
        if (!(error instanceof StreamError) || !NOT_RESTORABLE.has(error.code)) throw error
      }
    }
    this.#unreadIds = []
    this.#kept.unshift(...older)
  }

  #failed(error: unknown): void {
    this.#failedRounds++
    this.#failure = asError(error)
    const isDamage = error instanceof StreamError && error.code === 'MR_CHECKPOINT_CORRUPT'
    if (isDamage && !this.#isClosed) this.#options.onDamage(damageWhileFolding(error))
  }

  // --- Folding ---

  #planOf(chain: FoldingChain): FoldPlan | undefined {
    if (this.#isConcluded || this.#isClosed) return undefined
    if (this.#isEnding && chain.current.length < MAX_CHAIN) return undefined
    const plan = chain.plan()
    const isLong = plan !== undefined && bytesOf(chain, plan) > this.#options.longFoldBytes
    const mustWait = isLong && this.#longFold !== undefined && chain.current.length < MAX_CHAIN - 1
    return mustWait ? undefined : plan
  }

  async #fold(key: ChainKey, chain: FoldingChain, plan: FoldPlan): Promise<void> {
    const isLong = bytesOf(chain, plan) > this.#options.longFoldBytes
    const newest = this.#kept.at(-1)!.checkpointId
    // Files appear in turn with removals, so that none is taken for a leftover before it is known here.
    const name = `fold-${key.replace('/', '-')}-${plan.count}`
    const target = await this.#options.storage.create(newest, name)
    const running = this.#run(chain, chain.begin(plan, target.name), target)
    if (!isLong || this.#longFold !== undefined) return this.#removeBeside(running)
    this.#longFold = running
      .catch((error: unknown) => this.#failed(error))
      .finally(() => {
        this.#longFold = undefined
      })
  }

  async #run(chain: FoldingChain, fold: Fold, target: StorageWriter): Promise<void> {
    const controller = new AbortController()
    this.#running.add(controller)
    if (this.#isClosed) controller.abort()
    try {
      const { merger, foldBytesPerSecond } = this.#options
      const { run: segments, isBeginning } = fold
      const request = { segments, isBeginning, bytesPerSecond: foldBytesPerSecond }
      const folded = await foldSegments(merger, target, request, controller.signal)
      chain.end(fold, folded)
    } catch (error) {
      chain.end(fold, 'failed')
      if (!controller.signal.aborted) throw error
    } finally {
      this.#running.delete(controller)
    }
  }
}

const NOT_RESTORABLE: ReadonlySet<string> = new Set([
  'MR_CHECKPOINT_CORRUPT',
  'MR_CHECKPOINT_VERSION',
])

/** Which checkpoints name the file is for the restore to find out: it reads them, the newest first (R3). */
function damageWhileFolding(error: StreamError): Error {
  return new RestartableError(
    'MR_CHECKPOINT_FAILED',
    `The checkpoints of the job cannot go on from their files: ${error.message}`,
    error.fields,
    error,
  )
}

function bytesOf(chain: FoldingChain, { first, count }: FoldPlan): number {
  const run = chain.current.slice(first, first + count)
  return run.reduce((sum, segment) => sum + (segment.rangeBytes ?? segment.bytes), 0)
}
