import { decodeManifest } from '../../runtime/checkpoint/manifest-codec.ts'
import type { CheckpointManifest } from '../../runtime/checkpoint/manifest.ts'
import { SimulatedDisk } from '../../testing/simulated-storage.ts'

/** Manifests that are looked at when they are published. */
class WatchedManifests extends Map<number, Uint8Array> {
  readonly #look: (manifest: CheckpointManifest) => void

  constructor(look: (manifest: CheckpointManifest) => void) {
    super()
    this.#look = look
  }

  override set(checkpointId: number, bytes: Uint8Array): this {
    this.#look(decodeManifest(bytes, String(checkpointId)))
    return super.set(checkpointId, bytes)
  }
}

/** A disk that checks every manifest when it is published. */
export class WatchedDisk extends SimulatedDisk {
  override readonly manifests: Map<number, Uint8Array>
  /** What was wrong with the first bad one. */
  problem = ''
  #lastId = 0

  /** `shuffledAt`: names of operators that are behind an all-to-all edge, by parallelism. */
  constructor(shuffledAt: (parallelism: number) => ReadonlySet<string>) {
    super()
    this.manifests = new WatchedManifests((manifest) => {
      const problem =
        this.#idProblem(manifest) || watermarkProblem(manifest, shuffledAt(manifest.parallelism))
      if (this.problem === '') this.problem = problem
    })
  }

  /** Ids rise, and are never given twice (R1). */
  #idProblem({ checkpointId }: CheckpointManifest): string {
    const before = this.#lastId
    this.#lastId = checkpointId
    return checkpointId > before ? '' : `checkpoint ${checkpointId} is published after ${before}`
  }
}

/** At an aligned cut all subtasks behind an all-to-all edge hold the same watermark, as there is no idleness here (R8). */
function watermarkProblem(manifest: CheckpointManifest, shuffled: ReadonlySet<string>): string {
  for (const name of shuffled) {
    const watermarks = manifest.subtasks.flatMap((part) =>
      name in part.watermarks ? [part.watermarks[name]] : [],
    )
    if (new Set(watermarks).size > 1) {
      return `checkpoint ${manifest.checkpointId} has "${name}" at watermarks ${watermarks.join(', ')}`
    }
  }
  return ''
}
