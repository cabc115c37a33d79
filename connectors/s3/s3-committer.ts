import { UploadGone } from '../../runtime/object-store.ts'
import type { Committer } from '../../runtime/sink.ts'
import { RequestSlots } from './request-slots.ts'
import { lostUpload, s3OutputFailed } from './s3-output-errors.ts'
import { type S3Part, type StagedPart, type SubtaskOutput, TOKEN_NAME } from './s3-part.ts'
import type { TablePartitions } from './table-partitions.ts'

/** So many objects are committed at once. */
const COMMITS_AT_ONCE = 16

/**
 * Makes the objects of a checkpoint visible (R33).
 *
 * What the checkpoint holds is written under its key; a second time writes the same. An upload is completed; where it is gone, a try
 * before, perhaps of another process, may have done it: the token in the metadata of the object says so, whatever its etag is like.
 */
export class S3Committer implements Committer<S3Part> {
  readonly #shared: SubtaskOutput
  readonly #uid: string
  readonly #urlOf: (key: string) => string
  readonly #table: TablePartitions | undefined
  readonly #slots: RequestSlots = new RequestSlots(COMMITS_AT_ONCE)

  constructor(
    shared: SubtaskOutput,
    uid: string,
    urlOf: (key: string) => string,
    table?: TablePartitions,
  ) {
    this.#shared = shared
    this.#uid = uid
    this.#urlOf = urlOf
    this.#table = table
  }

  async commit(parts: readonly S3Part[]): Promise<void> {
    // Before the writer is open this is what a restored checkpoint had; later it knows itself.
    this.#shared.restored?.push(...parts)
    const commits = parts.map((part) => this.#slots.run(() => this.#commit(part)))
    // All have ended when this fails: nothing is written behind the back of the next attempt.
    const failed = (await Promise.allSettled(commits)).find(({ status }) => status === 'rejected')
    if (failed !== undefined) throw (failed as PromiseRejectedResult).reason
    // Those of objects that go on too: after a crash one of them may be complete, and in no commit any more. Where this fails all is
    // committed again, by the next attempt if need be: objects that are there are no obstacle.
    await this.#table?.addOf(parts.map(({ key }) => key))
  }

  close(): void {
    this.#shared.store.close()
    this.#table?.close()
  }

  async #commit(part: S3Part): Promise<void> {
    try {
      if ('body' in part) {
        const metadata = { [TOKEN_NAME]: part.token }
        await this.#shared.store.put(part.key, part.body, { metadata })
      } else if ('tail' in part) {
        // It goes on.
      } else {
        await this.#complete(part)
        this.#shared.staged.delete(part.uploadId)
      }
    } catch (error) {
      throw s3OutputFailed(this.#uid, this.#urlOf(part.key), error)
    }
  }

  async #complete({ key, bytes, uploadId, parts, token }: StagedPart): Promise<void> {
    try {
      await this.#shared.store.completeUpload({ key, uploadId }, parts)
    } catch (error) {
      if (!(error instanceof UploadGone)) throw error
      const there = await this.#shared.store.head(key)
      if (there?.metadata[TOKEN_NAME] === token && there.bytes === bytes) return
      throw lostUpload(this.#urlOf(key), there !== undefined)
    }
  }
}
