import type { CheckpointStorage } from '../checkpoint/checkpoint-storage.ts'
import { validateManifestFiles } from '../checkpoint/manifest-codec.ts'
import type { CheckpointManifest } from '../checkpoint/manifest.ts'
import { StreamError } from '../errors.ts'
import type { JobPlan, PlanOperator } from '../graph/job-plan.ts'
import { planOperators } from './restore-plan.ts'

/** What a start goes on from: a checkpoint of the own lineage, or nothing yet. */
export interface SelectedBase {
  readonly manifest: CheckpointManifest | undefined
  /** Every published id, ascending: none of them is given out again (R1). */
  readonly ids: readonly number[]
  /** Damaged ones that are gone back behind: once what they committed is taken back they must never be used again. */
  readonly abandoned: readonly number[]
  readonly notes: readonly string[]
}

export interface BaseSelectionOptions {
  readonly storage: CheckpointStorage
  readonly plan: JobPlan
  /** Checkpoints that turned out to be damaged while they were restored, with the failure. */
  readonly damaged: ReadonlyMap<number, Error>
  /** Checkpoints that were gone back behind earlier: passed over, the refusal has been answered then. */
  readonly abandoned: ReadonlySet<number>
  readonly allowRewind: boolean
}

/**
 * Finds the newest usable checkpoint of the lineage (R1, R27), and falls back to an older one only where everything that
 * was committed after it can be taken back (R3). It never goes on with part of a checkpoint, nor from the start when
 * there are checkpoints.
 */
export async function selectBase(options: BaseSelectionOptions): Promise<SelectedBase> {
  const { storage } = options
  const ids = await storage.list()
  const notes: string[] = []
  const failures: { id: number; error: Error }[] = []
  for (const id of [...ids].reverse()) {
    if (options.abandoned.has(id)) continue
    try {
      const damage = options.damaged.get(id)
      if (damage !== undefined) throw damage
      const manifest = await storage.readManifest(id)
      await validateManifestFiles(storage, manifest)
      if (failures.length > 0) {
        refuseDoubling(options, id, failures)
        notes.push(
          `checkpoint ${failures[0]!.id} is damaged (${failures[0]!.error.message}); going back to checkpoint ${id}, output committed since is taken back${stuckSinks(options).length === 0 ? '' : ' where it can be'}`,
        )
      }
      return { manifest, ids, abandoned: failures.map((failure) => failure.id), notes }
    } catch (error) {
      if (!isDamage(error)) throw error
      failures.push({ id, error: error as Error })
    }
  }
  if (ids.length > 0) throw noneUsable(ids, failures)
  return { manifest: undefined, ids, abandoned: [], notes }
}

function isDamage(error: unknown): boolean {
  return error instanceof StreamError && error.code === 'MR_CHECKPOINT_CORRUPT'
}

function refuseDoubling(
  options: BaseSelectionOptions,
  id: number,
  failures: readonly { id: number; error: Error }[],
): void {
  const stuck = stuckSinks(options)
  if (stuck.length === 0 || options.allowRewind) return
  const names = stuck.map((operator) => `"${operator.name}" (${operator.operatorKind})`).join(', ')
  throw new StreamError(
    'MR_FALLBACK_REFUSED',
    `Checkpoint ${failures[0]!.id} is damaged, the newest good one is ${id}: ${failures[0]!.error.message} What sinks ${names} have put out since checkpoint ${id} cannot be taken back and would be put out twice; restore the damaged file from a copy, or accept the doubling with --allow-rewind.`,
    { damaged: failures[0]!.id, usable: id, sinks: stuck.map((operator) => operator.name) },
  )
}

/** Sinks whose committed output cannot be taken back. */
function stuckSinks(options: BaseSelectionOptions): PlanOperator[] {
  return planOperators(options.plan).filter(
    (operator) => operator.type === 'sink' && operator.canTakeBack !== true,
  )
}

function noneUsable(
  ids: readonly number[],
  failures: readonly { id: number; error: Error }[],
): StreamError {
  const list = failures.map(({ id, error }) => `${id}: ${error.message}`).join(' ')
  return new StreamError(
    'MR_CHECKPOINT_UNUSABLE',
    `None of the ${ids.length} checkpoints can be restored; going on from part of one, or from the start, would lose or double records. ${list} Restore the files from a copy, start from another snapshot with --from, or start over with --fresh.`,
    { checkpoints: ids },
    failures[0]?.error,
  )
}
