import { HeadMoved } from '../checkpoint/head-moved.ts'
import type { ObjectPlace } from '../checkpoint/object-files.ts'
import type { PublishedCheckpoints } from '../checkpoint/published-checkpoints.ts'
import { storageFailure } from '../checkpoint/storage-errors.ts'
import { invariant, StreamError } from '../errors.ts'
import { WriteConflict } from '../object-store.ts'
import { decodeJobHead, encodeJobHead } from './head-codec.ts'
import {
  type JobHead,
  type JobRunner,
  isSameHold,
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

/** A head that is to replace the version `over`, or the absence of any. */
interface Wanted {
  readonly head: JobHead
  readonly over: Version | undefined
}

/** Reads the head of a job; undefined where there is none. */
export async function readJobHead(place: ObjectPlace): Promise<JobHead | undefined> {
  return (await readVersion(place))?.head
}

/**
 * The hold of one run on the head of its job, from taking it over until another run does that: from then on all calls fail with
 * `MR_JOB_FENCED`, and change nothing.
 *
 * Before it is taken over the head is only looked at. It may be read again, as long as nobody but the run that has it changes it, and
 * nothing but what is published; else that fails with `HeadMoved`. It is taken over as it was read last.
 *
 * A write that fails without an answer may be done later, when its request arrives. So before anything is read off the head that
 * the run acts on, another write decides: once that is done, the earlier one either shows in it, or its condition never holds again.
 */
export class HeadSession {
  readonly run: string
  /** The object. */
  readonly #place: ObjectPlace
  /** That of the run, once it has taken the job over. */
  readonly epoch: number
  /** What is to be taken over; undefined once it is. */
  #wanted: Wanted | undefined
  /** The newest version, as far as this run knows; another run may have made another. */
  #version: Version | undefined
  /** A write may be under way still. */
  #isOpen = false
  /** Changes follow one another. */
  #queue: Promise<unknown> = Promise.resolve()

  private constructor(place: ObjectPlace, run: string, epoch: number, wanted?: Wanted) {
    this.#place = place
    this.run = run
    this.epoch = epoch
    this.#wanted = wanted
  }

  /** A part of the run that has taken the job over as `run`, in that epoch, in another thread. */
  static join(place: ObjectPlace, run: string, epoch: number): HeadSession {
    return new HeadSession(place, run, epoch)
  }

  /** Looks at the head, to take the job over with `take`. */
  static async look(place: ObjectPlace, job: string, by: JobRunner): Promise<HeadSession> {
    const found = await readVersion(place)
    if (found !== undefined && found.head.job !== job) throw otherJob(place, found.head, job)
    const head = takenOver(found?.head, job, by)
    return new HeadSession(place, head.run, head.epoch, { head, over: found })
  }

  /** Takes the job over, however it is: the run that had it is fenced when this resolves. */
  static async takeOver(place: ObjectPlace, job: string, by: JobRunner): Promise<HeadSession> {
    for (;;) {
      const session = await HeadSession.look(place, job, by)
      try {
        await session.take()
        return session
      } catch (error) {
        // Somebody was faster: over that one, then.
        if (!(error instanceof HeadMoved)) throw error
      }
    }
  }

  /** Takes the job over as it was read last: the run that had it is fenced when this resolves. May be repeated. */
  take(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#wanted === undefined) return
      const { head, over } = this.#wanted
      try {
        this.#version = { head, etag: await write(this.#place, head, over?.etag) }
      } catch (error) {
        if (!(error instanceof WriteConflict)) throw error
        // An earlier try without an answer may have been this.
        const found = await readVersion(this.#place)
        if (found?.head.run !== this.run) throw new HeadMoved(true, error)
        this.#version = found
      }
      this.#wanted = undefined
    })
  }

  /** Whether it is not taken, and no longer as it was read last. */
  hasMoved(): Promise<boolean> {
    return this.#inTurn(async () => {
      return this.#wanted !== undefined && (await this.#isMoved(this.#wanted))
    })
  }

  /** The head as it is now, or would be once it is taken over. */
  read(): Promise<JobHead> {
    return this.#inTurn(async () => {
      if (this.#wanted !== undefined) return this.#look(this.#wanted)
      if (this.#isOpen) return this.#change((head) => head)
      this.#version = await this.#load()
      return this.#version.head
    })
  }

  /** Fails where the run has been taken over from; before it has taken the job, where the head is not as it was read last. */
  check(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#wanted === undefined) await this.#load()
      else if (await this.#isMoved(this.#wanted)) throw new HeadMoved(false)
    })
  }

  /** Changes the head, durably; `change` is pure, and called again where the head was not what it was taken for. */
  change(change: (head: JobHead) => JobHead): Promise<JobHead> {
    invariant(this.#wanted === undefined, 'only a run that has taken its job over changes it')
    return this.#inTurn(() => this.#change(change))
  }

  /** The checkpoints of a lineage that count. */
  published(lineage: string): PublishedCheckpoints {
    return {
      list: async () => publishedIn(await this.read(), lineage),
      check: () => this.check(),
      add: async (id) => void (await this.change((head) => withPublished(head, lineage, id))),
      keep: async (kept) => void (await this.change((head) => withKept(head, lineage, kept))),
    }
  }

  async #isMoved({ over }: Wanted): Promise<boolean> {
    const found = await readVersion(this.#place)
    // A try to take it over whose answer was lost may have been done: that is no other run.
    return found?.etag !== over?.etag && found?.head.run !== this.run
  }

  async #look(wanted: Wanted): Promise<JobHead> {
    const { head, over } = wanted
    const found = await readVersion(this.#place)
    if (found?.head.run === this.run || found?.etag === over?.etag) return head
    if (found === undefined || over === undefined || !isSameHold(found.head, over.head)) {
      throw new HeadMoved(false)
    }
    this.#wanted = { head: takenOver(found.head, head.job, head), over: found }
    return this.#wanted.head
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
