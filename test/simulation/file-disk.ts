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

/**
 * The storage for real, on a file system in memory whose calls are slow, overtake each other, and fail as often as the test
 * says: before, after or halfway.
 */
export class FileDisk extends SimulatedDisk {
  readonly memory: FaultFileSystem = new FaultFileSystem([FOLDER])
  /** How many calls have failed, by kind. */
  readonly failed: Map<string, number> = new Map()
  readonly #random: SeededRandom

  constructor(seed: number) {
    super()
    this.#random = new SeededRandom(seed)
  }

  override open({ later, fault }: StorageAccess): CheckpointStorage {
    const fileSystem = new UnreliableFileSystem(this.memory, {
      pace: () => new Promise((resolve) => later(resolve)),
      fault: (call) => {
        const when = fault?.('write')
        return when === undefined ? undefined : this.#fault(call, when)
      },
    })
    return createFileStorage({ directory: FOLDER, fileSystem })
  }

  #fault({ kind }: Call, when: 'before' | 'after'): Fault {
    this.failed.set(kind, (this.failed.get(kind) ?? 0) + 1)
    const codes = READS.has(kind) ? PASSING.slice(0, 3) : PASSING
    const code = codes[Math.floor(this.#random.next() * codes.length)]!
    if (when === 'after') return { kind: 'unanswered', code }
    return { kind: kind === 'write' ? 'torn' : 'fails', code }
  }
}
