import { join } from 'node:path'
import type { FileSystem } from '../runtime/file-system.ts'
import type { Committer } from '../runtime/sink.ts'
import { lostOutput, outputConflict, outputFailed } from './output-errors.ts'
import { pendingName } from './part-name.ts'

/** A pending file as a checkpoint lists it; plain data. */
export interface FilePart {
  /** The finished name, without its directory; the pending name follows from it. */
  readonly name: string
  readonly bytes: number
}

/**
 * Gives pending files their finished names (R33).
 *
 * A file that has its finished name already is fine: a crash came between the renaming and the news of it. A pending file
 * that is missing without a finished one, or has another length, fails with `MR_OUTPUT_FAILED`. Costs two look-ups and a
 * rename a file, and one sync of the directory.
 */
export class FileSinkCommitter implements Committer<FilePart> {
  readonly #fileSystem: FileSystem
  readonly #directory: string
  readonly #uid: string

  constructor(fileSystem: FileSystem, directory: string, uid: string) {
    this.#fileSystem = fileSystem
    this.#directory = directory
    this.#uid = uid
  }

  async commit(parts: readonly FilePart[]): Promise<void> {
    if (parts.length === 0) return
    try {
      for (const part of parts) await this.#commit(part)
      // Also when all had been renamed before: nobody knows whether that was made durable.
      await this.#fileSystem.syncDirectory(this.#directory)
    } catch (error) {
      const path = this.#directory
      throw outputFailed({ operator: this.#uid, path, what: 'committed' }, error)
    }
  }

  async #commit({ name, bytes }: FilePart): Promise<void> {
    const finished = join(this.#directory, name)
    const pending = join(this.#directory, pendingName(name))
    const [length, finishedLength] = await Promise.all([
      this.#fileSystem.size(pending),
      this.#fileSystem.size(finished),
    ])
    if (length === undefined) {
      if (finishedLength !== undefined) return
      throw lostOutput(
        finished,
        `its pending file ${pending} is missing, and it is not there itself`,
      )
    }
    if (length !== bytes) {
      throw lostOutput(
        finished,
        `its pending file ${pending} has ${length} bytes instead of ${bytes}`,
      )
    }
    // Only another sink with the same directory gives a name twice.
    if (finishedLength !== undefined) throw outputConflict(this.#directory, [name])
    await this.#fileSystem.rename(pending, finished)
  }
}
