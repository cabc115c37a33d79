import type { CheckpointStorage } from '../../runtime/checkpoint/checkpoint-storage.ts'
import { createFileStorage } from '../../runtime/checkpoint/file-storage.ts'
import { SeededRandom } from '../../runtime/clock.ts'
import { SimulatedDisk, type StorageAccess } from '../../testing/simulated-storage.ts'
import { FaultFileSystem } from '../harness/fault-file-system.ts'
import type { Call, Fault } from '../harness/faults.ts'
import { UnreliableFileSystem } from '../harness/unreliable-file-system.ts'

const FOLDER = '/lineage'

/** What a call can fail with that may succeed the next time. */
const PASSING = ['ENOSPC', 'EMFILE', 'ETIMEDOUT', 'EIO']
/** Of these `EIO` says that what is there cannot be read: that is damage (R27). */
const READS = new Set(['read', 'open', 'size', 'list'])

/** Then the disk is good: a start takes some hundred calls, all of which must succeed. */
const MOST_FAULTS = 100

export interface FileDiskOptions {
  /** With the end of each process the power fails, and with it goes what was not synced. Default false. */
  readonly powerCuts?: boolean
  /** Which part of the syncs of files do nothing. Default 0. */
  readonly lostSyncs?: number
}

/**
 * The storage for real, on a file system in memory whose calls are slow, overtake each other, and fail as often as the test
 * says: before, after or halfway.
 */
export class FileDisk extends SimulatedDisk {
  readonly memory: FaultFileSystem = new FaultFileSystem([FOLDER])
  /** How many calls have failed, by kind. */
  readonly failed: Map<string, number> = new Map()
  /** How often the power has failed, and how many syncs have done nothing. */
  powerCuts = 0
  lostSyncs = 0
  readonly #random: SeededRandom
  readonly #options: FileDiskOptions
  #process = 1
  #faults = 0

  constructor(seed: number, options: FileDiskOptions = {}) {
    super()
    this.#random = new SeededRandom(seed)
    this.#options = options
  }

  override open({ process = 1, later, fault }: StorageAccess): CheckpointStorage {
    if (process > this.#process && this.#options.powerCuts === true) {
      this.memory.powerCut(this.#random)
      this.powerCuts++
    }
    this.#process = process
    const fileSystem = new UnreliableFileSystem(this.memory, {
      pace: () => new Promise((resolve) => later(resolve)),
      fault: (call) => {
        if (this.#isLost(call)) return { kind: 'lost' }
        const when = this.#faults < MOST_FAULTS ? fault?.('write') : undefined
        return when === undefined ? undefined : this.#fault(call, when)
      },
    })
    return createFileStorage({ directory: FOLDER, fileSystem })
  }

  #isLost({ kind }: Call): boolean {
    const { lostSyncs = 0 } = this.#options
    if (kind !== 'sync' || lostSyncs === 0 || this.#random.next() >= lostSyncs) return false
    this.lostSyncs++
    return true
  }

  #fault({ kind }: Call, when: 'before' | 'after'): Fault {
    this.#faults++
    this.failed.set(kind, (this.failed.get(kind) ?? 0) + 1)
    const codes = READS.has(kind) ? PASSING.slice(0, 3) : PASSING
    const code = codes[Math.floor(this.#random.next() * codes.length)]!
    if (when === 'after') return { kind: 'unanswered', code }
    return { kind: kind === 'write' ? 'torn' : 'fails', code }
  }
}
