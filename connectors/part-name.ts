/** A part of the output as its finished name says: `part-<lineage>-<checkpoint>-<subtask>-<n><suffix>`. */
export interface PartName {
  readonly lineage: string
  /** The checkpoint under which it was cut. */
  readonly checkpointId: number
  readonly subtaskIndex: number
  /** Counts the parts of one subtask and checkpoint. */
  readonly n: number
  /** Ending with its dot, from the format. */
  readonly suffix: string
}

/** What a name in an output directory stands for; `foreign` is anything that this sink never writes. */
export type OutputName =
  | { readonly state: 'finished' | 'pending'; readonly part: PartName }
  | { readonly state: 'in-progress'; readonly lineage: string }
  | { readonly state: 'foreign' }

const PART = /^part-([0-9a-f]{16})-(\d+)-(\d+)-(\d+)(\.[A-Za-z0-9.]+)?$/
const PENDING = /^\.(part-.+)\.pending$/
const IN_PROGRESS = /^\.part-([0-9a-f]{16})-\d+-\d+-\d+(\.[A-Za-z0-9.]+)?\.in-progress$/

/** The name that readers see. Unique, since checkpoint ids are never reused within a lineage (R1). */
export function finishedName(part: PartName): string {
  const { lineage, checkpointId, subtaskIndex, n, suffix } = part
  return `part-${lineage}-${checkpointId}-${subtaskIndex}-${n}${suffix}`
}

/**
 * The name of a part that waits for its checkpoint. It follows from the finished one: no later attempt can give it to
 * other data, so that a commit which is made again finds its own file or none.
 */
export function pendingName(finished: string): string {
  return `.${finished}.pending`
}

/** The name of a part that is being written; the next attempt removes what is left under such names. */
export function inProgressName(options: {
  readonly lineage: string
  readonly attempt: number
  readonly subtaskIndex: number
  readonly counter: number
  readonly suffix: string
}): string {
  const { lineage, attempt, subtaskIndex, counter, suffix } = options
  return `.part-${lineage}-${attempt}-${subtaskIndex}-${counter}${suffix}.in-progress`
}

/** Reads a name in an output directory. */
export function parseOutputName(name: string): OutputName {
  const finished = parsePart(name)
  if (finished !== undefined) return { state: 'finished', part: finished }
  const pending = parsePart(PENDING.exec(name)?.[1] ?? '')
  if (pending !== undefined) return { state: 'pending', part: pending }
  const lineage = IN_PROGRESS.exec(name)?.[1]
  return lineage === undefined ? { state: 'foreign' } : { state: 'in-progress', lineage }
}

function parsePart(name: string): PartName | undefined {
  const match = PART.exec(name)
  if (match === null) return undefined
  const [, lineage, checkpointId, subtaskIndex, n, suffix] = match
  return {
    lineage: lineage as string,
    checkpointId: Number(checkpointId),
    subtaskIndex: Number(subtaskIndex),
    n: Number(n),
    suffix: suffix ?? '',
  }
}
