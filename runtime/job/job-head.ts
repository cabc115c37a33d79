import { isDeepStrictEqual } from 'node:util'
import type { JobRecord } from './lineage.ts'

/** Who runs a job. */
export interface JobRunner {
  /** A random name that no other run has. */
  readonly run: string
  /** Host and process, for messages. */
  readonly holder: string
}

/**
 * What the one object says that all runs of a job agree on: who runs it, and what has been published. It is changed by
 * compare-and-swap only, so its versions are one history, in which each change was made by the run that it names.
 *
 * ```
 *            run A takes over        A publishes 1       run B takes over        A publishes 2: refused, A ends
 *   (none) ─────────────────▶ 1: A ───────────────▶ 1: A ────────────────▶ 2: B ─────────────────────────▶ …
 *                              {}                    {1}                    {1}        B goes on from 1
 * ```
 *
 * What A has committed was published before that, so it is in what B goes on from; and what A does afterwards can not be
 * published, so it is never committed. No clock is in this.
 */
export interface JobHead extends JobRunner {
  readonly job: string
  /** How often the job has been taken over: grows by one with each run. */
  readonly epoch: number
  /**
   * Grows by one with each change. With `run` it makes every version different: the etag, which is a hash of the content, is
   * then never the same twice, and a run knows its own writes from those of others.
   */
  readonly writes: number
  /** What the job remembers; undefined before it has begun. */
  readonly record: JobRecord | undefined
  /** By lineage, those set aside included: ids that count, ascending. */
  readonly published: ReadonlyMap<string, readonly number[]>
}

/** The head once a run has taken the job over; `head` is undefined for a new job. */
export function takenOver(head: JobHead | undefined, job: string, by: JobRunner): JobHead {
  return {
    job,
    run: by.run,
    holder: by.holder,
    epoch: (head?.epoch ?? 0) + 1,
    writes: (head?.writes ?? 0) + 1,
    record: head?.record,
    published: head?.published ?? new Map(),
  }
}

/** Whether the same run has the job, which remembers the same: all that may differ is what is published. */
export function isSameHold(a: JobHead, b: JobHead): boolean {
  return a.run === b.run && isDeepStrictEqual(a.record, b.record)
}

/** The same with other content: what is written. */
export function nextVersion(head: JobHead): JobHead {
  return { ...head, writes: head.writes + 1 }
}

/** Ids of a lineage that count, ascending. */
export function publishedIn(head: JobHead, lineage: string): readonly number[] {
  return head.published.get(lineage) ?? []
}

/** Whether a run that had this head has begun the lineage; false for what is left of one whose head was lost. */
export function knowsLineage(head: JobHead, lineage: string): boolean {
  const isRemembered = head.record?.lineages.some((one) => one.lineage === lineage) ?? false
  return isRemembered || head.published.has(lineage)
}

/** A checkpoint counts from now on. */
export function withPublished(head: JobHead, lineage: string, checkpointId: number): JobHead {
  const ids = publishedIn(head, lineage)
  if (ids.includes(checkpointId)) return head
  return withIds(
    head,
    lineage,
    [...ids, checkpointId].toSorted((a, b) => a - b),
  )
}

/** Of the ids up to the highest of `kept`, only `kept` count from now on. */
export function withKept(head: JobHead, lineage: string, kept: readonly number[]): JobHead {
  const newest = Math.max(0, ...kept)
  const ids = publishedIn(head, lineage)
  const left = ids.filter((id) => id > newest || kept.includes(id))
  return left.length === ids.length ? head : withIds(head, lineage, left)
}

/** The job remembers this. */
export function withRecord(head: JobHead, record: JobRecord | undefined): JobHead {
  return { ...head, record }
}

function withIds(head: JobHead, lineage: string, ids: readonly number[]): JobHead {
  return { ...head, published: new Map(head.published).set(lineage, ids) }
}
