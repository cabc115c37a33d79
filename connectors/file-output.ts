import { dirname, join } from 'node:path'
import { invariant } from '../runtime/errors.ts'
import type { FileSystem } from '../runtime/file-system.ts'
import type { PrepareOutputContext } from '../runtime/sink.ts'
import type { FilePart } from './file-sink-committer.ts'
import { outputConflict, outputFailed } from './output-errors.ts'
import { type OutputName, inProgressName, parseOutputName, pendingName } from './part-name.ts'

/** What becomes of a file that is in the output directory when an attempt starts. */
export type Fate =
  /** It belongs to the output that is continued, waits for its commit, or is none of ours. */
  | 'leave'
  /** Committed after the checkpoint that this attempt goes on from (R3). */
  | 'take-back'
  /** Written by an attempt that is over, and in no checkpoint. */
  | 'remove'
  /** Output that this run does not continue: the policy decides (R2). */
  | 'conflict'
  /** Not committed, but perhaps needed by a checkpoint of another run: goes only with `--output replace`. */
  | 'spare'

/**
 * Decides about one name in an output directory (R2, R3); pure.
 *
 * | state | own lineage | ancestor | other lineage |
 * | --- | --- | --- | --- |
 * | finished, up to the checkpoint | leave | leave | conflict |
 * | finished, later | take-back | conflict | conflict |
 * | pending, listed in the checkpoint | leave | leave | leave |
 * | pending, up to the checkpoint | remove | remove | spare |
 * | pending, later | remove | spare | spare |
 * | in progress | remove | remove | remove |
 *
 * An ancestor's checkpoint is the one this run's history left it at.
 */
export function fateOf(
  name: string,
  context: Pick<PrepareOutputContext, 'current' | 'ancestry'>,
  listed: ReadonlySet<string>,
): Fate {
  const found = parseOutputName(name)
  if (found.state === 'foreign' || listed.has(name)) return 'leave'
  if (found.state === 'in-progress') return 'remove'
  const { current, ancestry } = context
  const { lineage, checkpointId } = found.part
  const isFinished = found.state === 'finished'
  if (lineage === current.lineage) {
    if (!isFinished) return 'remove'
    return checkpointId <= current.checkpointId ? 'leave' : 'take-back'
  }
  const ancestor = ancestry.find((point) => point.lineage === lineage)
  const isContinued = ancestor !== undefined && checkpointId <= ancestor.checkpointId
  if (isFinished) return isContinued ? 'leave' : 'conflict'
  return isContinued ? 'remove' : 'spare'
}

/** Refuses output in a directory that this run does not continue (R2); changes nothing. */
export async function checkFileOutput(
  fileSystem: FileSystem,
  directory: string,
  context: PrepareOutputContext,
): Promise<void> {
  try {
    const having = await findFates(fileSystem, directory, context)
    refuseConflicts(directory, context, having('conflict'))
  } catch (error) {
    throw outputFailed({ operator: context.uid, path: directory, what: 'prepared' }, error)
  }
}

/** The names of each fate in a directory; none where it is missing. */
async function findFates(
  fileSystem: FileSystem,
  directory: string,
  context: PrepareOutputContext,
): Promise<(fate: Fate) => string[]> {
  const names = await fileSystem.list(directory)
  const parts = context.pending as readonly FilePart[]
  const listed = new Set(parts.map((part) => pendingName(part.name)))
  const fates = names.map((name) => ({ name, fate: fateOf(name, context, listed) }))
  return (fate) => fates.filter((one) => one.fate === fate).map((one) => one.name)
}

function refuseConflicts(
  directory: string,
  context: PrepareOutputContext,
  conflicts: readonly string[],
): void {
  if (context.policy === 'refuse' && conflicts.length > 0)
    throw outputConflict(directory, conflicts)
}

/**
 * Makes an output directory ready for an attempt: creates it, refuses or removes output that this run does not continue,
 * and removes what crashed attempts left (R2, R3). Nothing is removed when it refuses. Idempotent.
 */
export async function prepareFileOutput(
  fileSystem: FileSystem,
  directory: string,
  context: PrepareOutputContext,
): Promise<void> {
  try {
    await makeDirectories(fileSystem, directory)
    const having = await findFates(fileSystem, directory, context)
    const conflicts = having('conflict')
    const spared = having('spare')
    const takenBack = having('take-back')
    const replaces = context.policy === 'replace'
    refuseConflicts(directory, context, conflicts)
    const removed = [
      ...having('remove'),
      ...takenBack,
      ...(replaces ? [...conflicts, ...spared] : []),
    ]
    for (const name of removed) await fileSystem.unlink(join(directory, name))
    await tryOut(fileSystem, directory, context.current.lineage)
    // Durable before anything is written: a removed file that came back would hold records a second time.
    await fileSystem.syncDirectory(directory)
    tell(context, directory, { takenBack, conflicts, spared })
  } catch (error) {
    throw outputFailed({ operator: context.uid, path: directory, what: 'prepared' }, error)
  }
}

function tell(
  context: PrepareOutputContext,
  directory: string,
  counts: Readonly<Record<'takenBack' | 'conflicts' | 'spared', readonly string[]>>,
): void {
  const { takenBack, conflicts, spared } = counts
  const replaces = context.policy === 'replace'
  const replaced = conflicts.length + spared.length
  if (takenBack.length > 0) {
    const after = context.current.checkpointId
    context.log(`${directory}: took back ${filesOf(takenBack)} committed after checkpoint ${after}`)
  }
  if (replaces && replaced > 0) {
    context.log(`${directory}: removed ${filesOf([...conflicts, ...spared])} of another run`)
  } else if (spared.length > 0) {
    context.log(
      `${directory}: left ${filesOf(spared)} that another run has not committed (hidden; --output replace removes them)`,
    )
  }
}

function filesOf(names: readonly string[]): string {
  return names.length === 1 ? `1 file (${names[0]})` : `${names.length} files`
}

/** Finds out that the directory can be written before any input is read. */
async function tryOut(fileSystem: FileSystem, directory: string, lineage: string): Promise<void> {
  const name = inProgressName({ lineage, attempt: 0, subtaskIndex: 0, counter: 0, suffix: '' })
  const found: OutputName = parseOutputName(name)
  invariant(found.state === 'in-progress', `lineage ${lineage} cannot be part of a file name`)
  const path = join(directory, name)
  const file = await fileSystem.create(path)
  await file.close()
  await fileSystem.unlink(path)
}

/** Creates a directory with its parents; their names are durable when it resolves. */
async function makeDirectories(fileSystem: FileSystem, path: string): Promise<void> {
  const parent = dirname(path)
  let isNew: boolean
  try {
    isNew = await fileSystem.makeDirectory(path)
  } catch (error) {
    if ((error as { code?: string }).code !== 'ENOENT' || parent === path) throw error
    await makeDirectories(fileSystem, parent)
    isNew = await fileSystem.makeDirectory(path)
  }
  const synced = fileSystem.syncDirectory(parent)
  // A folder that was there may have been made by a process that crashed before this sync; a parent that may not be opened
  // is not one that we made.
  await (isNew ? synced : synced.catch(() => {}))
}
