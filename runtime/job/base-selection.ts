import { dirname } from 'node:path'
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
  /** The path of a checkpoint's manifest, for messages. */
  readonly pathOf: (checkpointId: number) => string
}

/** A checkpoint that cannot be used. */
interface Damaged {
  readonly id: number
  readonly error: Error
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
  const failures: Damaged[] = []
  const damagedFiles = filesOf(options.damaged.values())
  for (const id of [...ids].reverse()) {
    if (options.abandoned.has(id)) continue
    try {
      const damage = options.damaged.get(id)
      if (damage !== undefined) throw damage
      const manifest = await storage.readManifest(id)
      await validateManifestFiles(storage, manifest)
      refuseDamagedFiles(manifest, damagedFiles)
      if (failures.length > 0) {
        refuseDoubling(options, id, failures)
        notes.push(
          `checkpoint ${failures[0]!.id} is damaged (${causeOf(failures[0]!)}); going back to checkpoint ${id}, output committed since is taken back${stuckSinks(options).length === 0 ? '' : ' where it can be'}`,
        )
      }
      return { manifest, ids, abandoned: failures.map((failure) => failure.id), notes }
    } catch (error) {
      if (!isDamage(error)) throw error
      failures.push({ id, error: error as Error })
    }
  }
  if (ids.length > 0) throw noneUsable(options, ids, failures)
  return { manifest: undefined, ids, abandoned: [], notes }
}

/** The files in which damage was found, with it. */
function filesOf(errors: Iterable<Error>): Map<string, Error> {
  const files = new Map<string, Error>()
  for (const error of errors) {
    const file = error instanceof StreamError ? error.fields['file'] : undefined
    if (typeof file === 'string') files.set(file, error)
  }
  return files
}

/**
 * A file that turned out to be damaged makes every checkpoint that names it so: found out here, before output is taken back
 * for the sake of a checkpoint that cannot be restored either.
 */
function refuseDamagedFiles(
  manifest: CheckpointManifest,
  damaged: ReadonlyMap<string, Error>,
): void {
  for (const { segments } of manifest.subtasks) {
    for (const { file } of segments) {
      const damage = damaged.get(file)
      if (damage !== undefined) throw damage
    }
  }
}

function isDamage(error: unknown): boolean {
  return error instanceof StreamError && error.code === 'MR_CHECKPOINT_CORRUPT'
}

function refuseDoubling(
  options: BaseSelectionOptions,
  id: number,
  failures: readonly Damaged[],
): void {
  const stuck = stuckSinks(options)
  if (stuck.length === 0 || options.allowRewind) return
  const names = stuck.map((operator) => `"${operator.name}" (${operator.operatorKind})`).join(', ')
  throw new StreamError(
    'MR_FALLBACK_REFUSED',
    `Checkpoint ${failures[0]!.id} (${dirname(options.pathOf(failures[0]!.id))}) is damaged (${causeOf(failures[0]!)}), the newest good one is ${id}; what sinks ${names} have put out since checkpoint ${id} cannot be taken back and would be put out twice; restore the damaged file from a copy, or accept the doubling with --allow-rewind.`,
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
  options: BaseSelectionOptions,
  ids: readonly number[],
  failures: readonly Damaged[],
): StreamError {
  const directory = dirname(dirname(options.pathOf(ids[0]!)))
  const idsByCause = new Map<string, number[]>()
  for (const failure of failures) {
    const cause = causeOf(failure)
    idsByCause.set(cause, [...(idsByCause.get(cause) ?? []), failure.id])
  }
  const causes = [...idsByCause].map(([cause, of]) => `${of.join(', ')}: ${cause}`)
  const found = causes.length === 0 ? '' : ` (${causes.join('; ')})`
  return new StreamError(
    'MR_CHECKPOINT_UNUSABLE',
    `None of the ${ids.length} checkpoints in ${directory} can be restored${found}; going on from part of one, or from the start, would lose or double records; restore the files from a copy, start from another snapshot with --from, or start over with --fresh.`,
    { checkpoints: ids },
    failures[0]?.error,
  )
}

/** What is wrong with a checkpoint, without its number and the ways out, which are told for all of them together. */
function causeOf({ id, error }: Damaged): string {
  const [cause = ''] = error.message.split('; ')
  return cause.replace(new RegExp(`^Checkpoint ${id} of lineage [^:]*: `), '')
}
