import { invariant } from '../errors.ts'
import type { OwnStates } from './manifest.ts'
import type { Alignment, SnapshotPart, SubtaskId } from '../messages.ts'

/** Names a subtask within an attempt: vertex name and subtask index. */
export type SubtaskKey = `${string}/${number}`

export interface NamedSubtask extends SubtaskId {
  readonly vertexName: string
}

export function subtaskKey(id: SubtaskId): SubtaskKey {
  return `${id.vertex}/${id.subtask}`
}

/**
 * One checkpoint while its parts come in; pure.
 *
 * ```
 *   collecting ──every part and the enumerators are there──▶ complete
 * ```
 *
 * Parts of other checkpoints, and second parts of one subtask, are ignored: they come late, and count for nothing.
 */
export class PendingCheckpoint {
  readonly checkpointId: number
  readonly #expected: Map<SubtaskKey, NamedSubtask>
  readonly #parts: Map<SubtaskKey, SnapshotPart> = new Map()
  #enumerators: OwnStates | undefined

  constructor(checkpointId: number, subtasks: readonly NamedSubtask[]) {
    this.checkpointId = checkpointId
    this.#expected = new Map(subtasks.map((id) => [subtaskKey(id), id]))
  }

  acknowledge(checkpointId: number, id: SubtaskId, part: SnapshotPart): void {
    const key = subtaskKey(id)
    if (checkpointId !== this.checkpointId || this.#parts.has(key)) return
    invariant(this.#expected.has(key), `an unknown subtask ${key} acknowledges a checkpoint`)
    this.#parts.set(key, part)
  }

  enumerators(checkpointId: number, states: OwnStates): void {
    if (checkpointId === this.checkpointId) this.#enumerators ??= states
  }

  get isComplete(): boolean {
    return this.#enumerators !== undefined && this.#parts.size === this.#expected.size
  }

  hasPart(id: SubtaskId): boolean {
    return this.#parts.has(subtaskKey(id))
  }

  partOf(id: SubtaskId): SnapshotPart {
    const part = this.#parts.get(subtaskKey(id))
    invariant(
      part !== undefined,
      `checkpoint ${this.checkpointId} has no part of ${subtaskKey(id)}`,
    )
    return part
  }

  get enumeratorStates(): OwnStates {
    invariant(this.#enumerators !== undefined, 'the enumerators have not answered')
    return this.#enumerators
  }

  /** Bytes that the parts wrote. */
  get byteLength(): number {
    let bytes = 0
    for (const part of this.#parts.values()) bytes += (part.segment?.bytes ?? 0) + part.extraBytes
    return bytes
  }

  /** Who has not answered, as `vertex[subtask]`, with the channels that have not delivered the barrier where that is known. */
  missing(alignments: Iterable<Alignment>): string[] {
    const waiting = new Map<SubtaskKey, Alignment>()
    for (const alignment of alignments) {
      if (alignment.checkpointId !== this.checkpointId) continue
      waiting.set(subtaskKey(alignment.subtask), alignment)
    }
    const missing = this.#enumerators === undefined ? ['the enumerators'] : []
    for (const [key, id] of this.#expected) {
      if (this.#parts.has(key)) continue
      const barriers = waiting.get(key)?.missing
      const why = barriers === undefined ? '' : ` (no barrier has come from ${barriers.join(', ')})`
      missing.push(`${id.vertexName}[${id.subtask}]${why}`)
    }
    return missing
  }
}
