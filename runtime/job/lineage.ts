import type { LineagePoint } from '../sink.ts'

/** The snapshot that a lineage began from, and the folder it was read from. */
export interface LineageOrigin {
  readonly point: LineagePoint
  readonly directory: string
  /** It was taken over (`--claim`), so it may be there no longer. */
  readonly isClaimed?: true
}

/** One lineage of a job as its directory remembers it. */
export interface LineageRecord {
  readonly lineage: string
  /** Where it began, and where that began, nearest first (R2). */
  readonly ancestry: readonly LineagePoint[]
  /** Undefined for a fresh start. */
  readonly origin: LineageOrigin | undefined
  /** The final checkpoint whose commits are known to be done (R34). */
  readonly committed: number | undefined
  /** Checkpoints that a run went back behind: what they committed has been taken back, so they are never used again (R3). */
  readonly abandoned: readonly number[]
}

/** All lineages that a job directory knows, and the one that `run` resumes. */
export interface JobRecord {
  readonly job: string
  readonly current: string
  readonly lineages: readonly LineageRecord[]
}

/** A snapshot given to `--from`. */
export interface FromSnapshot extends LineageOrigin {
  readonly ancestry: readonly LineagePoint[]
}

/** What a start means. */
export interface Start {
  /** `resumed`: its lineage exists. `from`: a new one that begins at a snapshot. `fresh`: a new one without a past. */
  readonly mode: 'fresh' | 'resumed' | 'from'
  readonly lineage: LineageRecord
  /** What the directory must remember before anything is put out. */
  readonly record: JobRecord
  /** The old state moves aside first (`--fresh`). */
  readonly setsAside: boolean
  /** `--from` names the snapshot that the resumed lineage began from (R2). */
  readonly repeatsFrom: boolean
}

export interface StartRequest {
  readonly job: string
  /** What the directory remembers; undefined for a new one. */
  readonly record: JobRecord | undefined
  readonly fresh: boolean
  readonly from: FromSnapshot | undefined
  /** The id of a lineage, if one begins; never given out before. */
  readonly newLineage: string
}

/**
 * Decides what a start means (R1, R2); pure.
 *
 * ```
 *   --fresh                        → a new lineage, old state aside
 *   --from S, S began a lineage    → that lineage goes on
 *   --from S, else                 → a new lineage whose nearest ancestor is S
 *   neither, a lineage is known    → the current one goes on
 *   neither, none is known         → a new lineage
 * ```
 *
 * S is known by the lineage and id in its manifest, never by its path.
 */
export function decideStart(request: StartRequest): Start {
  const { record, fresh, from } = request
  if (fresh) return begin(request, 'fresh', undefined)
  if (from !== undefined) {
    const known = record?.lineages.findLast((one) => isSamePoint(one.origin?.point, from.point))
    if (known === undefined) return begin(request, 'from', from)
    // The snapshot may have been moved since: it is read where it is now.
    const origin = { ...known.origin!, directory: from.directory }
    return resume(record!, { ...known, origin }, true)
  }
  if (record === undefined) return begin(request, 'fresh', undefined)
  return resume(record, currentLineage(record), false)
}

/** The lineage that `run` resumes. */
export function currentLineage(record: JobRecord): LineageRecord {
  return record.lineages.find((one) => one.lineage === record.current)!
}

/** The record with one lineage changed. */
export function withLineage(record: JobRecord, changed: LineageRecord): JobRecord {
  const lineages = record.lineages.map((one) => (one.lineage === changed.lineage ? changed : one))
  return { ...record, lineages }
}

function begin(
  request: StartRequest,
  mode: 'fresh' | 'from',
  from: FromSnapshot | undefined,
): Start {
  const { record, fresh, newLineage, job } = request
  const lineage: LineageRecord = {
    lineage: newLineage,
    ancestry: from === undefined ? [] : [from.point, ...from.ancestry],
    origin: from && originOf(from),
    committed: undefined,
    abandoned: [],
  }
  const earlier = fresh ? [] : (record?.lineages ?? [])
  return {
    mode,
    lineage,
    record: { job, current: newLineage, lineages: [...earlier, lineage] },
    setsAside: fresh,
    repeatsFrom: false,
  }
}

function originOf({ point, directory, isClaimed }: FromSnapshot): LineageOrigin {
  return isClaimed === true ? { point, directory, isClaimed } : { point, directory }
}

function resume(record: JobRecord, lineage: LineageRecord, repeatsFrom: boolean): Start {
  return {
    mode: 'resumed',
    lineage,
    record: withLineage({ ...record, current: lineage.lineage }, lineage),
    setsAside: false,
    repeatsFrom,
  }
}

function isSamePoint(a: LineagePoint | undefined, b: LineagePoint): boolean {
  return a?.lineage === b.lineage && a.checkpointId === b.checkpointId
}
