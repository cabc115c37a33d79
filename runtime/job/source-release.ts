import type { JobPlan, PlanVertex } from '../graph/job-plan.ts'
import { heldVertices } from '../graph/read-first.ts'
import type { SlotCommand, SubtaskId } from '../messages.ts'

/** Sources that are not read yet, by name, and those that they wait for. */
export interface HeldSources {
  readonly sources: readonly string[]
  readonly waitFor: readonly string[]
}

/**
 * Lets the sources of one attempt be read that wait for those with `readFirst`; knows nothing of earlier attempts.
 *
 * ```
 *   held ── every subtask has ended, or has processed all that comes of sources with readFirst ──▶ released
 * ```
 *
 * Sources that wait say at once that nothing of that kind comes from them; those that are read first end, and their end goes
 * behind their last record. So a subtask knows by its inputs when it has taken all, and tells those behind it, in order with
 * the records; when all have, none is under way anywhere. After a restore all this is said again: what had ended ends again.
 */
export class SourceRelease {
  readonly #broadcast: (command: SlotCommand) => void
  /** Subtasks that have not processed all of it; empty: nothing is held. */
  readonly #waiting: Set<string> = new Set()
  readonly #sources: readonly string[]
  readonly #readFirst: readonly { readonly name: string; readonly subtasks: readonly string[] }[]

  /** `broadcast` sends to every slot of the attempt. */
  constructor(plan: JobPlan, broadcast: (command: SlotCommand) => void) {
    this.#broadcast = broadcast
    const heads = plan.vertices.map(({ chain }) => chain[0]!)
    const held = heldVertices(heads, plan.edges)
    const sources = plan.vertices.filter((_, vertex) => heads[vertex]!.type === 'source')
    this.#sources = sources.filter(({ index }) => held.has(index)).map(({ name }) => name)
    this.#readFirst = sources
      .filter(({ index }) => !held.has(index))
      .map((vertex) => ({ name: vertex.name, subtasks: subtasksOf(vertex) }))
    if (held.size === 0) return
    for (const subtask of plan.vertices.flatMap(subtasksOf)) this.#waiting.add(subtask)
  }

  /** A subtask has ended, or has processed all that comes of sources with `readFirst`. */
  passed({ vertex, subtask }: SubtaskId): void {
    if (!this.#waiting.delete(subtaskName(vertex, subtask)) || this.#waiting.size > 0) return
    this.#broadcast({ type: 'release-sources' })
  }

  /** What is held by now; undefined where nothing is. */
  get held(): HeldSources | undefined {
    if (this.#waiting.size === 0) return undefined
    const unread = this.#readFirst.filter(({ subtasks }) =>
      subtasks.some((subtask) => this.#waiting.has(subtask)),
    )
    // All have been read, and what they gave is on its way.
    const waitFor = unread.length > 0 ? unread : this.#readFirst
    return { sources: this.#sources, waitFor: waitFor.map(({ name }) => name) }
  }
}

function subtasksOf({ index, parallelism }: PlanVertex): string[] {
  return Array.from({ length: parallelism }, (_, subtask) => subtaskName(index, subtask))
}

function subtaskName(vertex: number, subtask: number): string {
  return `${vertex}/${subtask}`
}
