import { readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { CheckpointStorage } from '../checkpoint/checkpoint-storage.ts'
import { createFileStorage } from '../checkpoint/file-storage.ts'
import { makeDurable } from '../durable-folder.ts'
import { StreamError } from '../errors.ts'
import type { FileSystem } from '../file-system.ts'
import { NAME_RULE, nameProblem } from '../names.ts'
import { type JobLock, takeJobLock } from './job-lock.ts'
import { CONTROL_FILE } from './control-protocol.ts'
import type { JobHome } from './job-home.ts'
import { decodeJobRecord, encodeJobRecord } from './job-record.ts'
import type { JobRecord } from './lineage.ts'
import { SAVEPOINTS } from './savepoints.ts'

/** What stays where it is when old state moves aside. */
const FIXED = new Set(['lock', 'holder', 'old', CONTROL_FILE, SAVEPOINTS])
const RECORD = 'job.json'

/**
 * The state directory of one job, locked for this process.
 *
 * ```
 *   DIR/.gitignore               holds *, where DIR was made for this
 *   DIR/<job>/lock/              the lock (R4)
 *   DIR/<job>/holder             process id of the last holder, for messages
 *   DIR/<job>/job.json           lineages, and which one `run` resumes
 *   DIR/<job>/checkpoints/<lineage>/
 *   DIR/<job>/work/<attempt>/    working state, disposable (R37)
 *   DIR/<job>/old/<n>/           what --fresh moved aside; never deleted
 *   DIR/<job>/savepoints/<id>/   savepoints that were given no other path; never deleted
 *   DIR/<job>/control.json       where the run takes commands; gone with it
 * ```
 *
 * Folders have mode 0700, files 0600 (N25). What cannot be created, read or written fails with `MR_DIRECTORY_UNUSABLE`.
 */
export class JobDirectory implements JobHome {
  /** Absolute. */
  readonly path: string
  readonly epoch: number = 0
  readonly #fileSystem: FileSystem
  /** Undefined where it is only looked into. */
  readonly #lock: JobLock | undefined

  private constructor(path: string, fileSystem: FileSystem, lock?: JobLock) {
    this.path = path
    this.#fileSystem = fileSystem
    this.#lock = lock
  }

  get localPath(): string {
    return this.path
  }

  /** Creates the directory of a job if need be, and locks it; removes what crashed attempts left in `work`. */
  static async open(dir: string, job: string, fileSystem: FileSystem): Promise<JobDirectory> {
    checkName(job)
    const path = join(resolve(dir), job)
    return usable(path, async () => {
      // In a folder that has other things in it, those must not be hidden from git.
      const isOwn = (await fileSystem.list(resolve(dir))).length === 0
      await makeDurable(fileSystem, path)
      // DIR may have been made by a run that was killed before this sync (R26); a parent that may not be opened is not one
      // that we made.
      await fileSystem.syncDirectory(dirname(resolve(dir))).catch(() => {})
      if (isOwn) await ignoreByGit(resolve(dir))
      await makeDurable(fileSystem, join(path, 'lock'))
      const lock = await takeJobLock(join(path, 'lock'), join(path, 'holder'))
      const directory = new JobDirectory(path, fileSystem, lock)
      try {
        await directory.removeWork()
      } catch (error) {
        await lock.release()
        throw error
      }
      return directory
    })
  }

  /** The directory of a job as it is, which need not exist, to read its record: nothing is created, nor locked. */
  static lookInto(dir: string, job: string, fileSystem: FileSystem): JobDirectory {
    checkName(job)
    return new JobDirectory(join(resolve(dir), job), fileSystem)
  }

  /** The lock has seen to it. */
  async take(): Promise<void> {}

  async hasMoved(): Promise<boolean> {
    return false
  }

  async lookAgain(): Promise<void> {}

  /** What the directory remembers; undefined for a new one. */
  async readRecord(job: string): Promise<JobRecord | undefined> {
    const path = join(this.path, RECORD)
    return usable(this.path, async () => {
      if ((await this.#fileSystem.size(path)) === undefined) {
        await this.#refuseOrphans()
        return undefined
      }
      const record = decodeJobRecord(await readFile(path, 'utf8'), path)
      if (record.job !== job) throw otherJob(this.path, record.job, job)
      return record
    })
  }

  /** Replaces the record, atomically and durably. */
  async writeRecord(record: JobRecord): Promise<void> {
    const fileSystem = this.#fileSystem
    const path = join(this.path, RECORD)
    await usable(this.path, async () => {
      const aside = `${path}.new`
      if ((await fileSystem.size(aside)) !== undefined) await fileSystem.unlink(aside)
      const file = await fileSystem.create(aside)
      try {
        await file.write(Buffer.from(encodeJobRecord(record)))
        await file.sync()
      } finally {
        await file.close()
      }
      await fileSystem.rename(aside, path)
      await fileSystem.syncDirectory(this.path)
    })
  }

  /**
   * Moves all state to `old/<n>` (N23), and returns that path; undefined if there was none. The record goes first, so that
   * a crash in between never leaves a lineage without its checkpoints; what has moved is durable in its new place first.
   */
  async setAside(): Promise<string | undefined> {
    const fileSystem = this.#fileSystem
    return usable(this.path, async () => {
      const names = (await fileSystem.list(this.path)).filter((name) => !FIXED.has(name))
      if (!names.some((name) => name === RECORD || name === 'checkpoints')) return undefined
      const old = join(this.path, 'old')
      const numbers = (await fileSystem.list(old)).map(Number).filter(Number.isInteger)
      const target = join(old, String(Math.max(0, ...numbers) + 1))
      await makeDurable(fileSystem, target)
      for (const name of [RECORD, ...names.filter((one) => one !== RECORD)]) {
        if (!names.includes(name)) continue
        await fileSystem.rename(join(this.path, name), join(target, name))
        await fileSystem.syncDirectory(target)
        await fileSystem.syncDirectory(this.path)
      }
      return target
    })
  }

  /** The folder of a lineage's checkpoints; not created. */
  checkpointsOf(lineage: string): string {
    return join(this.path, 'checkpoints', lineage)
  }

  storageOf(lineage: string): CheckpointStorage {
    const directory = this.checkpointsOf(lineage)
    return createFileStorage({ directory, fileSystem: this.#fileSystem })
  }

  /** Creates a folder in the directory, durably. */
  async create(path: string): Promise<void> {
    await usable(this.path, () => makeDurable(this.#fileSystem, path))
  }

  /** The folder for the working state of an attempt; not created. */
  workOf(attempt: number): string {
    return join(this.path, 'work', String(attempt))
  }

  async removeWork(): Promise<void> {
    await rm(join(this.path, 'work'), { recursive: true, force: true })
  }

  /** Removes working state and frees the lock. */
  async close(): Promise<void> {
    try {
      await this.removeWork()
    } finally {
      await this.#lock?.release()
    }
  }

  /** Checkpoints without a record belong to nothing that can be resumed: starting beside them would hide them. */
  async #refuseOrphans(): Promise<void> {
    if ((await this.#fileSystem.list(join(this.path, 'checkpoints'))).length === 0) return
    throw new StreamError(
      'MR_DIRECTORY_UNUSABLE',
      `${this.path} holds checkpoints but no ${RECORD}, which says which of them the job goes on from, so the job cannot resume; restore the file from a copy, start from one of them with --from and another --dir, or move them aside with --fresh.`,
      { path: this.path },
    )
  }
}

function ignoreByGit(dir: string): Promise<void> {
  return writeFile(join(dir, '.gitignore'), '*\n', { mode: 0o600 })
}

async function usable<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof StreamError) throw error
    throw new StreamError(
      'MR_DIRECTORY_UNUSABLE',
      `The state directory ${path} cannot be used (${(error as Error).message}); without it the job could not go on after a crash; ${wayOut(error)}, or give another one with --dir.`,
      { path },
      error,
    )
  }
}

function wayOut(error: unknown): string {
  const { code } = error as { readonly code?: unknown }
  if (code === 'ENOTDIR' || code === 'EEXIST') return 'move the file that is in the way'
  return code === 'ENOSPC' || code === 'EDQUOT' ? 'free space on that disk' : 'make it writable'
}

/** Before anything is created: such a name could lead to another folder. */
function checkName(job: string): void {
  const problem = nameProblem(job)
  if (problem === undefined) return
  throw new StreamError(
    'MR_NAME_INVALID',
    `The name of the job is "${job}", ${problem}; its state directory cannot be called that, so nothing can run; ${NAME_RULE}.`,
    { job },
  )
}

function otherJob(path: string, found: string, job: string): StreamError {
  return new StreamError(
    'MR_DIRECTORY_UNUSABLE',
    `${path} belongs to job "${found}", not to "${job}"; its checkpoints mean nothing to this one; give the jobs names that differ in more than case, or give another --dir.`,
    { path, found, job },
  )
}
