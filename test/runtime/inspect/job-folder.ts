import type { CheckpointManifest } from '../../../runtime/checkpoint/manifest.ts'
import { nodeFileSystem } from '../../../runtime/file-system.ts'
import { JobDirectory } from '../../../runtime/job/job-directory.ts'
import { JobStart } from '../../../runtime/job/job-start.ts'
import { manifestOf, partOf, writeFile } from '../../harness/checkpoint-fixtures.ts'

/** The folder of a job "fraud" in which lineages are begun and checkpoints published, as runs would do it. */
export class JobFolder {
  readonly directory: JobDirectory
  #made = 0

  private constructor(directory: JobDirectory) {
    this.directory = directory
  }

  static async create(dir: string): Promise<JobFolder> {
    return new JobFolder(await JobDirectory.open(dir, 'fraud', nodeFileSystem))
  }

  /** What a run finds; a lineage that it begins is called `lineage-1` and so on. */
  async start(options: { fresh?: boolean; from?: string } = {}): Promise<JobStart> {
    const start = await JobStart.find({
      directory: this.directory,
      job: 'fraud',
      fresh: options.fresh ?? false,
      from: options.from,
      newLineage: `lineage-${++this.#made}`,
      claim: false,
      fileSystem: nodeFileSystem,
      failpoint: () => {},
    })
    await start.commit()
    return start
  }
}

/** Publishes a checkpoint with one new file; returns its manifest. */
export async function publish(
  start: JobStart,
  checkpointId: number,
  changes: Partial<CheckpointManifest> = {},
): Promise<CheckpointManifest> {
  const { lineage, ancestry } = start.start.lineage
  await start.storage.reserveId(checkpointId - 1)
  const file = await writeFile(start.storage, checkpointId, 'counts')
  const subtasks = [partOf(0, [file])]
  const manifest = manifestOf(checkpointId, { lineage, ancestry, subtasks, ...changes })
  await start.storage.publish(manifest)
  return manifest
}
