import type { ObjectPlace } from '../checkpoint/object-files.ts'
import type { PublishedCheckpoints } from '../checkpoint/published-checkpoints.ts'
import { storageFailure } from '../checkpoint/storage-errors.ts'
import { StreamError } from '../errors.ts'
import { WriteConflict } from '../object-store.ts'
import { decodeJobHead, encodeJobHead } from './head-codec.ts'
import {
  type JobHead,
  type JobRunner,
  nextVersion,
  publishedIn,
  takenOver,
  withKept,
  withPublished,
} from './job-head.ts'

/** A version of the head, and by what the store knows it. */
interface Version {
  readonly head: JobHead
  readonly etag: string
}

/** Reads the head of a job; undefined where there is none. */
export async function readJobHead(place: ObjectPlace): Promise<JobHead | undefined> {
  return (await readVersion(place))?.head
}

/**
 * The hold of one run on the head of its job, from taking it over until another run does that: from then on all calls fail with
 * `MR_JOB_FENCED`, and change nothing.
 *
 * A write that fails without an answer may be done later, when its request arrives. So before anything is read off the head that
 * the run acts on, another write decides: once that is done, the earlier one either shows in it, or its condition never holds again.
 */
export class HeadSession {
  readonly run: string
  /** The object. */
  readonly #place: ObjectPlace
  readonly epoch: number
  /** The newest version, as far as this run knows; another run may have made another. */
  #version: Version | undefined
  /** A write may be under way still. */
  #isOpen = false
  /** Changes follow one another. */
  #queue: Promise<unknown> = Promise.resolve()

  private constructor(place: ObjectPlace, run: string, epoch: number) {
    this.#place = place
    this.run = run
    this.epoch = epoch
  }

  /** A part of the run that has taken the job over as `run`, in that epoch, in another thread. */
  static join(place: ObjectPlace, run: string, epoch: number): HeadSession {
    return new HeadSession(place, run, epoch)
  }

  /** Takes the job over: the run that had it is fenced when this resolves. */
  static async takeOver(place: ObjectPlace, job: string, by: JobRunner): Promise<HeadSession> {
    for (;;) {
      const found = await readVersion(place)
      if (found !== undefined && found.head.job !== job) throw otherJob(place, found.head, job)
      const head = takenOver(found?.head, job, by)
      try {
        await write(place, head, found?.etag)
        return HeadSession.join(place, head.run, head.epoch)
      } catch (error) {
        // Somebody was faster: over that one, then.
        if (!(error instanceof WriteConflict)) throw error
      }
    }
  }

  /** The head as it is now. */
  read(): Promise<JobHead> {
    return this.#inTurn(async () => {
      if (this.#isOpen) return this.#change((head) => head)
      this.#version = await this.#load()
      return this.#version.head
    })
  }

  /** Changes the head, durably; `change` is pure, and called again where the head was not what it was taken for. */
  change(change: (head: JobHead) => JobHead): Promise<JobHead> {
    return this.#inTurn(() => this.#change(change))
  }

  /** The checkpoints of a lineage that count. */
  published(lineage: string): PublishedCheckpoints {
    return {
      list: async () => publishedIn(await this.read(), lineage),
      add: async (id) => void (await this.change((head) => withPublished(head, lineage, id))),
      keep: async (kept) => void (await this.change((head) => withKept(head, lineage, kept))),
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work)
    this.#queue = turn.catch(() => {})
    return turn
  }

  /** Writes even where nothing changes: that it could says that this run still has the job. */
  async #change(change: (head: JobHead) => JobHead): Promise<JobHead> {
    for (;;) {
      const { head: before, etag } = this.#version ?? (await this.#load())
      const head = nextVersion(change(before))
      this.#version = undefined
      try {
        this.#version = { head, etag: await write(this.#place, head, etag) }
        this.#isOpen = false
        return head
      } catch (error) {
        if (error instanceof WriteConflict) continue
        this.#isOpen = true
        throw error
      }
    }
  }

  async #load(): Promise<Version> {
    const found = await readVersion(this.#place)
    if (found?.head.run !== this.run) throw fenced(this.#place, found?.head)
    return found
  }
}

async function readVersion({ prefix, store, url }: ObjectPlace): Promise<Version | undefined> {
  try {
    const found = await store.get(prefix)
    return found && { head: decodeJobHead(found.body, url), etag: found.etag }
  } catch (error) {
    throw storageFailure(error, { path: url, what: 'The state of the job', verb: 'read' })
  }
}

/** Replaces the version with that etag; creates the first one without. Resolves with the new etag. */
async function write(
  { prefix, store, url }: ObjectPlace,
  head: JobHead,
  etag: string | undefined,
): Promise<string> {
  const condition = etag === undefined ? ({ ifAbsent: true } as const) : { ifEtag: etag }
  try {
    const contentType = 'application/json'
    return await store.put(prefix, encodeJobHead(head), { condition, contentType })
  } catch (error) {
    if (error instanceof WriteConflict) throw error
    throw storageFailure(error, { path: url, what: 'The state of the job', verb: 'written' })
  }
}

function fenced({ url }: ObjectPlace, by: JobHead | undefined): StreamError {
  const who =
    by === undefined ? `${url} has been removed` : `${by.holder} has taken it over (${url} says so)`
  return new StreamError(
    'MR_JOB_FENCED',
    `This run of the job is not the one any more: ${who}; what it has not published is not committed, and the other run puts it out; see to it that the job is started in one place only, and let this run be ended.`,
    { path: url, epoch: by?.epoch, holder: by?.holder },
  )
}

function otherJob({ url }: ObjectPlace, { job }: JobHead, wanted: string): StreamError {
  return new StreamError(
    'MR_DIRECTORY_UNUSABLE',
    `${url} belongs to job "${job}", not to "${wanted}"; its checkpoints mean nothing to this one; give another --dir.`,
    { path: url, found: job, job: wanted },
  )
}
