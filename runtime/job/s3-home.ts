import { hostname } from 'node:os'
import type { CheckpointStorage } from '../checkpoint/checkpoint-storage.ts'
import { type ObjectPlace, placeIn } from '../checkpoint/object-files.ts'
import { ObjectStorage } from '../checkpoint/object-storage.ts'
import { type Random, randomId } from '../clock.ts'
import { StreamError } from '../errors.ts'
import type { FileSystem } from '../file-system.ts'
import { encodeJobHead } from './head-codec.ts'
import { HeadSession } from './head-session.ts'
import { JobDirectory } from './job-directory.ts'
import { type JobRunner, withRecord } from './job-head.ts'
import type { JobHome } from './job-home.ts'
import type { JobRecord } from './lineage.ts'
import { localFolderOf } from './local-folder.ts'
import { joinPlace, resolvePlace } from './place-names.ts'
import { openS3Place } from './s3-places.ts'
import { checkConditions } from './store-conditions.ts'

/** The object that all runs of a job agree on. */
export const HEAD = 'job.json'

/** How objects begin that a start writes to try the store. */
export const PROBE = 'probe-'

export interface S3HomeOptions {
  /** `s3://bucket/prefix`. */
  readonly dir: string
  /** The folder below which the working state is. */
  readonly work: string
  readonly job: string
  readonly fileSystem: FileSystem
  readonly random: Random
}

/**
 * The state of one job in S3, which this run looks at, and takes over.
 *
 * ```
 *   s3://…/<job>/job.json                  who runs the job, what it remembers, which checkpoints count: see JobHead
 *   s3://…/<job>/checkpoints/<lineage>/    stay where they are when a new beginning is made
 *   s3://…/<job>/savepoints/<id>/
 *   s3://…/<job>/old/<epoch>.json          what --fresh has replaced
 *   WORK/<bucket>/<prefix>/<job>/          on this machine: lock, working state, control.json
 * ```
 */
export class S3Home implements JobHome {
  readonly path: string
  readonly #place: ObjectPlace
  readonly #job: string
  readonly #by: JobRunner
  #session: HeadSession
  readonly #local: JobDirectory
  readonly #random: Random

  private constructor(
    place: ObjectPlace,
    session: HeadSession,
    options: Pick<S3HomeOptions, 'job' | 'random'> & {
      readonly by: JobRunner
      readonly local: JobDirectory
    },
  ) {
    const { job, by, local, random } = options
    this.path = place.url
    this.#place = place
    this.#job = job
    this.#by = by
    this.#session = session
    this.#local = local
    this.#random = random
  }

  /**
   * Looks at the job. From `take` on a run of it that is elsewhere can publish nothing any more. One on this machine, with the same
   * `work`, is not taken over from: `MR_DIRECTORY_LOCKED`.
   */
  static async open(options: S3HomeOptions): Promise<S3Home> {
    const { dir, work, job, fileSystem, random } = options
    const base = resolvePlace(dir)
    const local = await JobDirectory.open(localFolderOf(base, work), job, fileSystem)
    try {
      const place = openS3Place(joinPlace(base, job))
      const run = randomId(random)
      await checkConditions(place, `${PROBE}${run}`)
      const holder = `process ${process.pid} on ${hostname()}`
      const by = { run, holder }
      const session = await HeadSession.look(placeIn(place, HEAD), job, by)
      return new S3Home(place, session, { job, by, local, random })
    } catch (error) {
      await local.close()
      throw error
    }
  }

  get localPath(): string {
    return this.#local.path
  }

  get epoch(): number {
    return this.#session.epoch
  }

  take(): Promise<void> {
    return this.#session.take()
  }

  async hasMoved(): Promise<boolean> {
    try {
      return await this.#session.hasMoved()
    } catch {
      // The failure that led here is the one to tell.
      return false
    }
  }

  async lookAgain({ takes }: { readonly takes: boolean }): Promise<void> {
    const head = placeIn(this.#place, HEAD)
    this.#session = takes
      ? await HeadSession.takeOver(head, this.#job, this.#by)
      : await HeadSession.look(head, this.#job, this.#by)
  }

  async readRecord(): Promise<JobRecord | undefined> {
    const { record } = await this.#session.read()
    if (record === undefined) await this.#refuseOrphans()
    return record
  }

  async writeRecord(record: JobRecord): Promise<void> {
    await this.#session.change((head) => withRecord(head, record))
  }

  /** Nothing has to move: no lineage that begins now has the place of another, and what counted of it still counts. */
  async setAside(): Promise<string | undefined> {
    const head = await this.#session.read()
    if (head.record === undefined) return undefined
    const { prefix, store } = placeIn(this.#place, `old/${head.epoch}.json`)
    await store.put(prefix, encodeJobHead(head), { contentType: 'application/json' })
    await this.#session.change((now) => withRecord(now, undefined))
    return this.checkpointsOf(head.record.current)
  }

  checkpointsOf(lineage: string): string {
    return joinPlace(this.path, 'checkpoints', lineage)
  }

  storageOf(lineage: string): CheckpointStorage {
    return new ObjectStorage({
      place: placeIn(this.#place, `checkpoints/${lineage}`),
      published: this.#session.published(lineage),
      author: { epoch: this.epoch, writer: randomId(this.#random) },
    })
  }

  async create(): Promise<void> {}

  workOf(attempt: number): string {
    return this.#local.workOf(attempt)
  }

  close(): Promise<void> {
    return this.#local.close()
  }

  /** As in a folder: starting beside them would hide them. */
  async #refuseOrphans(): Promise<void> {
    const { prefix, store, url } = placeIn(this.#place, 'checkpoints')
    const { folders } = await store.listLevel(`${prefix}/`)
    for (const lineage of folders) {
      throw new StreamError(
        'MR_DIRECTORY_UNUSABLE',
        `${url}/${lineage} holds checkpoints, but ${HEAD} beside them does not say which of them the job goes on from, so the job cannot resume; restore ${this.path}/${HEAD} from an earlier version or a copy, start from one of them with --from and another --dir, or begin anew with --fresh.`,
        { path: this.path },
      )
    }
  }
}
